// SPDX-License-Identifier: Apache-2.0
// geoloom runs list | show | missing: how far runs are, by the index of the store.
#include <fmt/format.h>

#include <iostream>

#include "cli/document_arguments.h"
#include "cli/existing_store.h"
#include "cli/quantities.h"
#include "cli/run_execution.h"
#include "cli/runs_commands.h"
#include "engine/run_control.h"
#include "engine/run_history.h"
#include "engine/run_waits.h"
#include "engine/store_index.h"
#include "geo/time.h"

namespace geoloom::cli {
namespace {

struct ShowArguments {
  std::string store, run;
  bool origins = false;
};

// The run asked for, with the index that answers questions about it.
struct IndexedRun {
  explicit IndexedRun(const ShowArguments& arguments, const Commands& commands)
      : store(open_existing_store(arguments.store)), index(*store) {
    auto id = arguments.run;
    if (id.empty()) {
      const auto runs = workflow::list_runs(*store);
      if (runs.empty())
        throw Error(ErrorCode::missing, fmt::format("{} holds no run", store->url()));
      id = runs.back();
    }
    record = workflow::read_run_record(*store, id);
    open = [this, &commands] { return workflow::Run::open(record, commands.registry); };
  }

  std::unique_ptr<store::Store> store;
  engine::StoreIndex index;
  workflow::RunRecord record;
  engine::StoreIndex::Open open;
};

// From the first start to the last end of what the run made; 0 when it made nothing.
double seconds_between(const engine::RunTotals& totals) {
  const auto start = geo::parse_time(totals.started), end = geo::parse_time(totals.finished);
  return start && end ? static_cast<double>(*end - *start) / 1000 : 0;
}

void list(const ShowArguments& arguments, const Commands& commands) {
  const auto store = open_existing_store(arguments.store);
  engine::StoreIndex index(*store);
  auto json = workflow::OrderedJson::array();
  for (const auto& id : workflow::list_runs(*store)) {
    const auto header = index.header(id);
    const auto totals = index.totals(id);
    const auto state = engine::state_of_run(*store, id);
    json.push_back({{"run", id},
                    {"created", header.created},
                    {"document", header.document_file},
                    {"trial", header.trial},
                    {"state", state},
                    {"made", totals.made},
                    {"empty", totals.empty},
                    {"started", totals.started},
                    {"finished", totals.finished},
                    {"seconds", seconds_between(totals)}});
    if (!commands.json)
      std::cout << fmt::format(
          "{}  {}{}  {}: {} made, {} empty{}\n", id, header.document_file,
          header.trial ? "  (trial)" : "", state, counted(totals.made, "item"), totals.empty,
          totals.started.empty() ? ""
                                 : fmt::format(", from {} in {}", totals.started,
                                               format_seconds(seconds_between(totals))));
  }
  if (commands.json) std::cout << json.dump(1) << "\n";
}

workflow::OrderedJson executions_json(const store::Store& store, const std::string& id) {
  auto json = workflow::OrderedJson::array();
  for (const auto& execution : engine::read_executions(store, id))
    json.push_back({{"number", execution.number},
                    {"started", execution.started},
                    {"by", execution.by},
                    {"build", execution.build},
                    {"transport", execution.transport},
                    {"ended", execution.ended},
                    {"state", execution.state()},
                    {"reason", execution.reason}});
  return json;
}

workflow::OrderedJson approvals_json(const store::Store& store, const std::string& id) {
  auto json = workflow::OrderedJson::array();
  for (const auto& approval : engine::read_approvals(store, id))
    json.push_back({{"step", approval.step},
                    {"by", approval.by},
                    {"time", approval.time},
                    {"note", approval.note}});
  return json;
}

void print_executions(const store::Store& store, const std::string& id) {
  for (const auto& execution : engine::read_executions(store, id))
    std::cout << fmt::format(
        "execution {} by {} ({}, build {}), started {}{}: {}{}\n", execution.number, execution.by,
        execution.transport, execution.build, execution.started,
        execution.ended.empty() ? "" : ", ended " + execution.ended, execution.state(),
        execution.reason.empty() ? "" : ": " + execution.reason);
  for (const auto& approval : engine::read_approvals(store, id))
    std::cout << fmt::format("step {} approved by {} at {}{}\n", approval.step, approval.by,
                             approval.time, approval.note.empty() ? "" : ": " + approval.note);
  if (const auto control = engine::read_control(store, id)) std::cout << control->text() << "\n";
}

// Who gave each parameter its value, and where that is written.
void print_origins(const workflow::RunRecord& record) {
  std::cout << fmt::format("run {} of {}\n", record.id, record.document_file);
  std::cout << fmt::format("profile: {}\n", record.profile.empty() ? "none" : record.profile);
  for (const auto& [name, entry] : record.parameters.items()) {
    const auto origin = entry.at("origin").get<std::string>();
    const auto place = entry.value("place", "");
    // A parameter file's place begins with its name.
    const auto told = place.starts_with(origin) ? place
                      : place.empty()           ? origin
                                                : fmt::format("{}, {}", origin, place);
    std::cout << fmt::format("{} = {}  ({})\n", name, entry.at("value").dump(), told);
  }
}

workflow::OrderedJson late_json(const workflow::RunRecord& record) {
  auto json = workflow::OrderedJson::object();
  for (const auto& [step, values] : record.late)
    for (const auto& [reference, late] : values)
      json[step][reference] = workflow::to_json(late.value);
  return json;
}

workflow::OrderedJson trials_json(const workflow::RunRecord& record) {
  auto json = workflow::OrderedJson::object();
  for (const auto& [name, outcome] : record.trials) json[name] = workflow::to_json(outcome);
  return json;
}

// What became known while the run went on.
void print_late(const workflow::RunRecord& record) {
  for (const auto& [step, values] : record.late)
    for (const auto& [reference, late] : values)
      std::cout << fmt::format("step {}: ${} = {}\n", step, reference, late.value.text());
  for (const auto& [name, outcome] : record.trials) {
    std::cout << fmt::format("trials {}: {} of {} done\n", name,
                             outcome.trials.size() - outcome.failed(), outcome.trials.size());
    for (const auto& trial : outcome.trials)
      std::cout << fmt::format("  {:<40} {}{}\n", trial.label,
                               trial.score ? fmt::format("{}", *trial.score) : "failed",
                               trial.label == outcome.best ? "  (best)" : "");
  }
}

std::string step_line(const engine::RunOverview::Step& step) {
  if (!step.skipped.empty()) return fmt::format("{:<16} skipped: {}\n", step.name, step.skipped);
  if (!step.waits.empty()) return fmt::format("{:<16} waits: {}\n", step.name, step.waits);
  return fmt::format("{:<16} {}: {} done, {} empty, {} missing\n", step.name,
                     counted(step.items, "item"), step.done, step.empty, step.missing());
}

void show(const ShowArguments& arguments, const Commands& commands) {
  IndexedRun run(arguments, commands);
  const auto& record = run.record;
  if (arguments.origins && !commands.json) return print_origins(record);
  const auto overview = run.index.overview(record.id, run.open);
  auto steps = workflow::OrderedJson::array();
  for (const auto& step : overview.steps)
    steps.push_back({{"name", step.name},
                     {"items", step.items},
                     {"done", step.done},
                     {"empty", step.empty},
                     {"missing", step.missing()},
                     {"skipped", step.skipped},
                     {"waits", step.waits}});
  if (commands.json) {
    std::cout << workflow::OrderedJson{{"run", record.id},
                                       {"created", record.created},
                                       {"document", record.document_file},
                                       {"build", record.build},
                                       {"profile", record.profile},
                                       {"parameters", record.parameters},
                                       {"sources", record.reports},
                                       {"steps", steps},
                                       {"late", late_json(record)},
                                       {"trials", trials_json(record)},
                                       {"state", engine::state_of_run(*run.store, record.id)},
                                       {"executions", executions_json(*run.store, record.id)},
                                       {"approvals", approvals_json(*run.store, record.id)}}
                     .dump(1)
              << "\n";
    return;
  }
  std::cout << fmt::format("run {} of {}, made by build {}\n", record.id, record.document_file,
                           record.build);
  if (!record.profile.empty()) std::cout << fmt::format("  profile {}\n", record.profile);
  for (const auto& [name, entry] : record.parameters.items())
    std::cout << fmt::format("  {} = {}  ({})\n", name, entry.at("value").dump(),
                             entry.at("origin").get<std::string>());
  for (const auto& step : overview.steps) std::cout << step_line(step);
  print_late(record);
  print_executions(*run.store, record.id);
}

// Exit code 3 when something is missing, so that scripts can ask.
int missing(const ShowArguments& arguments, const Commands& commands) {
  IndexedRun run(arguments, commands);
  const auto items = run.index.missing(run.record.id, run.open);
  auto json = workflow::OrderedJson::array();
  for (const auto& item : items) {
    if (commands.json)
      json.push_back({{"step", item.step}, {"item", item.item}});
    else
      std::cout << item.step << "/" << item.item << "\n";
  }
  if (commands.json)
    std::cout << json.dump(1) << "\n";
  else if (items.empty())
    std::cerr << "nothing is missing\n";
  return items.empty() ? kExitSuccess : kExitItemsFailed;
}

}  // namespace

void add_runs_show(CLI::App& runs, Commands& commands) {
  const auto arguments = std::make_shared<ShowArguments>();
  const auto add = [&](const char* name, const char* help) {
    auto* command = runs.add_subcommand(name, help);
    command->add_option("--store", arguments->store,
                        "Folder or bucket (s3://, gs://, az://); default: that of the last run");
    command->add_flag("--json", commands.json, "As JSON");
    return command;
  };
  add("list", "Runs of a store")->callback([=, &commands] { list(*arguments, commands); });
  auto* steps = add("show", "Steps of a run with counts, and its parameters");
  steps->callback([=, &commands] { show(*arguments, commands); });
  steps->add_flag("--origins", arguments->origins,
                  "Only the parameters: who gave each its value, and where that is written");
  auto* items = add("missing", "Items without a receipt; exit code 3 if there are any");
  items->callback([=, &commands] { commands.exit_code = missing(*arguments, commands); });
  for (auto* command : {steps, items})
    command->add_option("RUN", arguments->run, "Run id; default: the latest");
}

}  // namespace geoloom::cli
