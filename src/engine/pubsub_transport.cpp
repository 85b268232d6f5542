// SPDX-License-Identifier: Apache-2.0
#include "engine/pubsub_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <thread>

#include "engine/dispatcher.h"

namespace geoloom::engine {

using Clock = std::chrono::steady_clock;

http::PubSubMessage pubsub_message(const TaskMessage& task) {
  return {to_json(task).dump(),
          {{"run", task.run},
           {"step", task.step},
           {"item", task.item},
           {"deduplication", task.deduplication_id()}}};
}

void PubSubTransport::publish(RunSession& session, size_t step, const std::vector<size_t>& items) {
  const auto& step_run = session.run().steps()[step];
  const auto store = address_for_workers(session.store());
  std::vector<http::PubSubMessage> messages;
  messages.reserve(items.size());
  for (const size_t item : items)
    messages.push_back(pubsub_message(
        {store, session.run().record().id, step_run.step->name, step_run.items[item].name, 1}));
  attempts_.emplace(session.store(), session.run().record().id, AttemptsWanted::failed);
  (void)attempts_->read_new();  // from now on
  given_up_.clear();
  service_.publish(topic_, messages);
}

// The queue delivers again and again; an item that failed as often as its step tries it is as good
// as given up, and tells the breaker what there is to expect.
void PubSubTransport::note_failures(RunSession& session, size_t step,
                                    const std::vector<size_t>& items, RunProgress& progress) {
  if (!attempts_) return;
  const auto& step_run = session.run().steps()[step];
  const auto retry = step_run.step->policy.retry.value_or(workflow::RetryPolicy());
  std::set<std::string> awaited;
  for (const size_t item : items) awaited.insert(step_run.items[item].name);
  for (const auto& attempt : attempts_->read_new()) {
    if (attempt.step != step_run.step->name) continue;
    if (!awaited.contains(attempt.item)) continue;
    const auto code = error_code_of(attempt.error_code);
    Error error(code, attempt.message);
    error.hint(attempt.hint).cause(attempt.place);
    if (code == ErrorCode::denied) progress.pause(error);
    if (retry.covers(code) && attempt.attempt < retry.attempts) continue;
    if (!given_up_.insert(attempt.item).second) continue;
    ItemEvent event;
    event.step = attempt.step;
    event.item = attempt.item;
    event.attempt = attempt.attempt;
    event.error = &error;
    progress.item_given_up(event);
  }
}

void PubSubTransport::wait(RunSession& session, size_t step, std::vector<size_t> items,
                           RunProgress& progress) {
  const auto& step_run = session.run().steps()[step];
  auto last_receipt = Clock::now();
  while (!items.empty() && !progress.stopped() && Clock::now() - last_receipt < options_.patience) {
    const auto until = Clock::now() + options_.poll;
    while (Clock::now() < until && !progress.stopped())
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    session.refresh();
    std::erase_if(items, [&](size_t item) {
      const auto* receipt = session.adopt(step, item);
      if (!receipt) return false;
      ItemEvent event;
      event.step = step_run.step->name;
      event.item = step_run.items[item].name;
      event.outcome = receipt->empty ? ItemOutcome::empty : ItemOutcome::done;
      event.attempt = receipt->attempt;
      event.wall_seconds = receipt->wall_seconds;
      event.receipt = receipt;
      progress.item_ended(event);
      last_receipt = Clock::now();
      return true;
    });
    note_failures(session, step, items, progress);
  }
  // What is in the queue would be delivered on.
  if (progress.paused_by_breaker()) session.hold({Hold::paused, kBreaker, now_text(), {}});
  if (progress.stopped()) return;
  for (const size_t item : items) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(options_.patience).count();
    const auto error =
        Error(ErrorCode::lost, fmt::format("no receipt came for {} s", seconds))
            .hint("look at `geoloom runs why`, and at the dead letters: `geoloom dead list`");
    ItemEvent event;
    event.step = step_run.step->name;
    event.item = step_run.items[item].name;
    event.outcome = ItemOutcome::failed;
    event.error = &error;
    progress.item_ended(event);
  }
}

void PubSubTransport::carry_out(RunSession& session, size_t step, RunProgress& progress) {
  std::vector<size_t> all(session.run().steps()[step].items.size());
  std::iota(all.begin(), all.end(), size_t{0});
  auto left = items_left(session, step, all, progress);
  if (left.empty() || progress.stopped()) return;
  if (session.run().steps()[step].step->policy.at_once)
    progress.note(
        "at_once is not in force: how many tasks are under way is set at the subscription");
  publish(session, step, left);
  wait(session, step, std::move(left), progress);
}

}  // namespace geoloom::engine
