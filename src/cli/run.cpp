// SPDX-License-Identifier: Apache-2.0
// geoloom run
#include <fmt/format.h>

#include <csignal>
#include <iostream>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/explain.h"
#include "cli/matrix_rows.h"
#include "cli/progress.h"
#include "cli/quantities.h"
#include "cli/run_execution.h"
#include "cli/stop_signal.h"
#include "cli/transport_arguments.h"
#include "engine/receipt_age.h"
#include "engine/run_report_writer.h"
#include "kernels/target.h"
#include "workflow/schema_json.h"

namespace geoloom::cli {
namespace {

// The next start resumes, however this one ends.
constexpr const char* kStopping =
    "\nstopping; finished items are kept (once more to end at once)\n";

// Totals over the run's sources: of several loads of one archive only the first is counted.
struct SceneCounts {
  uint64_t found = 0, used = 0, offset = 0;
};

SceneCounts count_scenes(const workflow::Json& reports) {
  SceneCounts counts;
  for (const auto& [key, report] : reports.items()) {
    const auto& filters = report.at("after_filter");
    if (filters.empty()) continue;
    const auto found = filters.front().at(1).get<uint64_t>();
    if (found <= counts.found) continue;
    counts = {found, report.at("scenes").get<uint64_t>(),
              report.at("offset_applied").get<uint64_t>()};
  }
  return counts;
}

std::string count_line(const workflow::Run& run, const engine::RunSummary& summary,
                       size_t memory_bytes) {
  const auto scenes = count_scenes(run.record().reports);
  size_t done = 0, cached = 0, empty = 0;
  for (const auto& step : summary.steps) {
    done += step.done;
    cached += step.cached;
    empty += step.empty;
  }
  std::string text;
  if (scenes.found > 0)
    text += fmt::format("{} found, {} used, {} skipped, offset applied to {}; ",
                        counted(scenes.found, "scene"), scenes.used, scenes.found - scenes.used,
                        scenes.offset);
  text += fmt::format("{} made, {} unchanged, {} empty, {} failed; ", counted(done, "item"), cached,
                      empty, summary.failed());
  if (summary.total_pixels > 0)
    text += fmt::format("{:.1f} % valid pixels; ", 100 * summary.valid_share);
  if (summary.clipped > 0) text += counted(summary.clipped, "value") + " clipped; ";
  if (summary.scenes_dropped > 0)
    text += counted(summary.scenes_dropped, "unreadable scene") + " left out (tolerated); ";
  text += fmt::format(
      "peak {} of {}; {}", format_bytes(static_cast<double>(summary.peak_memory_bytes)),
      format_bytes(static_cast<double>(memory_bytes)), format_seconds(summary.wall_seconds));
  return text;
}

workflow::OrderedJson summary_json(const workflow::Run& run, const engine::RunSummary& summary,
                                   int exit_code) {
  auto published = workflow::OrderedJson::array();
  for (const auto& entry : summary.published)
    published.push_back(
        {{"layer", entry.layer}, {"map", entry.map_path}, {"items", entry.items_path}});
  const auto scenes = count_scenes(run.record().reports);
  return {{"run", summary.run_id},
          {"exit_code", exit_code},
          {"steps", engine::to_json(summary.steps)},
          {"outputs", summary.outputs},
          {"layers", published},
          {"scenes",
           {{"found", scenes.found}, {"used", scenes.used}, {"offset_applied", scenes.offset}}},
          {"valid_share", summary.valid_share},
          {"clipped", summary.clipped},
          {"scenes_dropped", summary.scenes_dropped},
          {"nodata_collisions", summary.nodata_collisions},
          {"notes", summary.notes},
          {"closing_failures", summary.closing_failures},
          {"peak_memory_bytes", summary.peak_memory_bytes},
          {"wall_seconds", summary.wall_seconds},
          {"cpu_target", kernels::chosen_target()},
          {"ending", engine::name_of(summary.ending)},
          {"reason", summary.reason},
          {"interrupted", summary.interrupted}};
}

int exit_code_of(const engine::RunSummary& summary) {
  if (summary.interrupted) return stop_signal() == SIGTERM ? kExitTerminated : kExitInterrupted;
  if (summary.ending == engine::RunEnding::cancelled) return kExitCancelled;
  if (summary.ending == engine::RunEnding::paused)
    return summary.paused_code ? traits(*summary.paused_code).exit_code : kExitPaused;
  if (summary.ending == engine::RunEnding::past_deadline) return kExitDeadline;
  if (summary.ending == engine::RunEnding::waiting) return kExitWaiting;
  if (summary.ending == engine::RunEnding::failed) return kExitItemsFailed;
  size_t made = 0;
  for (const auto& step : summary.steps)
    made += step.done + step.cached + (step.skipped.empty() ? 0 : 1);
  return made == 0 ? kExitNothingToDo : kExitSuccess;
}

void print_ending(const workflow::Run& run, const engine::RunSummary& summary, size_t memory_bytes,
                  int exit_code) {
  std::cerr << count_line(run, summary, memory_bytes) << "\n";
  if (summary.nodata_collisions > 0)
    std::cerr << fmt::format(
        "warning: {} valid pixels hold the nodata value and will read as invalid; give `save` "
        "another nodata\n",
        summary.nodata_collisions);
  if (summary.total_pixels > 0 && summary.valid_pixels == 0)
    std::cerr << "warning: not one pixel is valid; see `geoloom pixel LON,LAT`\n";
  if (summary.ending == engine::RunEnding::paused)
    std::cerr << fmt::format(
        "paused: {}\n  to go on, which keeps what is made: geoloom runs resume {} --store {}\n",
        summary.reason, summary.run_id, run.workflow().document.store.text);
  else if (!summary.reason.empty())
    std::cerr << engine::name_of(summary.ending) << ": " << summary.reason << "\n";
  if (exit_code == kExitWaiting)
    std::cerr << "all else is done; when it is there, run the same command again\n";
  for (const auto& failure : summary.closing_failures)
    std::cerr << "warning: " << failure << "; the results are not affected\n";
  if (exit_code == kExitItemsFailed || exit_code == kExitDeadline || summary.interrupted)
    std::cerr << fmt::format(
        "run {} is not complete; see `geoloom runs why`, then run the same command again to go "
        "on\n",
        summary.run_id);
  if (exit_code == kExitNothingToDo)
    std::cerr << "nothing was made: no scene touches any of the items\n";
}

struct RunArguments {
  DocumentArguments document;
  MachineArguments machine;
  TransportArguments transport;
  ConsentArguments consent;
  ControlArguments control;
  ExplainArguments explain;
  std::string matrix;
  bool json = false, quiet = false;
};

// What has no receipt yet, of all steps.
TaskEstimate estimate_of(const workflow::Run& run, store::Store& store) {
  const engine::ReceiptBook book(store);
  engine::RunState state(run, store);
  const auto survey = engine::survey(run, book, state);
  TaskEstimate estimate;
  for (size_t s = 0; s < run.steps().size(); ++s) {
    const auto& step = run.steps()[s];
    if (!step.selected || !survey.steps[s].skipped.empty()) continue;
    for (size_t i = 0; i < step.items.size(); ++i)
      if (!state.receipt(s, i)) estimate.add(step, i);
  }
  return estimate;
}

ExecutionReport run_elsewhere(workflow::Run& run, store::Store& store,
                              const RunArguments& arguments, const TransportArguments& transport,
                              const engine::RunnerOptions& options) {
  ask_for_consent(estimate_of(run, store), arguments.consent);
  OpenedTransport opened(transport);
  return execute_and_tell(run, store, options, arguments.quiet, &opened.transport());
}

// The document as it is, or with the parameters of a row.
ExecutionReport run_once(const RunArguments& arguments, const workflow::Registry& registry,
                         const MatrixRow* row) {
  const auto run = arguments.document.create_run(registry, row);
  const auto& pool = run->workflow().document.pool;
  auto options = arguments.machine.options(pool);
  options.control_interval = arguments.control.interval();
  auto transport = arguments.transport;
  if (!transport.given()) transport.targets = pool.via;
  const auto store = store::open_store(run->workflow().document.store.text);
  engine::begin_run(*run, *store);
  remember_store(store->url());
  if (arguments.explain.wanted()) std::cerr << explanation_text(explain(*run, arguments.explain));
  return transport.given() ? run_elsewhere(*run, *store, arguments, transport, options)
                           : execute_and_tell(*run, *store, options, arguments.quiet);
}

}  // namespace

void ControlArguments::add_to(CLI::App& command) {
  command
      .add_option(
          "--control-interval", interval_s,
          "Seconds between two looks for `runs pause` and `runs cancel`; 0: none; default 2")
      ->check(CLI::Range(0.0, 3600.0));
}

std::chrono::milliseconds ControlArguments::interval() const {
  return std::chrono::milliseconds(static_cast<int64_t>(interval_s * 1000));
}

std::optional<ExecutionReport> refuse_if_held(store::Store& store, const std::string& run_id) {
  std::optional<engine::RunControl> control;
  try {
    control = engine::read_control(store, run_id);
  } catch (const Error& error) {
    // The run looks again while it goes on.
    if (error.code() != ErrorCode::unavailable) throw;
  }
  if (!control) return std::nullopt;
  if (control->by == engine::kBreaker) {
    engine::clear_control(store, run_id);
    return std::nullopt;
  }
  const int exit_code = control->hold == engine::Hold::cancelled ? kExitCancelled : kExitPaused;
  std::cerr << fmt::format(
      "run {} is {}\n  nothing was started; to go on: geoloom runs resume {} --store {}\n", run_id,
      control->text(), run_id, store.url());
  return ExecutionReport{exit_code,
                         {{"run", run_id},
                          {"exit_code", exit_code},
                          {"ending", engine::name_of(control->hold)},
                          {"reason", control->text()}},
                         {}};
}

ExecutionReport execute_and_tell(workflow::Run& run, store::Store& store,
                                 const engine::RunnerOptions& options, bool quiet,
                                 engine::Transport* transport) {
  if (auto refused = refuse_if_held(store, run.record().id)) return *std::move(refused);
  ProgressPrinter printer(quiet);
  engine::RunReportWriter progress(run, store, printer);
  const auto& stop = stop_on_signals(kStopping);
  engine::RunSummary summary;
  if (transport) {
    engine::Machine machine({.memory_bytes = options.memory_bytes, .threads = 1, .reads = 1});
    summary = engine::carry_out_run(run, store, machine, *transport, progress, stop,
                                    options.control_interval);
  } else {
    summary = engine::execute_run(run, store, options, progress, stop);
  }
  progress.finish(summary);
  const int exit_code = exit_code_of(summary);
  print_ending(run, summary, options.memory_bytes, exit_code);
  ExecutionReport report{exit_code, summary_json(run, summary, exit_code), {}};
  for (const auto& entry : summary.published)
    // Tables and pages of tiles have no list of their own.
    if (const auto& path = entry.map_path.empty() ? entry.items_path : entry.map_path;
        !path.empty())
      report.paths.push_back(path);
  return report;
}

int print_report(const ExecutionReport& report, bool json, std::ostream& results) {
  if (json) results << report.summary.dump(1) << "\n";
  if (!json)
    for (const auto& path : report.paths) results << path << "\n";
  return report.exit_code;
}

int execute_and_report(workflow::Run& run, store::Store& store,
                       const engine::RunnerOptions& options, bool json, bool quiet,
                       engine::Transport* transport, std::ostream& results) {
  return print_report(execute_and_tell(run, store, options, quiet, transport), json, results);
}

void add_run(CLI::App& app, Commands& commands) {
  auto* command =
      app.add_subcommand("run", "Carry out a workflow; what is already made is not made again");
  const auto arguments = std::make_shared<RunArguments>();
  arguments->document.add_to(*command);
  arguments->machine.add_to(*command);
  arguments->transport.add_to(*command, "--via",
                              "Workers that make the items, http(s)://host[:port][,more], or a "
                              "topic, pubsub://PROJECT/TOPIC; default: this process");
  arguments->consent.add_to(*command);
  arguments->control.add_to(*command);
  command->add_option("--matrix", arguments->matrix,
                      "A CSV file whose columns are parameters: one run per row");
  arguments->explain.add_to(*command);
  command->add_flag("--json", arguments->json, "The summary as JSON on stdout");
  command->add_flag("-q,--quiet", arguments->quiet, "No progress");
  command->callback([arguments, &commands] {
    commands.json = arguments->json;
    if (arguments->matrix.empty()) {
      commands.exit_code =
          print_report(run_once(*arguments, commands.registry, nullptr), arguments->json);
      return;
    }
    const auto rows = rows_of_matrix(arguments->document, arguments->matrix, commands.registry);
    commands.exit_code = run_rows(
        rows, [&](const MatrixRow& row) { return run_once(*arguments, commands.registry, &row); },
        arguments->json);
  });
}

}  // namespace geoloom::cli
