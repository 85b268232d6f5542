// SPDX-License-Identifier: Apache-2.0
// geoloom runs lineage: from an output back to scenes, from a scene on to outputs.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "cli/existing_store.h"
#include "cli/opened_run.h"
#include "cli/quantities.h"
#include "cli/runs_commands.h"
#include "engine/lineage.h"
#include "engine/store_index.h"
#include "error/spelling.h"

namespace geoloom::cli {
namespace {

using engine::ItemAt;
using workflow::OrderedJson;

constexpr size_t kMostPrinted = 20, kMostSuggested = 5;

struct LineageArguments {
  std::string what, store, run;
};

OrderedJson item_json(const workflow::Run& run, const engine::RunState& state, const ItemAt& at) {
  const auto& step = run.steps()[at.first];
  OrderedJson json{{"step", step.step->name}, {"item", step.items[at.second].name}};
  const auto* receipt = state.receipt(at.first, at.second);
  if (receipt == nullptr) return json;
  json["made_by_run"] = receipt->run;
  json["build"] = receipt->build;
  json["finished"] = receipt->finished;
  json["fingerprint"] = receipt->fingerprint;
  json["ops"] = receipt->chain;
  json["files"] = OrderedJson::array();
  for (const auto& output : receipt->outputs)
    json["files"].push_back(
        {{"layer", output.layer}, {"name", output.name}, {"sha256", output.sha256}});
  return json;
}

// Not everything that a user may say can be a name in a store.
bool holds(const store::Store& store, const std::string& name) {
  try {
    return store.size_of(name).has_value();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::denied) throw;
    return false;
  }
}

// The name that a path has in the store, whether it is given from the store or from here.
std::string name_in_store(const store::Store& store, const std::string& what) {
  if (holds(store, what)) return what;
  if (what.starts_with(store.url() + "/")) return what.substr(store.url().size() + 1);
  if (!store.local()) return {};
  std::error_code error;
  const auto inside = std::filesystem::relative(
      std::filesystem::absolute(what, error), std::filesystem::absolute(store.url(), error), error);
  const auto name = inside.generic_string();
  return error || name.starts_with("..") ? std::string() : name;
}

// Whether `name` is an output itself or one of its friendly names.
bool names_output(const workflow::Run& run, const engine::Output& output, const std::string& item,
                  const std::string& name) {
  if (name == output.name) return true;
  const auto folder = run.record().trial() ? "trials/" + run.record().id + "/" : std::string();
  const auto extension = output.name.substr(output.name.rfind('.'));
  const auto part = item == "all" ? std::string() : "_" + item;
  return name == folder + output.layer + part + extension;
}

// By the name of a file, or by LAYER/ITEM; a layer alone where it has one item.
std::optional<ItemAt> find_item(const OpenedRun& opened, const std::string& what) {
  const auto name = name_in_store(*opened.store, what);
  const auto slash = what.rfind('/');
  const auto layer = what.substr(0, slash);
  const auto wanted = slash == std::string::npos ? std::string() : what.substr(slash + 1);
  for (size_t s = 0; s < opened.run->steps().size(); ++s) {
    const auto& step = opened.run->steps()[s];
    const auto& made = step.step->layers_made;
    const bool of_layer = std::find(made.begin(), made.end(), layer) != made.end();
    for (size_t i = 0; i < step.items.size(); ++i) {
      const auto& item = step.items[i].name;
      if (of_layer && (item == wanted || (wanted.empty() && step.items.size() == 1)))
        return ItemAt{s, i};
      const auto* receipt = opened.state->receipt(s, i);
      for (const auto& output : receipt ? receipt->outputs : std::vector<engine::Output>{})
        if (!name.empty() && names_output(*opened.run, output, item, name)) return ItemAt{s, i};
    }
  }
  return std::nullopt;
}

void print_back(const OpenedRun& opened, const ItemAt& at, const std::set<ItemAt>& ancestors,
                const std::set<std::string>& scenes) {
  const auto& run = *opened.run;
  const auto& step = run.steps()[at.first];
  const auto* receipt = opened.state->receipt(at.first, at.second);
  std::cout << fmt::format("{}/{}\n", step.step->name, step.items[at.second].name);
  for (const auto& output : receipt->outputs) std::cout << "  file " << output.name << "\n";
  std::cout << fmt::format("  made by run {}, build {}, {}\n  ops {}\n", receipt->run,
                           receipt->build, receipt->finished, receipt->chain);
  std::map<size_t, size_t> counts;
  for (const auto& each : ancestors)
    if (each != at) ++counts[each.first];
  for (const auto& [s, count] : counts)
    std::cout << fmt::format("  from {} of step {}: {}\n", counted(count, "item"),
                             run.steps()[s].step->name, run.steps()[s].step->chain_text());
  std::cout << fmt::format("  from {}\n", counted(scenes.size(), "scene"));
  size_t printed = 0;
  for (const auto& scene : scenes)
    if (printed++ < kMostPrinted) std::cout << "    " << scene << "\n";
  if (scenes.size() > kMostPrinted)
    std::cout << fmt::format("    and {} more; --json prints all\n", scenes.size() - kMostPrinted);
  std::cout << fmt::format("  as frozen in run {} of {}\n", run.record().id,
                           run.record().document_file);
  for (const auto& [name, entry] : run.record().parameters.items())
    std::cout << fmt::format("    {} = {}  ({})\n", name, entry.at("value").dump(),
                             entry.at("origin").get<std::string>());
}

void back(const OpenedRun& opened, const ItemAt& at, const Commands& commands) {
  const auto& run = *opened.run;
  const auto& step = run.steps()[at.first];
  if (opened.state->receipt(at.first, at.second) == nullptr)
    throw Error(ErrorCode::missing,
                fmt::format("{}/{} is not made", step.step->name, step.items[at.second].name))
        .hint(fmt::format("`geoloom runs why {}` tells why", run.record().id));
  const engine::Lineage lineage(run, *opened.state);
  const auto ancestors = lineage.ancestors(at);
  const auto scenes = lineage.scenes(ancestors);
  if (!commands.json) return print_back(opened, at, ancestors, scenes);
  auto inputs = OrderedJson::array();
  for (const auto& each : ancestors)
    if (each != at) inputs.push_back(item_json(run, *opened.state, each));
  std::cout << OrderedJson{{"run", run.record().id},
                           {"document", run.record().document_file},
                           {"output", item_json(run, *opened.state, at)},
                           {"inputs", inputs},
                           {"scenes", scenes},
                           {"parameters", run.record().parameters}}
                   .dump(1)
            << "\n";
}

// One run's items that a scene went into; false when there are none.
bool forward_in(const workflow::Run& run, const engine::RunState& state, const std::string& scene,
                const Commands& commands, OrderedJson& runs) {
  const engine::Lineage lineage(run, state);
  const auto readers = lineage.readers(scene);
  if (readers.empty()) return false;
  const auto all = lineage.descendants(readers);
  auto items = OrderedJson::array();
  std::map<size_t, std::vector<size_t>> by_step;
  for (const auto& at : all) {
    by_step[at.first].push_back(at.second);
    auto json = item_json(run, state, at);
    json["reads_it"] = readers.contains(at);
    items.push_back(std::move(json));
  }
  runs.push_back({{"run", run.record().id}, {"items", items}});
  if (commands.json) return true;
  std::cout << fmt::format("run {} of {}\n", run.record().id, run.record().document_file);
  for (const auto& [s, members] : by_step) {
    const auto& step = run.steps()[s];
    std::string names;
    for (size_t k = 0; k < std::min(members.size(), kMostPrinted); ++k)
      names += (k > 0 ? ", " : "") + step.items[members[k]].name;
    if (members.size() > kMostPrinted) names += ", ...";
    std::cout << fmt::format("  {} of step {} ({}): {}\n", counted(members.size(), "item"),
                             step.step->name, fmt::join(step.step->layers_made, ", "), names);
  }
  return true;
}

int forward(const LineageArguments& arguments, const Commands& commands) {
  const auto store = open_existing_store(arguments.store);
  engine::StoreIndex index(*store);
  if (index.uses_of_scene(arguments.what).empty()) {
    const auto close = index.scenes_like(arguments.what, kMostSuggested);
    throw Error(ErrorCode::missing,
                fmt::format("'{}' is no file, no LAYER/ITEM and no scene that a run of {} used",
                            arguments.what, store->url()))
        .hint(close.empty() ? "scenes are called as in `geoloom runs lineage` of an output"
                            : fmt::format("did you mean {}?", fmt::join(close, ", ")));
  }
  const engine::ReceiptBook book(*store);
  auto runs = OrderedJson::array();
  for (const auto& id : workflow::list_runs(*store)) {
    if (!arguments.run.empty() && id != arguments.run) continue;
    const auto run = workflow::Run::open(workflow::read_run_record(*store, id), commands.registry);
    engine::RunState state(*run, *store);
    engine::survey(*run, book, state);
    forward_in(*run, state, arguments.what, commands, runs);
  }
  if (commands.json)
    std::cout << OrderedJson{{"scene", arguments.what}, {"runs", runs}}.dump(1) << "\n";
  return kExitSuccess;
}

int lineage(const LineageArguments& arguments, const Commands& commands) {
  const auto store = open_existing_store(arguments.store);
  auto ids =
      arguments.run.empty() ? workflow::list_runs(*store) : std::vector<std::string>{arguments.run};
  // The latest run that knows it.
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    const auto opened = open_run(arguments.store, *id, commands.registry);
    if (const auto at = find_item(opened, arguments.what)) {
      back(opened, *at, commands);
      return kExitSuccess;
    }
  }
  return forward(arguments, commands);
}

}  // namespace

void add_runs_lineage(CLI::App& runs, Commands& commands) {
  auto* command =
      runs.add_subcommand("lineage", "What an output was made of, or what a scene went into");
  const auto arguments = std::make_shared<LineageArguments>();
  command->add_option("WHAT", arguments->what, "A file of the store, LAYER/ITEM, or a scene")
      ->required();
  command->add_option("--store", arguments->store,
                      "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  command->add_option("--run", arguments->run, "Only this run; default: the latest that has it");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([arguments, &commands] { commands.exit_code = lineage(*arguments, commands); });
}

}  // namespace geoloom::cli
