// SPDX-License-Identifier: Apache-2.0
#include "engine/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/process_memory.h"
#include "http/retry.h"

namespace geoloom::engine {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// As many items at once as there are cores; tickets of the memory budget decide how many of them
// hold pixels.
class Threads final : public Transport {
 public:
  Threads(unsigned threads, workflow::RetryPolicy retry, std::atomic<bool>& stop)
      : threads_(threads), retry_(std::move(retry)), stop_(stop) {}

  bool elsewhere() const override { return false; }

  void carry_out(RunSession& session, size_t s, RunProgress& progress) override {
    const auto& step = session.run().steps()[s];
    WorkQueue queue;
    for (size_t i = 0; i < step.items.size(); ++i) queue.push({s, i, 1});
    const auto in_flight = static_cast<unsigned>(std::min<size_t>(threads_, step.items.size()));
    std::vector<std::thread> drivers;
    for (unsigned d = 0; d < in_flight; ++d) {
      drivers.emplace_back([&] {
        while (const auto message = queue.lease(stop_)) {
          execute_one(session, queue, *message, in_flight, progress);
          if (progress.stopped()) stop_.store(true);
        }
      });
    }
    std::atomic<bool> done{false};
    std::thread watcher([&] {
      // Passes the outer flag on (a signal handler can only set a flag).
      while (!done.load()) {
        if (progress.stopped()) stop_.store(true);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
    for (auto& driver : drivers) driver.join();
    done.store(true);
    watcher.join();
  }

 private:
  void execute_one(RunSession& session, WorkQueue& queue, const WorkMessage& message,
                   unsigned in_flight, RunProgress& progress) const {
    const auto& step = session.run().steps()[message.step];
    const auto result = session.attempt(
        message, in_flight, [&](double share) { progress.task_progress(step.step->name, share); });
    if (!result.log_error.empty())
      progress.note("the attempt could not be logged: " + result.log_error);
    ItemEvent event;
    event.step = step.step->name;
    event.item = step.items[message.item].name;
    event.attempt = message.attempt;
    event.wall_seconds = result.wall_seconds;
    if (!result.outcome)
      return failed(step.step->policy.retry.value_or(retry_), queue, message, std::move(event),
                    *result.error, progress);
    event.outcome = *result.outcome == Outcome::done    ? ItemOutcome::done
                    : *result.outcome == Outcome::empty ? ItemOutcome::empty
                                                        : ItemOutcome::cached;
    event.receipt = result.receipt;
    queue.acknowledge(message);
    progress.item_ended(event);
  }

  void failed(const workflow::RetryPolicy& retry, WorkQueue& queue, const WorkMessage& message,
              ItemEvent event, const Error& error, RunProgress& progress) const {
    const auto& row = traits(error.code());
    if (error.code() == ErrorCode::cancelled) {
      queue.acknowledge(message);
      return;  // not started, as far as anybody counts
    }
    if (row.retry == RetryClass::pause_run) progress.pause(error);
    const bool again = retry.covers(error.code()) && message.attempt < retry.attempts;
    event.error = &error;
    event.outcome = again ? ItemOutcome::retried : ItemOutcome::failed;
    progress.item_ended(event);
    if (again)
      queue.give_back_after(message, retry.wait(message.attempt, surroundings_.random()));
    else
      queue.dead_letter(message, error.what());
  }

  const unsigned threads_;
  const workflow::RetryPolicy retry_;
  const http::Surroundings surroundings_ = http::real_surroundings();
  std::atomic<bool>& stop_;
};

void run_step(RunSession& session, size_t s, Transport& transport, RunProgress& progress) {
  const auto start = Clock::now();
  const auto& step = session.run().steps()[s];
  progress.step_started(step);
  transport.carry_out(session, s, progress);
  session.flush();
  const double wall_seconds = seconds_since(start);
  std::vector<Published> published;
  std::vector<const Receipt*> receipts;
  if (!progress.stopped()) {
    published = session.publish(s);
    for (size_t i = 0; i < step.items.size(); ++i)
      receipts.push_back(session.state().receipt(s, i));
  }
  progress.step_ended(step, receipts, std::move(published), wall_seconds);
}

RunSummary carry_out(RunSession& session, Transport& transport, RunObserver& observer,
                     const std::atomic<bool>& stop) {
  const auto start = Clock::now();
  RunProgress progress(observer, stop);
  if (const auto damaged = session.book().damaged_records(); damaged > 0)
    progress.note(
        fmt::format("{} receipt(s) were torn or altered; their items run again", damaged));
  const auto& steps = session.run().steps();
  for (size_t s = 0; s < steps.size() && !progress.stopped(); ++s) {
    // A step left out by --only still gives its layers, where they were made before.
    if (steps[s].selected)
      run_step(session, s, transport, progress);
    else
      session.adopt(s);
  }
  session.flush();
  if (!progress.stopped() && !transport.elsewhere()) session.compact();
  auto summary = progress.finish(session.run());
  summary.wall_seconds = seconds_since(start);
  return summary;
}

}  // namespace

RunSummary carry_out_run(const workflow::Run& run, store::Store& store, Machine& machine,
                         Transport& transport, RunObserver& observer,
                         const std::atomic<bool>& stop) {
  RunSession session(run, store, machine, stop);
  return carry_out(session, transport, observer, stop);
}

RunSummary execute_run(const workflow::Run& run, store::Store& store, const RunnerOptions& options,
                       RunObserver& observer, const std::atomic<bool>& stop) {
  auto settled = options;
  settled.threads = options.threads ? options.threads : available_cores();
  settled.memory_bytes = options.memory_bytes ? options.memory_bytes : default_memory_bytes();
  settled.reads = reads_in_flight(run, settled);
  check_memory(run, settled.memory_bytes, settled.threads, settled.reads);
  Machine machine(settled);
  // What stops the items: the outer flag, or a cause that would stop them all.
  std::atomic<bool> inner_stop{false};
  Threads transport(settled.threads, settled.retry, inner_stop);
  RunSession session(run, store, machine, inner_stop);
  return carry_out(session, transport, observer, stop);
}

}  // namespace geoloom::engine
