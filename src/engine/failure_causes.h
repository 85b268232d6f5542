// SPDX-License-Identifier: Apache-2.0
// Why items failed. Failures that differ only in the names and numbers they speak of are one cause:
// `geoloom runs why`, reports and the breaker go by this one definition.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/attempts.h"
#include "engine/run_state.h"
#include "workflow/run.h"

namespace geoloom::engine {

struct FailureCause {
  // Of the error table; "not started" for items at which no attempt was made, or only such that
  // were stopped.
  std::string code;
  std::string message, hint;        // of the first of its items
  std::string since;                // RFC 3339, the earliest of its items' last failures; or empty
  std::vector<std::string> scenes;  // each once, as far as failures name one
  std::vector<std::string> items;   // "step/item", in the run's order
};

// What failures of one cause have in common: the code, and the message without the names of item
// and scene and without numbers, but for the status of a web server's answer.
std::string cause_key(std::string_view code, std::string_view message, std::string_view item,
                      std::string_view scene);
std::string cause_key(const AttemptRecord& failed);
// `item` as the step calls it; the error of another process may not name it.
std::string cause_key(const Error& error, std::string_view item);

// The items of steps that are selected and not skipped that have no receipt, by the cause of their
// last failure, in the order of the run.
std::vector<FailureCause> failure_causes(const workflow::Run& run, const RunState& state,
                                         const std::vector<AttemptRecord>& attempts);

}  // namespace geoloom::engine
