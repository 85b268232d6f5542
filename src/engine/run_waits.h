// SPDX-License-Identifier: Apache-2.0
// What a step waits for (`waits_for`): a file that is to appear, or a person who approves. A run
// carries out all that does not depend on it, and goes on when it is started again.
#pragma once

#include <string>
#include <vector>

#include "store/store.h"
#include "workflow/compile.h"

namespace geoloom::engine {

// That somebody looked at what a step waits for.
struct Approval {
  std::string step;
  std::string by;    // "user@host"
  std::string time;  // RFC 3339
  std::string note;  // or empty
};

// In the order in which they were recorded, as far as clocks tell.
std::vector<Approval> read_approvals(const store::Store& store, const std::string& run_id);
// Durable when this returns.
void record_approval(store::Store& store, const std::string& run_id, const Approval& approval);

// What the step waits for, in words; empty: nothing, or it is there. Throws what looking for the
// file throws, but for its absence.
std::string waited_for(const workflow::Step& step, const store::Store& store,
                       const std::string& run_id);

}  // namespace geoloom::engine
