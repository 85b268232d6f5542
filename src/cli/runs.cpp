// SPDX-License-Identifier: Apache-2.0
// geoloom runs retry; the other commands are in runs_*.cpp
#include <fmt/format.h>

#include <iostream>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/existing_store.h"
#include "cli/opened_run.h"
#include "cli/run_execution.h"
#include "cli/runs_commands.h"

namespace geoloom::cli {
namespace {

struct RunsArguments {
  std::string store;
  std::string run;
  MachineArguments machine;
};

OpenedRun open_run(const RunsArguments& arguments, const Commands& commands) {
  return cli::open_run(arguments.store, arguments.run, commands.registry);
}

int retry(const RunsArguments& arguments, const Commands& commands) {
  auto opened = open_run(arguments, commands);
  const auto options = arguments.machine.options();
  opened.state.reset();
  opened.book.reset();
  return execute_and_report(*opened.run, *opened.store, options, commands.json, false);
}

}  // namespace

void add_runs(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "runs", "What runs did: list, show, missing, why, retry, logs, lineage, report, clean");
  command->require_subcommand(1);
  const auto arguments = std::make_shared<RunsArguments>();
  const auto add = [&](const char* name, const char* help) {
    auto* sub = command->add_subcommand(name, help);
    sub->add_option("--store", arguments->store,
                    "Folder or bucket (s3://, gs://, az://); default: that of the last run");
    sub->add_flag("--json", commands.json, "As JSON");
    sub->add_option("RUN", arguments->run, "Run id; default: the latest");
    return sub;
  };
  add_runs_show(*command, commands);
  add_runs_why(*command, commands);
  auto* again = add("retry", "Carry out what is missing of a run, as it was frozen");
  arguments->machine.add_to(*again);
  again->callback([=, &commands] { commands.exit_code = retry(*arguments, commands); });
  add_runs_logs(*command, commands);
  add_runs_lineage(*command, commands);
  add_runs_report(*command, commands);
  add_runs_clean(*command, commands);
}

}  // namespace geoloom::cli
