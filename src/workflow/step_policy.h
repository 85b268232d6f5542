// SPDX-License-Identifier: Apache-2.0
// How often and how long the items of a step are tried: keys `retry` and `timeout` of a step. They
// change no byte of a result, and are no part of an identity.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "error/error.h"
#include "workflow/parameters.h"

namespace geoloom::workflow {

// "500 ms", "20 s", "5 min", "2 h", "1 d"; more than nothing, 30 days at most. A unit is required.
struct Duration {
  std::chrono::milliseconds time{0};
};

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

struct StepPolicy {
  std::optional<RetryPolicy> retry;                  // absent: what the transport does by itself
  std::optional<std::chrono::milliseconds> timeout;  // of one attempt at an item
};

// From the values of the keys, either of which may be null. Throws Error(invalid) with the place.
StepPolicy step_policy(const Value& retry, const Value& timeout);

// "1 min 30 s"
std::string text_of(std::chrono::milliseconds time);

template <>
struct ParameterType<Duration> {
  static void parse(const Value& value, const Parameter&, const std::string& name, Duration& out);
  static Json to_json(const Duration& duration);
  static OrderedJson schema(const Parameter&);
};

}  // namespace geoloom::workflow
