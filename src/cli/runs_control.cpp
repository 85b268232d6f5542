// SPDX-License-Identifier: Apache-2.0
// geoloom runs pause | cancel | approve: what people ask of a run, whoever carries it out.
#include <fmt/format.h>

#include <iostream>

#include "cli/commands.h"
#include "cli/opened_run.h"
#include "cli/runs_commands.h"
#include "engine/receipts.h"
#include "engine/run_control.h"
#include "engine/run_history.h"
#include "engine/run_waits.h"
#include "error/spelling.h"

namespace geoloom::cli {
namespace {

struct ControlCommand {
  std::string store, run, reason;
};

void hold(const ControlCommand& command, engine::Hold hold, const Commands& commands) {
  const auto found = find_run(command.store, command.run);
  const engine::RunControl control{hold, engine::this_person(), engine::now_text(), command.reason};
  engine::write_control(*found.store, found.id, control);
  const auto state = engine::state_of_run(*found.store, found.id);
  if (commands.json) {
    std::cout << workflow::OrderedJson{{"run", found.id},
                                       {"state", state},
                                       {"text", control.text()}}
                     .dump(1)
              << "\n";
    return;
  }
  std::cout << fmt::format("run {}: {}\n", found.id, state);
  std::cerr << fmt::format(
      "{}\n  to go on: geoloom runs resume {} --store {}\n",
      hold == engine::Hold::paused
          ? "nothing further is started within seconds; what is under way ends"
          : "what is under way is stopped within seconds; finished items are kept",
      found.id, found.store->url());
}

struct ApproveCommand {
  std::string store, run, step, note;
};

// The step of a run that a person is to approve.
const workflow::Step& step_to_approve(const workflow::Run& run, const std::string& name) {
  std::vector<std::string> waiting;
  for (const auto& step : run.workflow().steps) {
    const auto& wait = step.policy.waits_for;
    if (!wait || wait->person.empty()) continue;
    if (step.name == name) return step;
    waiting.push_back(step.name);
  }
  throw Error(ErrorCode::invalid,
              fmt::format("no step '{}' of run {} waits for a person", name, run.record().id))
      .hint(waiting.empty() ? "none of its steps does" : spelling_hint(name, waiting));
}

void approve(const ApproveCommand& command, const Commands& commands) {
  const auto found = find_run(command.store, command.run);
  const auto run =
      workflow::Run::open(workflow::read_run_record(*found.store, found.id), commands.registry);
  const auto& step = step_to_approve(*run, command.step);
  const engine::Approval approval{step.name, engine::this_person(), engine::now_text(),
                                  command.note};
  engine::record_approval(*found.store, found.id, approval);
  if (commands.json) {
    std::cout << workflow::OrderedJson{{"run", found.id},
                                       {"step", approval.step},
                                       {"by", approval.by},
                                       {"time", approval.time},
                                       {"note", approval.note}}
                     .dump(1)
              << "\n";
    return;
  }
  std::cout << fmt::format("step {} of run {} is approved by {}: {}\n", step.name, found.id,
                           approval.by, step.policy.waits_for->person);
  std::cerr << fmt::format("to go on: geoloom runs retry {} --store {}\n", found.id,
                           found.store->url());
}

void add_approve(CLI::App& runs, Commands& commands) {
  auto* command =
      runs.add_subcommand("approve", "Say that a step which waits for a person may start");
  const auto arguments = std::make_shared<ApproveCommand>();
  command->add_option("--store", arguments->store,
                      "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  command->add_option("RUN", arguments->run, "Run id")->required();
  command->add_option("STEP", arguments->step, "The step that waits")->required();
  command->add_option("--note", arguments->note, "What is to be remembered of it");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([arguments, &commands] { approve(*arguments, commands); });
}

void add(CLI::App& runs, Commands& commands, const char* name, const char* help,
         engine::Hold wanted) {
  auto* command = runs.add_subcommand(name, help);
  const auto arguments = std::make_shared<ControlCommand>();
  command->add_option("--store", arguments->store,
                      "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  command->add_option("RUN", arguments->run, "Run id; default: the latest");
  command->add_option("--reason", arguments->reason, "Why, for those who find the run so");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([arguments, wanted, &commands] { hold(*arguments, wanted, commands); });
}

}  // namespace

void add_runs_control(CLI::App& runs, Commands& commands) {
  add(runs, commands, "pause", "Start nothing further of a run; what is under way ends",
      engine::Hold::paused);
  add(runs, commands, "cancel", "Stop a run and what is under way", engine::Hold::cancelled);
  add_approve(runs, commands);
}

}  // namespace geoloom::cli
