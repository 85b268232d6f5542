// SPDX-License-Identifier: Apache-2.0
// What is known of every item of a run: how it ended, what it took, why it failed. Filled from the
// records of a store, or by a run while it goes on; reports are made of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/attempts.h"
#include "engine/receipts.h"
#include "engine/run_history.h"
#include "engine/run_state.h"

namespace geoloom::engine {

// The letters are those of reports.
enum class ItemState : char {
  waiting = 'w',    // nobody has heard of its end
  done = 'd',       // made by this run
  empty = 'e',      // nothing to do: no scene touches it
  unchanged = 'u',  // made by another run of the store
  retried = 'r',    // failed, and will be attempted again
  failed = 'f',
  left_out = 'x'  // of a step that was not selected, or is skipped
};
inline constexpr char kItemStates[] = "duerwfx";

struct ItemFacts {
  ItemState state = ItemState::waiting;
  int attempts = 0;
  bool timed = false;  // the seconds and the memory are known
  double read_seconds = 0, compute_seconds = 0, encode_seconds = 0, wall_seconds = 0;
  uint64_t memory_bytes = 0;  // the item's ticket
  int64_t written_bytes = 0;
};

struct StepFacts {
  std::vector<ItemFacts> items;  // in the step's order
  std::string started, ended;    // RFC 3339: of what this run made; empty when nothing
  std::string skipped;           // why its items are not wanted; empty: they are
};

struct RunFacts {
  std::vector<StepFacts> steps;
  // The last failure of each item, step and item by index, that has no receipt.
  std::map<std::pair<size_t, size_t>, AttemptRecord> failures;
  std::vector<RunExecution> executions;
  std::vector<std::string> notes;
  bool running = false;
  std::string ended_because;     // why it ended before its end; empty: it did not
  size_t peak_memory_bytes = 0;  // of the process that carried it out; 0: not known
};

// Of a run that nobody has begun.
RunFacts empty_facts(const workflow::Run& run);
// Nobody wants the items of that step that nobody made; `reason` may be empty.
void leave_out(RunFacts& facts, size_t step, const std::string& reason = {});
// Takes over what a receipt tells of an item. `run_id` decides between done and unchanged.
void add_receipt(RunFacts& facts, size_t step, size_t item, const Receipt& receipt,
                 const std::string& run_id);
// Of the records in a store: receipts, as far as `state` has them, and attempts in order of time.
RunFacts facts_of(const workflow::Run& run, const RunState& state,
                  const std::vector<AttemptRecord>& attempts);
// Takes over the executions of a run; of the last one, whether it is under way and why it ended.
void add_executions(RunFacts& facts, std::vector<RunExecution> executions);
// The attempts of items without a receipt, as they were logged.
void add_attempts(RunFacts& facts, const workflow::Run& run,
                  const std::vector<AttemptRecord>& attempts);

}  // namespace geoloom::engine
