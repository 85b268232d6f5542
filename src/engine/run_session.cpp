// SPDX-License-Identifier: Apache-2.0
#include "engine/run_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>

#include "engine/deadline.h"
#include "engine/gather.h"
#include "engine/receipt_age.h"

namespace geoloom::engine {

RunSession::RunSession(const workflow::Run& run, store::Store& store, Machine& machine,
                       const std::atomic<bool>& stop)
    : run_(run),
      store_(store),
      machine_(machine),
      stop_(stop),
      book_(store),
      state_(run, store),
      attempts_(store, attempts_folder(run.record().id)),
      scratch_(store::scratch_parent(store)) {}

AttemptResult RunSession::attempt(const WorkMessage& message, unsigned items_in_flight,
                                  const std::function<void(double)>& progress) {
  const auto start = std::chrono::steady_clock::now();
  MessageLog messages;
  const MessageScope scope(&messages);
  auto result = executed(message, items_in_flight, progress);
  result.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!result.outcome) result.log = {messages.messages(), messages.left_out()};
  result.log_error = log(message, result);
  return result;
}

AttemptResult RunSession::executed(const WorkMessage& message, unsigned items_in_flight,
                                   const std::function<void(double)>& progress) {
  AttemptResult result;
  const auto& step = run_.steps()[message.step];
  const auto timeout = step.step->policy.timeout;
  const Deadline deadline(stop_, timeout);
  try {
    const HandlerParts parts{run_,
                             state_,
                             store_,
                             book_,
                             machine_.budget,
                             machine_.cores,
                             machine_.reads,
                             machine_.datasets,
                             scratch_,
                             deadline.flag(),
                             items_in_flight,
                             progress,
                             &result.cost};
    result.outcome = ItemHandler(parts).execute(message);
    result.receipt = state_.receipt(message.step, message.item);
  } catch (const Error& error) {
    result.error = error;
    if (error.code() == ErrorCode::cancelled && deadline.passed())
      result.error =
          Error(ErrorCode::unavailable, fmt::format("the item took longer than its timeout of {}",
                                                    workflow::text_of(*timeout)))
              .at({.step = step.step->name, .item = step.items[message.item].name})
              .hint("give the step a longer `timeout`, or make its items smaller");
  } catch (const std::bad_alloc&) {
    result.error = Error(ErrorCode::resource, "out of memory").hint("lower --memory or --threads");
  } catch (const std::exception& error) {
    result.error = Error(ErrorCode::internal, error.what());
  }
  return result;
}

std::string RunSession::log(const WorkMessage& message, const AttemptResult& result) {
  // Of what was made its receipt tells, and what was stopped is not counted by anybody.
  if (result.outcome || result.error->code() == ErrorCode::cancelled) return {};
  const auto& step = run_.steps()[message.step];
  AttemptRecord record;
  record.step = step.step->name;
  record.item = step.items[message.item].name;
  record.attempt = message.attempt;
  record.wall_seconds = result.wall_seconds;
  record.seconds = result.cost.seconds;
  record.memory_bytes = result.cost.memory_bytes;
  record.fail(*result.error);
  record.log = result.log;
  return log(std::move(record));
}

std::string RunSession::log(AttemptRecord record) {
  try {
    if (record.time.empty()) record.time = now_text();
    // Libraries' messages need not be UTF-8.
    attempts_.append(
        to_json(record).dump(-1, ' ', false, workflow::Json::error_handler_t::replace));
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

size_t RunSession::adopt(size_t s) {
  std::atomic<size_t> found{0};
  machine_.cores.for_each_index(run_.steps()[s].items.size(), [&](size_t i) {
    if (!stop_.load() && adopt(s, i) != nullptr) ++found;
  });
  return found;
}

const Receipt* RunSession::adopt(size_t s, size_t i) {
  const auto& step = run_.steps()[s];
  try {
    if (!enough_to_gather(step, step.items[i], state_)) return nullptr;
    const auto fingerprint = step.step->is_task()
                                 ? step.fingerprint(step.items[i], state_)
                                 : step.fingerprint(step.plan(step.items[i], &state_));
    const auto* receipt = book_.find(fingerprint);
    if (!receipt || too_old(*receipt, step.step->policy, run_.record())) return nullptr;
    state_.set(s, i, receipt);
    return receipt;
  } catch (const Error& error) {
    // Its inputs are not made yet.
    if (error.code() != ErrorCode::missing) throw;
    return nullptr;
  }
}

bool RunSession::refresh() {
  return book_.refresh();
}

void RunSession::flush() {
  book_.flush();
  attempts_.flush();
}

void RunSession::compact() {
  book_.compact();
}

std::vector<Published> RunSession::publish(size_t step) {
  return publish_step(run_, step, state_, store_, scratch_, machine_.reads);
}

}  // namespace geoloom::engine
