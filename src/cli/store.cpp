// SPDX-License-Identifier: Apache-2.0
// geoloom store ls | copy | sync | rm
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "catalog/href.h"
#include "cli/commands.h"
#include "cli/confirmation.h"
#include "cli/quantities.h"
#include "error/error.h"
#include "geo/time.h"
#include "store/transfer.h"

namespace geoloom::cli {
namespace {

using workflow::OrderedJson;

struct StoreArguments {
  std::vector<std::string> places;
  std::string from, to;
  bool recursive = false, remove_others = false, dry_run = false, yes = false, quiet = false;
  unsigned at_a_time = 4;
};

std::string path_of(const std::string& url) {
  return catalog::gdal_path(url);
}

void list(const StoreArguments& arguments, const Commands& commands) {
  auto objects = OrderedJson::array();
  int64_t bytes = 0;
  for (const auto& place : arguments.places) {
    for (const auto& object : store::list_objects(path_of(place), arguments.recursive)) {
      bytes += object.bytes;
      objects.push_back({{"place", place},
                         {"name", object.name},
                         {"bytes", object.bytes},
                         {"modified", geo::format_time(object.modified_s * 1000)}});
      if (!object.etag.empty()) objects.back()["etag"] = object.etag;
      if (!commands.json)
        std::cout << fmt::format("{:>10}  {}  {}\n",
                                 format_bytes(static_cast<double>(object.bytes)),
                                 geo::format_time(object.modified_s * 1000), object.name);
    }
  }
  if (commands.json)
    std::cout << objects.dump(1) << "\n";
  else
    std::cerr << fmt::format("{}, {}\n", counted(objects.size(), "object"),
                             format_bytes(static_cast<double>(bytes)));
}

const char* name_of(store::Transfer::Kind kind) {
  return kind == store::Transfer::Kind::copy ? "copy" : "remove";
}

std::string summary_of(const store::TransferPlan& plan) {
  size_t copies = 0;
  for (const auto& transfer : plan.transfers)
    if (transfer.kind == store::Transfer::Kind::copy) ++copies;
  std::string text;
  const auto add = [&text](const char* verb, size_t count, int64_t bytes) {
    if (count == 0) return;
    text += fmt::format("{}{} {} ({})", text.empty() ? "" : ", ", verb, counted(count, "object"),
                        format_bytes(static_cast<double>(bytes)));
  };
  add("copy", copies, plan.bytes_to_copy());
  add("remove", plan.transfers.size() - copies, plan.bytes_to_remove());
  if (text.empty()) text = "nothing to do";
  if (plan.unchanged > 0) text += fmt::format(", {} unchanged", plan.unchanged);
  return text;
}

void print_plan(const store::TransferPlan& plan) {
  for (const auto& transfer : plan.transfers)
    std::cout << fmt::format("{} {}\n", name_of(transfer.kind), transfer.name);
}

int carry_out(const store::TransferPlan& plan, const StoreArguments& arguments,
              const Commands& commands) {
  auto failures = OrderedJson::array();
  size_t ended = 0;
  const bool terminal = ::isatty(STDERR_FILENO) == 1 && !arguments.quiet;
  const auto show = [&] {
    ++ended;
    if (terminal) std::cerr << fmt::format("\r{} of {}", ended, plan.transfers.size());
  };
  store::TransferOptions options;
  options.at_a_time = arguments.at_a_time;
  options.done = [&](const store::Transfer&) { show(); };
  options.failed = [&](const store::Transfer& transfer, const Error& error) {
    show();
    failures.push_back({{"action", name_of(transfer.kind)},
                        {"name", transfer.name},
                        {"code", traits(error.code()).name},
                        {"message", error.message()},
                        {"cause", error.cause()},
                        {"hint", error.hint()}});
    std::cerr << fmt::format("{}error: {}: {}\n", terminal ? "\n" : "", transfer.name,
                             error.what());
  };
  const size_t failed = store::carry_out(plan, options);
  if (terminal && ended > 0) std::cerr << "\n";
  if (commands.json)
    std::cout << OrderedJson{{"transfers", plan.transfers.size()},
                             {"unchanged", plan.unchanged},
                             {"bytes_copied", plan.bytes_to_copy()},
                             {"bytes_removed", plan.bytes_to_remove()},
                             {"failed", failures},
                             {"dry_run", false}}
                     .dump(1)
              << "\n";
  else if (failed > 0)
    std::cerr << fmt::format("{} failed\n", counted(failed, "object"));
  return failed == 0 ? kExitSuccess : kExitItemsFailed;
}

// Shows what would be done, asks where something is removed, and does it.
int show_and_carry_out(const store::TransferPlan& plan, const StoreArguments& arguments,
                       const Commands& commands) {
  if (arguments.dry_run) {
    if (!commands.json) print_plan(plan);
    if (commands.json) {
      auto transfers = OrderedJson::array();
      for (const auto& transfer : plan.transfers)
        transfers.push_back({{"action", name_of(transfer.kind)},
                             {"name", transfer.name},
                             {"bytes", transfer.bytes}});
      std::cout << OrderedJson{{"transfers", transfers},
                               {"unchanged", plan.unchanged},
                               {"dry_run", true}}
                       .dump(1)
                << "\n";
    }
    std::cerr << fmt::format("dry run: {}\n", summary_of(plan));
    return kExitSuccess;
  }
  const bool removes = std::any_of(
      plan.transfers.begin(), plan.transfers.end(),
      [](const auto& transfer) { return transfer.kind == store::Transfer::Kind::remove; });
  if (removes && !arguments.yes) confirm(summary_of(plan));
  if (!arguments.quiet) std::cerr << summary_of(plan) << "\n";
  return carry_out(plan, arguments, commands);
}

int copy(const StoreArguments& arguments, const Commands& commands) {
  return show_and_carry_out(
      store::plan_copy(path_of(arguments.from), path_of(arguments.to), arguments.recursive),
      arguments, commands);
}

int sync(const StoreArguments& arguments, const Commands& commands) {
  return show_and_carry_out(
      store::plan_sync(path_of(arguments.from), path_of(arguments.to), arguments.remove_others),
      arguments, commands);
}

int remove(const StoreArguments& arguments, const Commands& commands) {
  store::TransferPlan all;
  for (const auto& place : arguments.places)
    for (auto& transfer : store::plan_removal(path_of(place), arguments.recursive).transfers)
      all.transfers.push_back(std::move(transfer));
  return show_and_carry_out(all, arguments, commands);
}

}  // namespace

void add_store(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand("store", "Look into folders and buckets, copy, remove");
  command->require_subcommand(1);
  const auto arguments = std::make_shared<StoreArguments>();
  const auto add = [&](const char* name, const char* help) {
    auto* sub = command->add_subcommand(name, help);
    sub->add_flag("--json", commands.json, "As JSON");
    return sub;
  };
  const auto add_doing = [&](CLI::App* sub) {
    sub->add_flag("--dry-run", arguments->dry_run, "Only say what would be done");
    sub->add_option("--jobs", arguments->at_a_time, "Objects at a time; default: 4")
        ->check(CLI::Range(1, 64));
    sub->add_flag("--quiet", arguments->quiet, "No progress");
  };
  const auto add_places = [&](CLI::App* sub) {
    sub->add_option("FROM", arguments->from, "Folder, s3://, gs://, az:// or https://")->required();
    sub->add_option("TO", arguments->to, "Folder, s3://, gs:// or az://")->required();
  };
  const char* const recursive = "All below the folder or prefix";
  const char* const yes = "Remove without asking";

  auto* ls = add("ls", "Objects with sizes and times");
  ls->add_option("URL", arguments->places, "Folders, buckets or objects")->required();
  ls->add_flag("-r,--recursive", arguments->recursive, recursive);
  ls->callback([=, &commands] { list(*arguments, commands); });

  auto* cp = add("copy", "Copy an object, or with --recursive all below a folder or prefix");
  add_places(cp);
  cp->add_flag("-r,--recursive", arguments->recursive, recursive);
  add_doing(cp);
  cp->callback([=, &commands] { commands.exit_code = copy(*arguments, commands); });

  auto* same = add("sync", "Make one place hold what another does; copies only what differs");
  add_places(same);
  same->add_flag("--delete", arguments->remove_others, "Remove what FROM does not have");
  same->add_flag("-y,--yes", arguments->yes, yes);
  add_doing(same);
  same->callback([=, &commands] { commands.exit_code = sync(*arguments, commands); });

  auto* rm = add("rm", "Remove objects, or with --recursive all below a folder or prefix");
  rm->add_option("URL", arguments->places, "Objects, folders or prefixes")->required();
  rm->add_flag("-r,--recursive", arguments->recursive, recursive);
  rm->add_flag("-y,--yes", arguments->yes, yes);
  add_doing(rm);
  rm->callback([=, &commands] { commands.exit_code = remove(*arguments, commands); });
}

}  // namespace geoloom::cli
