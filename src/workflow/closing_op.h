// SPDX-License-Identifier: Apache-2.0
// Ops under `finally`: they are told how a run ended, whatever way it ended, and cannot change it.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "workflow/op.h"

namespace geoloom::workflow {

// How a run ended.
struct EndedRun {
  // done: all items have results; failed: some have not; paused, waiting, cancelled, interrupted,
  // past_deadline: it goes on when started again.
  std::string state;
  // {"run", "document", "store", "state", "reason", "started", "finished", "wall_seconds",
  //  "steps": [{"name", "items", "done", "empty", "unchanged", "failed", "not_started",
  //  "ended_early", "skipped", "wall_seconds"}], "failures": [{"cause", "message", "hint", "since",
  //  "items", "example"}], "outputs": {...}}
  OrderedJson report;
};

struct ClosingContext {
  const EndedRun& ending;
  std::chrono::milliseconds time_left;  // to the deadline of `finally`
  const std::atomic<bool>& stop;        // set at that deadline, or by who will not wait
};

class ClosingOp : public Op {
 public:
  // Throws Error when it could not be done, which is told and recorded and changes no result.
  virtual void run(const ClosingContext& context) const = 0;
};

}  // namespace geoloom::workflow
