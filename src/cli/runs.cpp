// SPDX-License-Identifier: Apache-2.0
// geoloom runs retry | resume; the other commands are in runs_*.cpp
#include <fmt/format.h>

#include <iostream>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/existing_store.h"
#include "cli/opened_run.h"
#include "cli/run_execution.h"
#include "cli/runs_commands.h"
#include "cli/transport_arguments.h"
#include "engine/run_control.h"

namespace geoloom::cli {
namespace {

struct RunsArguments {
  std::string store;
  std::string run;
  MachineArguments machine;
  TransportArguments transport;
  ControlArguments control;
};

OpenedRun run_of(const RunsArguments& arguments, const Commands& commands) {
  return cli::open_run(arguments.store, arguments.run, commands.registry);
}

int retry(const RunsArguments& arguments, const Commands& commands) {
  auto opened = run_of(arguments, commands);
  const auto& pool = opened.run->workflow().document.pool;
  auto options = arguments.machine.options(pool);
  options.control_interval = arguments.control.interval();
  opened.state.reset();
  opened.book.reset();
  auto via = arguments.transport;
  if (!via.given()) via.targets = pool.via;
  if (!via.given())
    return execute_and_report(*opened.run, *opened.store, options, commands.json, false);
  OpenedTransport transport(via);
  return execute_and_report(*opened.run, *opened.store, options, commands.json, false,
                            &transport.transport());
}

int resume(const RunsArguments& arguments, const Commands& commands) {
  const auto found = find_run(arguments.store, arguments.run);
  engine::clear_control(*found.store, found.id);
  return retry(arguments, commands);
}

}  // namespace

void add_runs(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand("runs", "What runs did, and what they are to do");
  command->require_subcommand(1);
  const auto arguments = std::make_shared<RunsArguments>();
  const auto add = [&](const char* name, const char* help, auto carry_out) {
    auto* sub = command->add_subcommand(name, help);
    sub->add_option("--store", arguments->store,
                    "Folder or bucket (s3://, gs://, az://); default: that of the last run");
    sub->add_flag("--json", commands.json, "As JSON");
    sub->add_option("RUN", arguments->run, "Run id; default: the latest");
    arguments->machine.add_to(*sub);
    arguments->transport.add_to(*sub, "--via",
                                "Workers or a topic that make the items, as of `run`");
    arguments->control.add_to(*sub);
    sub->callback([=, &commands] { commands.exit_code = carry_out(*arguments, commands); });
  };
  add_runs_show(*command, commands);
  add_runs_why(*command, commands);
  add("retry", "Carry out what is missing of a run, as it was frozen", retry);
  add("resume", "Go on with a run that was paused or cancelled, as `retry` does", resume);
  add_runs_control(*command, commands);
  add_runs_logs(*command, commands);
  add_runs_lineage(*command, commands);
  add_runs_metrics(*command, commands);
  add_runs_report(*command, commands);
  add_runs_export(*command, commands);
  add_runs_clean(*command, commands);
}

}  // namespace geoloom::cli
