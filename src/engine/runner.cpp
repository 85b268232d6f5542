// SPDX-License-Identifier: Apache-2.0
#include "engine/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "engine/closing.h"
#include "engine/control_flow.h"
#include "engine/explanation.h"
#include "engine/process_memory.h"
#include "engine/run_history.h"
#include "engine/run_waits.h"
#include "engine/thread_transport.h"
#include "workflow/step_references.h"

namespace geoloom::engine {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void run_step(RunSession& session, size_t s, Transport& transport, RunProgress& progress) {
  const auto start = Clock::now();
  const auto& step = session.run().steps()[s];
  progress.step_started(step);
  progress.explained(lines_before_step(session, s));
  transport.carry_out(session, s, progress);
  session.flush();
  const double wall_seconds = seconds_since(start);
  std::vector<Published> published;
  std::vector<const Receipt*> receipts;
  if (!progress.run_over() && !progress.step_cut_short()) {
    published = session.publish(s);
    for (size_t i = 0; i < step.items.size(); ++i)
      receipts.push_back(session.state().receipt(s, i));
  }
  progress.step_ended(step, receipts, std::move(published), wall_seconds);
}

// What a step waits for, unless all that it would make is there.
std::string wait_of(RunSession& session, size_t s) {
  const auto& step = session.run().steps()[s];
  auto wait = waited_for(*step.step, session.store(), session.run().record().id);
  if (!wait.empty() && session.adopt(s) == step.items.size()) return {};
  return wait;
}

// Steps that wait, and those that need what these would make.
using WaitingSteps = std::set<size_t>;

bool needs_any(const workflow::StepRun& step, const WaitingSteps& waiting) {
  const auto& after = step.step->after;
  return std::any_of(after.begin(), after.end(), [&](size_t s) { return waiting.contains(s); });
}

// Carries out the step, or says why not.
void take_step(RunSession& session, size_t s, ControlFlow& flow, WaitingSteps& waiting,
               Transport& transport, RunProgress& progress) {
  const auto& step = session.run().steps()[s];
  const auto decision = flow.decide(s);
  if (decision.kind == StepDecision::Kind::skip) {
    if (step.selected) progress.step_skipped(step, decision.reason);
    return;
  }
  // A step left out by --only still gives its layers, where they were made before.
  if (!step.selected) {
    progress.step_adopted(step, session.adopt(s));
    return;
  }
  std::string wait;
  if (needs_any(step, waiting))
    wait = "it needs what a step would make that waits";
  else if (decision.kind != StepDecision::Kind::undecided)
    wait = wait_of(session, s);
  if (!wait.empty()) {
    waiting.insert(s);
    return progress.step_waits(step, wait);
  }
  const auto why =
      decision.kind == StepDecision::Kind::undecided ? decision.reason : progress.obstacle(step);
  if (why.empty())
    run_step(session, s, transport, progress);
  else
    progress.step_not_started(step, why);
}

// Puts what a step waits for into the run, where it is known by now. Where that cannot be: why.
std::string settle_late_values(workflow::Run& run, RunSession& session, store::Store& store,
                               Machine& machine, const ControlFlow& flow, size_t s) {
  const auto& step = *run.steps()[s].step;
  if (!step.waits || !step.absent.empty()) return {};
  const auto name = step.name;
  std::string why;
  const auto values = flow.late_values(s, why);
  if (!values) return {};
  try {
    const auto& options = machine.options();
    run.set_late(name, *values);
    check_memory(run, options.memory_bytes, options.threads, options.reads);
    workflow::write_late_step(store, run.record(), name);
  } catch (const Error& error) {
    session.run_changed();
    if (error.code() != ErrorCode::invalid && error.code() != ErrorCode::missing &&
        error.code() != ErrorCode::empty && error.code() != ErrorCode::resource)
      throw;
    return error.what();
  }
  session.run_changed();
  return {};
}

// Which trial did best, once the steps that tell have ended.
void settle_trials(workflow::Run& run, store::Store& store, const ControlFlow& flow, size_t s,
                   RunProgress& progress) {
  const auto& workflow = run.workflow();
  for (const auto& trials : workflow.document.trial_sets) {
    if (!trials.objective || run.record().trials.contains(trials.name)) continue;
    const auto behind = workflow::steps_behind({trials.name, "best.trial"}, workflow);
    const auto* const last = *std::max_element(behind.begin(), behind.end());
    if (last != run.steps()[s].step || progress.ended_early(run.steps()[s])) continue;
    const auto outcome = flow.trial_outcome(trials);
    if (!outcome) {
      progress.note(fmt::format("trials '{}': none is the best, as more than {} of {} failed",
                                trials.name, trials.tolerate, trials.axis.values.size()));
      continue;
    }
    run.set_trials(trials.name, *outcome);
    workflow::write_trial_outcome(store, run.record(), trials.name);
    progress.note(
        fmt::format("trials '{}': {} is the best of {}{}", trials.name, outcome->best,
                    trials.axis.values.size(),
                    outcome->failed() > 0 ? fmt::format(" ({} failed)", outcome->failed()) : ""));
  }
}

void count_given_up(const RunSession& session, RunProgress& progress) {
  const auto& run = session.run();
  for (size_t s = 0; s < run.steps().size(); ++s) {
    const auto& step = run.steps()[s];
    size_t count = 0;
    for (size_t i = 0; i < step.items.size(); ++i)
      if (!session.state().receipt(s, i) && run.given_up(step, step.items[i])) ++count;
    progress.give_up(step, count);
  }
}

RunSummary carry_out_steps(workflow::Run& run, RunSession& session, store::Store& store,
                           Machine& machine, Transport& transport, RunProgress& progress) {
  const auto start = Clock::now();
  if (const auto damaged = session.book().damaged_records(); damaged > 0)
    progress.note(
        fmt::format("{} receipt(s) were torn or altered; their items run again", damaged));
  ControlFlow flow(session.run(), session.state());
  WaitingSteps waiting;
  for (size_t s = 0; s < run.steps().size() && !progress.run_over(); ++s) {
    std::string problem;
    if (flow.decide(s).kind == StepDecision::Kind::undecided)
      problem = settle_late_values(run, session, store, machine, flow, s);
    if (problem.empty())
      take_step(session, s, flow, waiting, transport, progress);
    else
      progress.step_not_started(run.steps()[s], problem);
    if (!progress.run_over()) settle_trials(run, store, flow, s, progress);
  }
  count_given_up(session, progress);
  session.flush();
  if (!progress.run_over() && !transport.elsewhere()) session.compact();
  auto summary = progress.finish(session.run());
  summary.outputs = flow.outputs();
  summary.wall_seconds = seconds_since(start);
  return summary;
}

// What no item is to blame for, as a store that is gone: `finally` hears of it all the same.
void close_broken_run(RunSession& session, RunProgress& progress, const std::string& started,
                      const std::string& reason) {
  try {
    auto summary = progress.finish(session.run());
    summary.ending = RunEnding::failed;
    summary.reason = reason;
    (void)close_run(session, summary, started);
  } catch (const std::exception&) {  // of the same store, most likely; the first is the one to tell
  }
}

// Logs the execution, and looks meanwhile whether somebody pauses or cancels the run.
RunSummary carry_out(workflow::Run& run, RunSession& session, store::Store& store, Machine& machine,
                     Transport& transport, RunObserver& observer, const std::atomic<bool>& stop,
                     std::chrono::milliseconds control_interval) {
  ExecutionLog log(store, run.record().id, transport.name());
  RunProgress progress(observer, stop,
                       workflow::duration_in(run.workflow().document.deadline, "deadline"));
  const ControlWatch watch(
      store, run.record().id, control_interval,
      [&](const RunControl& control) { progress.hold(control); },
      [&](const Error& error) {
        progress.note(
            fmt::format("whether the run is to be paused cannot be read: {}", error.what()));
      });
  const auto started = now_text();
  try {
    auto summary = carry_out_steps(run, session, store, machine, transport, progress);
    log.ended(name_of(summary.ending), summary.reason);
    if (!log.problem().empty())
      observer.note("how the run went could not be logged: " + log.problem());
    summary.closing_failures = close_run(session, summary, started);
    return summary;
  } catch (const std::exception& error) {
    log.ended(name_of(RunEnding::failed), error.what());
    close_broken_run(session, progress, started, error.what());
    throw;
  }
}

}  // namespace

RunSummary carry_out_run(workflow::Run& run, store::Store& store, Machine& machine,
                         Transport& transport, RunObserver& observer, const std::atomic<bool>& stop,
                         std::chrono::milliseconds control_interval) {
  RunSession session(run, store, machine, stop);
  return carry_out(run, session, store, machine, transport, observer, stop, control_interval);
}

RunSummary execute_run(workflow::Run& run, store::Store& store, const RunnerOptions& options,
                       RunObserver& observer, const std::atomic<bool>& stop) {
  auto settled = options;
  settled.threads = options.threads ? options.threads : available_cores();
  settled.memory_bytes = options.memory_bytes ? options.memory_bytes : default_memory_bytes();
  settled.reads = reads_in_flight(run, settled);
  check_memory(run, settled.memory_bytes, settled.threads, settled.reads);
  Machine machine(settled);
  // What stops the items: the outer flag, or a cause that would stop them all.
  std::atomic<bool> inner_stop{false};
  ThreadTransport transport(settled.threads, settled.retry, inner_stop);
  RunSession session(run, store, machine, inner_stop);
  return carry_out(run, session, store, machine, transport, observer, stop,
                   options.control_interval);
}

}  // namespace geoloom::engine
