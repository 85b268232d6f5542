// SPDX-License-Identifier: Apache-2.0
// One run opened for work in this process: its store, its receipts, the log of attempts, and the
// execution of single items. Every transport (in process, HTTP push, queues) works through this.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/attempts.h"
#include "engine/item_handler.h"
#include "engine/machine.h"
#include "engine/manifest.h"
#include "engine/receipts.h"
#include "engine/run_control.h"
#include "engine/run_state.h"
#include "engine/work_queue.h"

namespace geoloom::engine {

// How one attempt ended.
struct AttemptResult {
  std::optional<Outcome> outcome;  // nullopt: failed
  std::optional<Error> error;      // failed ones
  const Receipt* receipt = nullptr;
  double wall_seconds = 0;
  AttemptCost cost;
  AttemptLog log;         // failed ones; of others it is in the receipt
  std::string log_error;  // why the attempt is not in the log, if it is not
};

class RunSession {
 public:
  // Reads the receipts of the store. All arguments outlive the session.
  RunSession(const workflow::Run& run, store::Store& store, Machine& machine,
             const std::atomic<bool>& stop);
  RunSession(const RunSession&) = delete;
  RunSession& operator=(const RunSession&) = delete;

  // Executes one item, or finds that it is done. Never throws what went wrong with the item: that
  // is in the result, and in the log of attempts. `items_in_flight` is how many items share the
  // memory. Thread-safe.
  AttemptResult attempt(const WorkMessage& message, unsigned items_in_flight,
                        const std::function<void(double)>& progress = {});

  // Takes over the receipts that exist for a step's items; returns how many there are.
  size_t adopt(size_t step);
  // The same of one item; null when it has none yet.
  const Receipt* adopt(size_t step, size_t item);
  // Reads what other processes committed since. True when there was something new.
  bool refresh();
  // Makes receipts and attempts durable; before that a task is not done.
  void flush();
  // At the end of a run, when nobody else writes.
  void compact();
  std::vector<Published> publish(size_t step);

  const workflow::Run& run() const { return run_; }
  const store::Store& store() const { return store_; }
  const RunState& state() const { return state_; }
  const ReceiptBook& book() const { return book_; }
  // Attempts that failed and that attempt() did not make, such as those of other processes, and ops
  // of `finally`. Returns what went
  // wrong: the log is of use, but no result depends on it.
  std::string log(AttemptRecord record);
  // Steps that waited have items now; no attempt may be under way.
  void run_changed() { state_.run_changed(); }
  // Workers are not to go on with the run.
  void hold(const RunControl& control) { write_control(store_, run_.record().id, control); }

 private:
  AttemptResult executed(const WorkMessage& message, unsigned items_in_flight,
                         const std::function<void(double)>& progress);
  std::string log(const WorkMessage& message, const AttemptResult& result);

  const workflow::Run& run_;
  store::Store& store_;
  Machine& machine_;
  const std::atomic<bool>& stop_;
  ReceiptBook book_;
  RunState state_;
  store::SegmentWriter attempts_;
  store::Scratch scratch_;
};

}  // namespace geoloom::engine
