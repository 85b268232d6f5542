// SPDX-License-Identifier: Apache-2.0
// geoloom runs clean
#include <fmt/format.h>

#include <iostream>

#include "cli/document_arguments.h"
#include "cli/existing_store.h"
#include "cli/quantities.h"
#include "engine/cleaning.h"
#include "error/error.h"
#include "gdal/dataset.h"
#include "workflow/run.h"

namespace geoloom::cli {
namespace {

constexpr int64_t kSecondsPerHour = 3600;

struct CleanArguments {
  std::string store, run;
  bool all = false, orphans = false, yes = false;
  int64_t older_than_hours = 24;
};

engine::CleaningPlan plan_of(const CleanArguments& arguments, store::Store& store,
                             const workflow::Registry& registry) {
  if (arguments.orphans)
    return engine::plan_orphans(store, arguments.older_than_hours * kSecondsPerHour);
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
  if (int(arguments.all) + int(arguments.orphans) + int(!arguments.run.empty()) != 1)
    throw Error(ErrorCode::invalid, "say what to clean: a run, --all or --orphans")
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
  command
      ->add_option("--older-than", arguments->older_than_hours,
                   "Orphans: only files of at least this age in hours; default: 24")
      ->check(CLI::Range(0, 1000000));
  command->add_flag("-y,--yes", arguments->yes, "Do it");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([=, &commands] { clean(*arguments, commands); });
}

}  // namespace geoloom::cli
