// SPDX-License-Identifier: Apache-2.0
// The breaker of a step: when one cause takes item after item, going on would only spend attempts.
// It trips when one cause takes so many items in a row (20), or such a share of the step's items
// (one in ten), and never with fewer of them than would trip it in a row.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "error/error.h"
#include "workflow/step_policy.h"

namespace geoloom::engine {

class Breaker {
 public:
  // Of a step of so many items. Without a policy it never trips.
  Breaker(std::optional<workflow::BreakerPolicy> policy, size_t items)
      : policy_(policy), items_(items) {}

  // Of one cause, see cause_key() in failure_causes.h.
  struct Cause {
    size_t items = 0;   // it took
    std::string since;  // RFC 3339, of the first
    std::string code, message, hint;
  };
  // An item was given up. The cause, when that trips the breaker; then, and only once, it is
  // returned. Another cause, or an item that was made, ends a row.
  std::optional<Cause> failed(const std::string& item, const Error& error, const std::string& now);
  void made();

 private:
  const std::optional<workflow::BreakerPolicy> policy_;
  const size_t items_;
  std::map<std::string, Cause> causes_;
  std::string last_;  // key of the cause of the row
  size_t in_a_row_ = 0;
  bool tripped_ = false;
};

}  // namespace geoloom::engine
