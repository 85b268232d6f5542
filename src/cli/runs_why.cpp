// SPDX-License-Identifier: Apache-2.0
// geoloom runs why: causes of what is missing, what they do not touch, and what to do.
#include <fmt/format.h>

#include <iostream>
#include <set>

#include "cli/next_command.h"
#include "cli/opened_run.h"
#include "cli/quantities.h"
#include "cli/runs_commands.h"
#include "engine/failure_causes.h"
#include "engine/process_memory.h"
#include "engine/run_control.h"
#include "engine/run_history.h"
#include "engine/run_session.h"

namespace geoloom::cli {
namespace {

struct WhyArguments {
  std::string store, run;
};

// Part of the machine's memory that a run may take when it lacked some.
constexpr double kMemoryShare = 0.85;

std::string scenes_text(const std::vector<std::string>& scenes) {
  if (scenes.size() == 1) return "scene " + scenes.front();
  return fmt::format("{}, for example {}", counted(scenes.size(), "scene"), scenes.front());
}

std::set<std::string> steps_of(const engine::FailureCause& cause) {
  std::set<std::string> steps;
  for (const auto& item : cause.items) steps.insert(item.substr(0, item.find('/')));
  return steps;
}

// Selected steps none of whose items is in a cause, and those whose layers wait for no such step.
std::vector<std::string> unaffected_steps(const workflow::Run& run,
                                          const engine::FailureCause& cause) {
  const auto failing = steps_of(cause);
  std::vector<bool> touched(run.steps().size());
  std::vector<std::string> names;
  for (size_t s = 0; s < run.steps().size(); ++s) {
    const auto& step = run.steps()[s];
    touched[s] = failing.contains(step.step->name);
    for (const size_t input : step.step->after) touched[s] = touched[s] || touched[input];
    if (!touched[s] && step.selected) names.push_back(step.step->name);
  }
  return names;
}

// Items of the steps that fail which are made and stay so.
size_t made_beside(const OpenedRun& opened, const engine::FailureCause& cause) {
  const auto failing = steps_of(cause);
  size_t made = 0;
  for (size_t s = 0; s < opened.run->steps().size(); ++s)
    if (failing.contains(opened.run->steps()[s].step->name))
      made += opened.survey.steps[s].done + opened.survey.steps[s].empty;
  return made;
}

class Why {
 public:
  Why(const WhyArguments& arguments, const Commands& commands)
      : json_(commands.json),
        opened_(open_run(arguments.store, arguments.run, commands.registry)),
        address_{opened_.run->record().id, opened_.store->url(),
                 opened_.run->record().document_file,
                 engine::read_control(*opened_.store, opened_.run->record().id).has_value()},
        memory_bytes_(static_cast<uint64_t>(kMemoryShare *
                                            static_cast<double>(engine::machine_memory_bytes()))) {}

  void tell() const {
    const auto causes = engine::failure_causes(
        *opened_.run, *opened_.state,
        engine::read_failed_attempts(*opened_.store, opened_.run->record().id));
    if (!json_) print_last_end();
    auto json = workflow::OrderedJson::array();
    for (const auto& cause : causes) {
      const auto next =
          next_step({cause.code, cause.message, cause.hint, cause.scenes, cause.items}, address_,
                    memory_bytes_);
      json.push_back(cause_json(cause, next));
      if (!json_) print(cause, next);
    }
    if (json_)
      std::cout << json.dump(1, ' ', false, workflow::OrderedJson::error_handler_t::replace)
                << "\n";
    else if (causes.empty())
      std::cout << "every item of the run has a receipt\n";
  }

 private:
  workflow::OrderedJson cause_json(const engine::FailureCause& cause, const NextStep& next) const {
    return {{"cause", cause.code},
            {"message", cause.message},
            {"scenes", cause.scenes},
            {"hint", cause.hint},
            {"since", cause.since},
            {"items", cause.items},
            {"made_in_these_steps", made_beside(opened_, cause)},
            {"unaffected_steps", unaffected_steps(*opened_.run, cause)},
            {"first", next.first},
            {"next", next.command}};
  }

  // Why items were not started: somebody or something ended the run before.
  void print_last_end() const {
    const auto executions = engine::read_executions(*opened_.store, address_.id);
    if (executions.empty() || executions.back().ending == "done") return;
    const auto& last = executions.back();
    std::cout << fmt::format("the last execution, started {}: {}{}\n", last.started, last.state(),
                             last.reason.empty() ? "" : ": " + last.reason);
  }

  void print(const engine::FailureCause& cause, const NextStep& next) const {
    std::cout << fmt::format("{}, {}: {}\n", counted(cause.items.size(), "item"), cause.code,
                             cause.message);
    if (!cause.scenes.empty()) std::cout << "  " << scenes_text(cause.scenes) << "\n";
    if (!cause.since.empty()) std::cout << "  since " << cause.since << "\n";
    std::cout << fmt::format("  for example {}\n", cause.items.front());
    if (!cause.hint.empty()) std::cout << "  hint: " << cause.hint << "\n";
    const auto made = made_beside(opened_, cause);
    const auto steps = unaffected_steps(*opened_.run, cause);
    std::string unaffected = made > 0 ? fmt::format("{} made in {}", counted(made, "item"),
                                                    fmt::join(steps_of(cause), ", "))
                                      : std::string();
    if (!steps.empty())
      unaffected += fmt::format("{}{} {}", unaffected.empty() ? "" : "; ",
                                steps.size() == 1 ? "step" : "steps", fmt::join(steps, ", "));
    if (!unaffected.empty()) std::cout << "  unaffected: " << unaffected << "\n";
    if (!next.first.empty() && next.first != cause.hint)
      std::cout << "  first: " << next.first << "\n";
    std::cout << "  next: " << next.command << "\n";
  }

  const bool json_;
  const OpenedRun opened_;
  const RunAddress address_;
  const uint64_t memory_bytes_;
};

}  // namespace

void add_runs_why(CLI::App& runs, Commands& commands) {
  auto* command = runs.add_subcommand("why", "Why items are missing, grouped by cause");
  const auto arguments = std::make_shared<WhyArguments>();
  command->add_option("--store", arguments->store,
                      "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  command->add_flag("--json", commands.json, "As JSON");
  command->add_option("RUN", arguments->run, "Run id; default: the latest");
  command->callback([arguments, &commands] { Why(*arguments, commands).tell(); });
}

}  // namespace geoloom::cli
