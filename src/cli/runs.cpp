// SPDX-License-Identifier: Apache-2.0
// geoloom runs list | show | missing | why | retry | logs; clean is in runs_clean.cpp
#include <fmt/format.h>

#include <iostream>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/existing_store.h"
#include "cli/opened_run.h"
#include "cli/quantities.h"
#include "cli/run_execution.h"
#include "cli/runs_commands.h"
#include "engine/failure_causes.h"

namespace geoloom::cli {
namespace {

struct RunsArguments {
  std::string store;
  std::string run;
  std::string item;
  MachineArguments machine;
};

OpenedRun open_run(const RunsArguments& arguments, const Commands& commands) {
  return cli::open_run(arguments.store, arguments.run, commands.registry);
}

void list(const RunsArguments& arguments, const Commands& commands) {
  const auto store = open_existing_store(arguments.store);
  auto json = workflow::OrderedJson::array();
  for (const auto& id : workflow::list_runs(*store)) {
    const auto record = workflow::read_run_record(*store, id);
    json.push_back({{"run", id},
                    {"created", record.created},
                    {"document", record.document_file},
                    {"trial", record.trial()}});
    if (!commands.json)
      std::cout << fmt::format("{}  {}{}\n", id, record.document_file,
                               record.trial() ? "  (trial)" : "");
  }
  if (commands.json) std::cout << json.dump(1) << "\n";
}

void show(const RunsArguments& arguments, const Commands& commands) {
  const auto opened = open_run(arguments, commands);
  const auto& record = opened.run->record();
  auto steps = workflow::OrderedJson::array();
  for (size_t s = 0; s < opened.run->steps().size(); ++s) {
    const auto& count = opened.survey.steps[s];
    steps.push_back({{"name", opened.run->steps()[s].step->name},
                     {"items", count.items},
                     {"done", count.done},
                     {"empty", count.empty},
                     {"missing", count.items - count.done - count.empty}});
  }
  if (commands.json) {
    std::cout << workflow::OrderedJson{{"run", record.id},
                                       {"created", record.created},
                                       {"document", record.document_file},
                                       {"build", record.build},
                                       {"parameters", record.parameters},
                                       {"sources", record.reports},
                                       {"steps", steps}}
                     .dump(1)
              << "\n";
    return;
  }
  std::cout << fmt::format("run {} of {}, made by build {}\n", record.id, record.document_file,
                           record.build);
  for (const auto& [name, entry] : record.parameters.items())
    std::cout << fmt::format("  {} = {}  ({})\n", name, entry.at("value").dump(),
                             entry.at("origin").get<std::string>());
  for (const auto& step : steps)
    std::cout << fmt::format(
        "{:<16} {}: {} done, {} empty, {} missing\n", step["name"].get<std::string>(),
        counted(step["items"].get<size_t>(), "item"), step["done"].get<size_t>(),
        step["empty"].get<size_t>(), step["missing"].get<size_t>());
}

// Exit code 3 when something is missing, so that scripts can ask.
int missing(const RunsArguments& arguments, const Commands& commands) {
  const auto opened = open_run(arguments, commands);
  auto json = workflow::OrderedJson::array();
  for (size_t s = 0; s < opened.run->steps().size(); ++s) {
    const auto& step = opened.run->steps()[s];
    if (!step.selected) continue;
    for (size_t i = 0; i < step.items.size(); ++i) {
      if (opened.state->receipt(s, i)) continue;
      json.push_back({{"step", step.step->name}, {"item", step.items[i].name}});
      if (!commands.json) std::cout << fmt::format("{}/{}\n", step.step->name, step.items[i].name);
    }
  }
  if (commands.json)
    std::cout << json.dump(1) << "\n";
  else if (json.empty())
    std::cerr << "nothing is missing\n";
  return json.empty() ? kExitSuccess : kExitItemsFailed;
}

std::string scenes_text(const std::vector<std::string>& scenes) {
  if (scenes.size() == 1) return "scene " + scenes.front();
  return fmt::format("{}, for example {}", counted(scenes.size(), "scene"), scenes.front());
}

void why(const RunsArguments& arguments, const Commands& commands) {
  const auto opened = open_run(arguments, commands);
  const auto causes = engine::failure_causes(
      *opened.run, *opened.state, engine::read_attempts(*opened.store, opened.run->record().id));
  auto json = workflow::OrderedJson::array();
  for (const auto& cause : causes) {
    json.push_back({{"cause", cause.code},
                    {"message", cause.message},
                    {"scenes", cause.scenes},
                    {"hint", cause.hint},
                    {"since", cause.since},
                    {"items", cause.items}});
    if (commands.json) continue;
    std::cout << fmt::format("{}, {}: {}\n", counted(cause.items.size(), "item"), cause.code,
                             cause.message);
    if (!cause.scenes.empty()) std::cout << "  " << scenes_text(cause.scenes) << "\n";
    if (!cause.since.empty()) std::cout << "  since " << cause.since << "\n";
    std::cout << fmt::format("  for example {}\n", cause.items.front());
    if (!cause.hint.empty()) std::cout << "  hint: " << cause.hint << "\n";
  }
  if (commands.json)
    std::cout << json.dump(1) << "\n";
  else if (causes.empty())
    std::cout << "every item of the run has a receipt\n";
  else
    std::cout << fmt::format("next: geoloom runs retry {} --store {}\n", opened.run->record().id,
                             opened.store->url());
}

int retry(const RunsArguments& arguments, const Commands& commands) {
  auto opened = open_run(arguments, commands);
  const auto options = arguments.machine.options();
  opened.state.reset();
  opened.book.reset();
  return execute_and_report(*opened.run, *opened.store, options, commands.json, false);
}

void logs(const RunsArguments& arguments, const Commands& commands) {
  const auto store = open_existing_store(arguments.store);
  const auto runs = workflow::list_runs(*store);
  if (runs.empty()) throw Error(ErrorCode::missing, fmt::format("{} holds no run", store->url()));
  const auto id = arguments.run.empty() ? runs.back() : arguments.run;
  (void)workflow::read_run_record(*store, id);
  for (const auto& attempt : engine::read_attempts(*store, id)) {
    if (!arguments.item.empty() && attempt.item != arguments.item) continue;
    if (commands.json) {
      std::cout << engine::to_json(attempt).dump() << "\n";
      continue;
    }
    std::cout << fmt::format("{} {}/{} attempt {} {} in {}\n", attempt.time, attempt.step,
                             attempt.item, attempt.attempt, attempt.state,
                             format_seconds(attempt.wall_seconds));
    if (attempt.state == "failed")
      std::cout << fmt::format("    {}: {}: {}{}{}\n", attempt.error_code, attempt.place,
                               attempt.message,
                               attempt.cause.empty() ? "" : " (" + attempt.cause + ")",
                               attempt.hint.empty() ? "" : "; hint: " + attempt.hint);
  }
}

}  // namespace

void add_runs(CLI::App& app, Commands& commands) {
  auto* command =
      app.add_subcommand("runs", "What runs did: list, show, missing, why, retry, logs, report, clean");
  command->require_subcommand(1);
  const auto arguments = std::make_shared<RunsArguments>();
  const auto add = [&](const char* name, const char* help) {
    auto* sub = command->add_subcommand(name, help);
    sub->add_option("--store", arguments->store,
                    "Folder or bucket (s3://, gs://, az://); default: that of the last run");
    sub->add_flag("--json", commands.json, "As JSON");
    if (std::string_view(name) != "list")
      sub->add_option("RUN", arguments->run, "Run id; default: the latest");
    return sub;
  };
  add("list", "Runs of a store")->callback([=, &commands] { list(*arguments, commands); });
  add("show", "Steps of a run with counts, and its parameters")->callback([=, &commands] {
    show(*arguments, commands);
  });
  add("missing", "Items without a receipt; exit code 3 if there are any")->callback([=, &commands] {
    commands.exit_code = missing(*arguments, commands);
  });
  add("why", "Why items are missing, grouped by cause")->callback([=, &commands] {
    why(*arguments, commands);
  });
  auto* again = add("retry", "Carry out what is missing of a run, as it was frozen");
  arguments->machine.add_to(*again);
  again->callback([=, &commands] { commands.exit_code = retry(*arguments, commands); });
  auto* log = add("logs", "All attempts in order of time");
  log->add_option("--item", arguments->item, "Only this item");
  log->callback([=, &commands] { logs(*arguments, commands); });
  add_runs_report(*command, commands);
  add_runs_clean(*command, commands);
}

}  // namespace geoloom::cli
