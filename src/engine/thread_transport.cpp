// SPDX-License-Identifier: Apache-2.0
#include "engine/thread_transport.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace geoloom::engine {

namespace {

ItemEvent unchanged(const workflow::StepRun& step, size_t item, const Receipt& receipt) {
  ItemEvent event;
  event.step = step.step->name;
  event.item = step.items[item].name;
  event.outcome = ItemOutcome::cached;
  event.receipt = &receipt;
  return event;
}

}  // namespace

void ThreadTransport::carry_out(RunSession& session, size_t s, RunProgress& progress) {
  const auto& step = session.run().steps()[s];
  stop_.store(false);
  WorkQueue queue;
  size_t to_do = 0;
  for (size_t i = 0; i < step.items.size(); ++i) {
    // What has been taken over already need not be looked for once more.
    if (const auto* receipt = session.state().receipt(s, i)) {
      progress.item_ended(unchanged(step, i, *receipt));
      continue;
    }
    queue.push({s, i, 1});
    ++to_do;
  }
  const auto in_flight =
      static_cast<unsigned>(std::min(step.step->policy.items_at_once(threads_), to_do));
  std::vector<std::thread> drivers;
  for (unsigned d = 0; d < in_flight; ++d) {
    drivers.emplace_back([&] {
      while (const auto message = queue.lease([&] { return progress.stopped(); }))
        execute_one(session, queue, *message, in_flight, progress);
    });
  }
  std::atomic<bool> done{false};
  std::thread watcher([&] {
    // Passes the outer flag on (a signal handler can only set a flag).
    while (!done.load()) {
      if (progress.items_to_end()) stop_.store(true);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  for (auto& driver : drivers) driver.join();
  done.store(true);
  watcher.join();
}

void ThreadTransport::execute_one(RunSession& session, WorkQueue& queue, const WorkMessage& message,
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

void ThreadTransport::failed(const workflow::RetryPolicy& retry, WorkQueue& queue,
                             const WorkMessage& message, ItemEvent event, const Error& error,
                             RunProgress& progress) const {
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

}  // namespace geoloom::engine
