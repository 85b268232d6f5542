// SPDX-License-Identifier: Apache-2.0
// geoloom runs clean
#include <fmt/format.h>

#include <chrono>
#include <iostream>

#include "cli/document_arguments.h"
#include "cli/existing_store.h"
#include "cli/quantities.h"
#include "engine/cleaning.h"
#include "engine/retention.h"
#include "error/error.h"
#include "gdal/dataset.h"
#include "workflow/duration.h"
#include "workflow/run.h"

namespace geoloom::cli {
namespace {

constexpr int64_t kSecondsPerHour = 3600;
constexpr int64_t kOrphanHours = 24;

struct CleanArguments {
  std::string store, run, older_than;
  bool all = false, orphans = false, yes = false;
  std::optional<size_t> keep_last;

  bool by_policy() const { return keep_last.has_value() || (!orphans && !older_than.empty()); }
};

// A number alone is hours.
int64_t seconds_of(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  const auto age = workflow::parse_duration(plain ? text + " h" : text);
  if (!age)
    throw Error(ErrorCode::invalid, fmt::format("--older-than: '{}' is no age", text))
        .hint("as in 36h, 30d or 8w; a number alone is hours");
  return std::chrono::duration_cast<std::chrono::seconds>(*age).count();
}

engine::Retention retention_of(const CleanArguments& arguments) {
  engine::Retention retention{.keep_last = arguments.keep_last, .older_than_s = std::nullopt};
  if (!arguments.older_than.empty()) retention.older_than_s = seconds_of(arguments.older_than);
  return retention;
}

engine::CleaningPlan plan_of(const CleanArguments& arguments, store::Store& store,
                             const workflow::Registry& registry) {
  if (arguments.orphans)
    return engine::plan_orphans(store, arguments.older_than.empty()
                                           ? kOrphanHours * kSecondsPerHour
                                           : seconds_of(arguments.older_than));
  if (arguments.by_policy())
    return engine::plan_cleaning(store, registry,
                                 engine::expired_runs(store, retention_of(arguments)));
  if (arguments.all) return engine::plan_cleaning(store, registry, workflow::list_runs(store));
  return engine::plan_cleaning(store, registry, {arguments.run});
}

workflow::OrderedJson json_of(const engine::CleaningPlan& plan, bool done) {
  auto names = workflow::OrderedJson::array();
  for (const auto* files : {&plan.friendly, &plan.files, &plan.records})
    for (const auto& file : *files) names.push_back({{"name", file.name}, {"bytes", file.bytes}});
  return {{"done", done},
          {"runs", plan.runs},
          {"receipts", plan.fingerprints.size()},
          {"shared_receipts", plan.shared_receipts},
          {"bytes", plan.bytes()},
          {"files", names}};
}

void clean(const CleanArguments& arguments, const Commands& commands) {
  if (int(arguments.all) + int(arguments.orphans) + int(!arguments.run.empty()) +
          int(arguments.by_policy()) !=
      1)
    throw Error(ErrorCode::invalid,
                "say what to clean: a run, --all, --orphans, or runs by --keep-last and "
                "--older-than")
        .hint("`geoloom runs list` names the runs");
  const auto store = open_existing_store(arguments.store);
  const auto plan = plan_of(arguments, *store, commands.registry);
  if (arguments.yes) engine::carry_out(plan, *store);
  if (commands.json) {
    std::cout << json_of(plan, arguments.yes).dump(1) << "\n";
    return;
  }
  if (!arguments.yes)
    for (const auto* files : {&plan.friendly, &plan.files, &plan.records})
      for (const auto& file : *files) std::cout << file.name << "\n";
  std::cerr << fmt::format("{}{}, {}, {}", arguments.yes ? "removed " : "would remove ",
                           counted(plan.objects(), "file"),
                           format_bytes(static_cast<double>(plan.bytes())),
                           counted(plan.fingerprints.size(), "receipt"));
  if (plan.shared_receipts > 0)
    std::cerr << fmt::format("; {} kept for other runs", counted(plan.shared_receipts, "receipt"));
  std::cerr << (arguments.yes || plan.objects() + plan.fingerprints.size() == 0
                    ? "\n"
                    : "; --yes does it\n");
}

}  // namespace

std::unique_ptr<store::Store> open_existing_store(const std::string& url) {
  const auto place = url.empty() ? last_store() : url;
  if (place.find("://") == std::string::npos && !gdal::file_status(place))
    throw Error(ErrorCode::missing, fmt::format("there is no store '{}'", place))
        .hint("name a folder or bucket (s3://, gs://, az://) that a run has written to");
  return store::open_store(place);
}

void add_runs_clean(CLI::App& runs, Commands& commands) {
  const auto arguments = std::make_shared<CleanArguments>();
  auto* command =
      runs.add_subcommand("clean", "Remove what runs made; without --yes only says what");
  command->add_option("RUN", arguments->run, "Run id");
  command->add_option("--store", arguments->store,
                      "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  command->add_flag("--all", arguments->all, "All runs of the store");
  command->add_flag("--orphans", arguments->orphans,
                    "Files that no receipt knows: what killed attempts left");
  command->add_option("--keep-last", arguments->keep_last,
                      "All runs but so many of the last; trials do not count");
  command->add_option("--older-than", arguments->older_than,
                      "Runs of at least this age, as in 30d, 8w or 36h; with --keep-last both must "
                      "hold. With --orphans: files of that age; default: 24h");
  command->add_flag("-y,--yes", arguments->yes, "Do it");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([=, &commands] { clean(*arguments, commands); });
}

}  // namespace geoloom::cli
