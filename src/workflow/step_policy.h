// SPDX-License-Identifier: Apache-2.0
// How often and how long the items of a step are tried, what ends a step early, and what it waits
// for: keys `retry`, `timeout`, `deadline`, `breaker`, `max_failed`, `min_ok` and `waits_for` of a
// step; and how long what it made counts: `cache` and `max_age`. They change no byte of a result,
// and are no part of an identity; what `min_ok` lets be missing is a gap in the identity of what
// was made without it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "error/error.h"
#include "workflow/duration.h"
#include "workflow/parameters.h"

namespace geoloom::workflow {

struct RetryPolicy {
  int64_t attempts = 3;  // of an item, the first one included
  Duration first{std::chrono::milliseconds(500)};
  Duration longest{std::chrono::minutes(1)};
  double factor = 2;
  bool jitter = true;
  std::vector<std::string> on;  // names of error codes; empty: as the table of errors says

  void declare(Parameters& parameters);
  // Whether an item that failed so is tried again, given attempts.
  bool covers(ErrorCode code) const;
  // The wait after so many failures, from 1: first * factor^(failures - 1), at most `longest`; with
  // jitter `random`, from [0, 1), of it, so that items that failed together do not come back
  // together.
  std::chrono::milliseconds wait(int failures, double random) const;
};

// Some of several items: a whole number of them (`10`), or a share (`5 %`, `0.05`, `1.0`).
struct Portion {
  int64_t count = 0;
  std::optional<double> share;  // 0 to 1; wins over `count`

  // How many of `items` that is at least, rounded up: 0.95 of 10 are 10.
  size_t at_least(size_t items) const;
  // How many of `items` that is at most, rounded down: 5 % of 30 is 1.
  size_t at_most(size_t items) const;
};
std::string text_of(const Portion& portion);  // "10" or "5 %"

// When failures of one cause mean that there is no use in going on; see engine/breaker.h.
struct BreakerPolicy {
  int64_t in_a_row = 20;  // items; fewer of one cause never trip it
  Portion share{0, 0.1};  // of the step's items

  void declare(Parameters& parameters);
};

struct WaitsFor {
  std::string file;    // path or address; empty: none
  std::string person;  // what to look at; empty: none

  void declare(Parameters& parameters);
};

struct StepPolicy {
  std::optional<RetryPolicy> retry;                   // absent: what the transport does by itself
  std::optional<std::chrono::milliseconds> timeout;   // of one attempt at an item
  std::optional<std::chrono::milliseconds> deadline;  // of the step, from its start
  std::optional<BreakerPolicy> breaker{BreakerPolicy()};  // absent: off
  std::optional<Portion> max_failed;                      // more failures end the step
  std::optional<Portion> min_ok;  // of the items of each layer that the step gathers; absent: all
  std::optional<WaitsFor> waits_for;
  std::optional<size_t> at_once;  // items under way; absent: as many as the transport can
  // How many of `possible` items may be under way.
  size_t items_at_once(size_t possible) const {
    return at_once ? std::min(*at_once, possible) : possible;
  }
  // Receipts older than that, when the run is created, do not count: 0 for `cache: false`; absent:
  // all count. See engine/receipt_age.h.
  std::optional<std::chrono::milliseconds> max_age;
};

struct StepDeclaration;
// From the values of a step's keys. Throws Error(invalid) with the place.
StepPolicy step_policy(const StepDeclaration& step);

template <>
struct ParameterType<Portion> {
  static void parse(const Value& value, const Parameter&, const std::string& name, Portion& out);
  static Json to_json(const Portion& portion);
  static OrderedJson schema(const Parameter&);
};

}  // namespace geoloom::workflow
