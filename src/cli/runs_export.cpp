// SPDX-License-Identifier: Apache-2.0
// geoloom runs export | replay: a run as a file, and carried out from it elsewhere.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <iostream>
#include <sstream>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/opened_run.h"
#include "cli/quantities.h"
#include "cli/run_execution.h"
#include "cli/runs_commands.h"
#include "engine/item_handler.h"
#include "engine/run_export.h"

namespace geoloom::cli {
namespace {

constexpr size_t kMostNamed = 20;

struct ExportArguments {
  std::string store, run, output;
};

void export_run(const ExportArguments& arguments, const Commands& commands) {
  const auto opened = open_run(arguments.store, arguments.run, commands.registry);
  engine::write_run_export(*opened.run, *opened.state, arguments.output);
  std::cout << arguments.output << "\n";
}

struct ReplayArguments {
  std::string file, store;
  std::vector<std::string> roots;  // "OLD=NEW"
  MachineArguments machine;
  ControlArguments control;
};

engine::MovedRoots roots_of(const std::vector<std::string>& given) {
  engine::MovedRoots roots;
  for (const auto& text : given) {
    const auto at = text.find('=');
    if (at == 0 || at == std::string::npos || at + 1 == text.size())
      throw Error(ErrorCode::invalid, fmt::format("--root '{}' is not OLD=NEW", text));
    const auto to = text.substr(at + 1);
    const bool address = to.find("://") != std::string::npos || to.starts_with("/vsi");
    roots.emplace_back(text.substr(0, at), address ? to : std::filesystem::absolute(to).string());
  }
  return roots;
}

// The frozen run in the store, written there unless it is there already.
void put_record(store::Store& store, const workflow::RunRecord& record) {
  const auto ids = workflow::list_runs(store);
  if (std::find(ids.begin(), ids.end(), record.id) == ids.end()) {
    store.put_bytes(workflow::to_json(record).dump(), "runs/" + record.id + "/run.json");
    return;
  }
  const auto known = workflow::read_run_record(store, record.id);
  if (known.content_hash != record.content_hash || known.sources != record.sources)
    throw Error(ErrorCode::invalid, fmt::format("{} has another run '{}'", store.url(), record.id))
        .hint("replay into an empty store");
}

engine::RunExport prepared(const ReplayArguments& arguments) {
  auto exported = engine::read_run_export(arguments.file);
  const auto roots = roots_of(arguments.roots);
  if (const auto moved = engine::move_roots(exported.record, roots); moved == 0 && !roots.empty())
    throw Error(ErrorCode::invalid, "--root: the run names no file in such a folder");
  if (const auto missing = engine::missing_files(exported.record); !missing.empty())
    throw Error(ErrorCode::missing,
                fmt::format("the run reads files that are not here, such as {}", missing.front()))
        .hint("say where they are now: --root OLD=NEW, each a folder");
  return exported;
}

workflow::OrderedJson to_json(const engine::ReplayVerdict& verdict) {
  return {{"identical", verdict.identical()}, {"items", verdict.items},
          {"files", verdict.files},           {"same_pixels_other_bytes", verdict.same_pixels},
          {"different", verdict.others},      {"not_in_export", verdict.extra}};
}

void print(const engine::ReplayVerdict& verdict) {
  if (verdict.identical())
    std::cerr << fmt::format("identical: {}, {}\n", counted(verdict.items, "item"),
                             counted(verdict.files, "file"));
  if (verdict.same_pixels > 0)
    std::cerr << fmt::format(
        "{} with the same pixels and other bytes: builds of Geoloom or its libraries differ\n",
        counted(verdict.same_pixels, "item"));
  for (size_t i = 0; i < std::min(kMostNamed, verdict.others.size()); ++i)
    std::cerr << "differs: " << verdict.others[i] << "\n";
  if (verdict.others.size() > kMostNamed)
    std::cerr << fmt::format("and {} more\n", verdict.others.size() - kMostNamed);
  if (!verdict.extra.empty())
    std::cerr << fmt::format("{} not made when the run was exported\n",
                             counted(verdict.extra.size(), "item"));
}

int replay(const ReplayArguments& arguments, const Commands& commands) {
  const auto exported = prepared(arguments);
  if (exported.record.build != engine::build_identity())
    std::cerr << fmt::format(
        "note: the run was made for build {}, this is {}: pixels are the same where versions of "
        "ops are, bytes need not be\n",
        exported.record.build, engine::build_identity());
  const auto run = workflow::Run::open(exported.record, commands.registry);
  const auto store = store::open_store(arguments.store);
  put_record(*store, exported.record);
  remember_store(store->url());
  auto options = arguments.machine.options();
  options.control_interval = arguments.control.interval();
  std::ostringstream summary;
  const int exit_code = execute_and_report(*run, *store, options, commands.json, commands.json,
                                           nullptr, commands.json ? summary : std::cout);
  const auto opened = open_run(arguments.store, exported.record.id, commands.registry);
  const auto verdict = engine::compare_with_export(exported, *opened.run, *opened.state);
  print(verdict);
  if (commands.json) {
    auto json = to_json(verdict);
    json["run"] = workflow::OrderedJson::parse(summary.str(), nullptr, false);
    std::cout << json.dump(1) << "\n";
  }
  if (exit_code != kExitSuccess && exit_code != kExitNothingToDo) return exit_code;
  return verdict.identical() ? kExitSuccess : kExitItemsFailed;
}

}  // namespace

void add_runs_export(CLI::App& runs, Commands& commands) {
  auto* out = runs.add_subcommand("export", "A run as one file, to be carried out elsewhere");
  const auto exported = std::make_shared<ExportArguments>();
  out->add_option("--store", exported->store,
                  "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  out->add_option("RUN", exported->run, "Run id; default: the latest");
  out->add_option("-o,--output", exported->output, "A file, NAME.tar, or a folder")->required();
  out->callback([exported, &commands] { export_run(*exported, commands); });

  auto* in = runs.add_subcommand(
      "replay", "Carry out an exported run, and compare what comes with what it made");
  const auto replayed = std::make_shared<ReplayArguments>();
  in->add_option("FILE", replayed->file, "What `runs export` wrote")->required();
  in->add_option("--store", replayed->store, "Folder or bucket for the results")->required();
  in->add_option("--root", replayed->roots,
                 "OLD=NEW: scenes and vector files of the folder OLD are in NEW now");
  in->add_flag("--json", commands.json,
               "The comparison, and the summary of the run, as JSON on stdout");
  replayed->machine.add_to(*in);
  replayed->control.add_to(*in);
  in->callback([replayed, &commands] { commands.exit_code = replay(*replayed, commands); });
}

}  // namespace geoloom::cli
