// SPDX-License-Identifier: Apache-2.0
// geoloom dispatch: sends the items of one step to workers or to a topic.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <numeric>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/progress.h"
#include "cli/run_execution.h"
#include "cli/stop_signal.h"
#include "cli/transport_arguments.h"
#include "engine/receipt_age.h"
#include "engine/run_history.h"
#include "engine/run_waits.h"
#include "error/spelling.h"

namespace geoloom::cli {
namespace {

struct DispatchArguments {
  DocumentArguments document;
  TransportArguments transport;
  ConsentArguments consent;
  std::string step;
  std::vector<std::string> items;
  size_t limit = 0;
  bool dry_run = false, wait = false, quiet = false;
};

size_t step_named(const workflow::Run& run, const std::string& name) {
  std::vector<std::string> known;
  for (size_t s = 0; s < run.steps().size(); ++s) {
    known.push_back(run.steps()[s].step->name);
    if (known.back() == name) return s;
  }
  throw Error(ErrorCode::invalid, fmt::format("there is no step '{}'", name))
      .hint(spelling_hint(name, known));
}

// The step asked for, or the first one with items left to make.
size_t choose_step(engine::RunSession& session, const DispatchArguments& arguments) {
  const auto& run = session.run();
  const size_t count = run.steps().size();
  const size_t wanted = arguments.step.empty() ? count : step_named(run, arguments.step);
  size_t chosen = 0;
  for (size_t s = 0; s < count && s <= wanted; ++s) {
    const bool complete = session.adopt(s) == run.steps()[s].items.size();
    chosen = s;
    if (s == wanted || (!complete && wanted == count)) return s;
    if (!complete && run.steps()[s].selected)
      std::cerr << fmt::format("note: step {} is not complete\n", run.steps()[s].step->name);
  }
  return chosen;
}

std::vector<size_t> choose_items(const workflow::StepRun& step,
                                 const DispatchArguments& arguments) {
  std::vector<size_t> chosen;
  for (const auto& name : arguments.items) {
    const auto found = std::find_if(step.items.begin(), step.items.end(),
                                    [&](const auto& item) { return item.name == name; });
    if (found == step.items.end())
      throw Error(ErrorCode::invalid,
                  fmt::format("step '{}' has no item '{}'", step.step->name, name))
          .hint("`geoloom runs missing` lists them");
    chosen.push_back(static_cast<size_t>(found - step.items.begin()));
  }
  if (arguments.items.empty()) {
    chosen.resize(step.items.size());
    std::iota(chosen.begin(), chosen.end(), size_t{0});
  }
  return chosen;
}

workflow::OrderedJson windows_json(const workflow::StepRun& step,
                                   const std::vector<size_t>& items) {
  auto json = workflow::OrderedJson::array();
  for (const size_t item : items) {
    const auto& window = step.items[item].window;
    json.push_back({{"item", step.items[item].name},
                    {"window", {window.x, window.y, window.width, window.height}}});
  }
  return json;
}

void print_dry_run(const workflow::StepRun& step, const std::vector<size_t>& items,
                   const TaskEstimate& estimate, const DispatchArguments& arguments) {
  for (const size_t item : items)
    std::cout << fmt::format("{}/{}  {}\n", step.step->name, step.items[item].name,
                             step.items[item].window.text());
  std::cerr << estimate_text(estimate, arguments.consent) << "; nothing was sent\n";
}

class Dispatch {
 public:
  Dispatch(const DispatchArguments& arguments, Commands& commands)
      : arguments_(arguments),
        commands_(commands),
        run_(arguments.document.create_run(commands.registry)),
        store_(store::open_store(run_->workflow().document.store.text)),
        machine_({.threads = 1, .reads = 1}),
        stop_(stop_on_signals("\nstopping; what is under way is waited for (once more to end at "
                              "once)\n")) {
    engine::begin_run(*run_, *store_);
    remember_store(store_->url());
  }

  int execute() {
    engine::RunSession session(*run_, *store_, machine_, stop_);
    const size_t s = choose_step(session, arguments_);
    const auto& step = run_->steps()[s];
    auto items = choose_items(step, arguments_);
    std::erase_if(items, [&](size_t item) { return session.state().receipt(s, item); });
    if (arguments_.limit > 0 && items.size() > arguments_.limit) items.resize(arguments_.limit);
    TaskEstimate estimate;
    for (const size_t item : items) estimate.add(step, item);
    result_ = {{"run", run_->record().id},
               {"step", step.step->name},
               {"items", step.items.size()},
               {"tasks", items.size()},
               {"bytes_to_read", static_cast<uint64_t>(estimate.read_bytes)}};
    if (arguments_.dry_run) {
      if (commands_.json)
        result_["windows"] = windows_json(step, items);
      else
        print_dry_run(step, items, estimate, arguments_);
      return kExitSuccess;
    }
    if (const auto refused = refuse_if_held(*store_, run_->record().id)) return refused->exit_code;
    if (const auto wait = engine::waited_for(*step.step, *store_, run_->record().id);
        !wait.empty()) {
      printer_line(fmt::format("step {}: {}", step.step->name, wait));
      return kExitWaiting;
    }
    ask_for_consent(estimate, arguments_.consent);
    return send(session, s, items);
  }

  const workflow::OrderedJson& result() const { return result_; }

 private:
  int send(engine::RunSession& session, size_t s, const std::vector<size_t>& items) {
    OpenedTransport opened(arguments_.transport);
    ProgressPrinter printer(arguments_.quiet);
    engine::ExecutionLog log(*store_, run_->record().id, opened.transport().name());
    engine::RunProgress progress(printer, stop_);
    progress.step_started(run_->steps()[s]);
    const engine::ControlWatch watch(
        *store_, run_->record().id, engine::kControlInterval,
        [&](const engine::RunControl& control) { progress.hold(control); },
        [&](const Error& error) { progress.note(error.what()); });
    if (opened.by_pubsub()) {
      opened.by_pubsub()->publish(session, s, items);
      result_["published"] = items.size();
      if (arguments_.wait) opened.by_pubsub()->wait(session, s, items, progress);
    } else {
      opened.by_http()->send(session, s, items, progress);
    }
    session.flush();
    return conclude(session, s, progress, opened.by_pubsub() && !arguments_.wait, log);
  }

  // The receipts have the last word.
  int conclude(engine::RunSession& session, size_t s, engine::RunProgress& progress,
               bool only_published, engine::ExecutionLog& log) {
    const auto summary = progress.current_step();
    const auto& step = run_->steps()[s];
    session.refresh();
    const size_t present = session.adopt(s), missing = step.items.size() - present;
    if (missing == 0) session.publish(s);
    printer_line(fmt::format("step {}: {} of {} items have receipts, {} failed", step.step->name,
                             present, step.items.size(), summary.failed));
    result_["done"] = summary.done + summary.empty;
    result_["failed"] = summary.failed;
    result_["missing"] = missing;
    const auto finished = progress.finish(*run_);
    log_end(log, finished,
            fmt::format("of step '{}' alone, {} of {} items have receipts", step.step->name,
                        present, step.items.size()));
    if (finished.ending == engine::RunEnding::cancelled) {
      printer_line("stopped: " + finished.reason);
      return kExitCancelled;
    }
    if (finished.ending == engine::RunEnding::paused) {
      printer_line("stopped: " + finished.reason);
      return finished.paused_code ? traits(*finished.paused_code).exit_code : kExitPaused;
    }
    if (stop_.load()) return stop_signal() == SIGTERM ? kExitTerminated : kExitInterrupted;
    if (only_published) return kExitSuccess;
    const size_t tasks = result_["tasks"].get<size_t>();
    return summary.failed > 0 || summary.done + summary.empty < tasks ? kExitItemsFailed
                                                                      : kExitSuccess;
  }

  // Of a run whose other steps somebody else carries out, or nobody.
  static void log_end(engine::ExecutionLog& log, const engine::RunSummary& finished,
                      const std::string& made) {
    using engine::RunEnding;
    const bool stopped = finished.ending != RunEnding::done && finished.ending != RunEnding::failed;
    log.ended(engine::name_of(stopped || finished.failed() > 0 ? finished.ending : RunEnding::done),
              stopped ? finished.reason : made);
  }

  void printer_line(const std::string& text) const {
    if (!arguments_.quiet) std::cerr << text << "\n";
  }

  const DispatchArguments& arguments_;
  Commands& commands_;
  std::unique_ptr<workflow::Run> run_;
  std::unique_ptr<store::Store> store_;
  engine::Machine machine_;
  const std::atomic<bool>& stop_;
  workflow::OrderedJson result_;
};

void add_options(CLI::App& command, DispatchArguments& arguments, Commands& commands) {
  arguments.document.add_to(command);
  arguments.transport.add_to(
      command, "--to", "Workers, http(s)://host[:port][,more], or a topic, pubsub://PROJECT/TOPIC");
  command.get_option("--to")->required();
  command.add_option("--step", arguments.step,
                     "Which step; default: the first with items left to make");
  command.add_option("--items", arguments.items, "Only these items, by name")->delimiter(',');
  command.add_option("--limit", arguments.limit, "At most that many items");
  command.add_flag("--dry-run", arguments.dry_run, "Print items, windows and bytes; send nothing");
  command.add_flag("--wait", arguments.wait, "Wait for the receipts (pubsub://)");
  command.add_flag("-q,--quiet", arguments.quiet, "No progress");
  command.add_flag("--json", commands.json, "The outcome as JSON on stdout");
  arguments.consent.add_to(command);
}

}  // namespace

void add_dispatch(CLI::App& app, Commands& commands) {
  auto* command =
      app.add_subcommand("dispatch", "Send the items of a step to push workers or to a topic");
  const auto arguments = std::make_shared<DispatchArguments>();
  add_options(*command, *arguments, commands);
  command->callback([arguments, &commands] {
    Dispatch dispatch(*arguments, commands);
    commands.exit_code = dispatch.execute();
    if (commands.json) std::cout << dispatch.result().dump(1) << "\n";
  });
}

}  // namespace geoloom::cli
