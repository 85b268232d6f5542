// SPDX-License-Identifier: Apache-2.0
// What to do about a cause of failures: what has to be mended, and one command that is safe to give
// then. Safe means that it makes nothing again and removes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace geoloom::cli {

struct CauseOfFailure {
  std::string code;  // of the error table, or "not started"
  std::string message, hint;
  std::vector<std::string> scenes, items;  // items as "step/item"
};

struct RunAddress {
  std::string id, store, document;
  bool held = false;  // paused or cancelled by somebody: only `resume` goes on
};

struct NextStep {
  std::string first;  // what to mend before; empty: nothing
  std::string command;
};

// `memory_bytes` is what the machine could give to a run.
NextStep next_step(const CauseOfFailure& cause, const RunAddress& run, uint64_t memory_bytes);

}  // namespace geoloom::cli
