// SPDX-License-Identifier: Apache-2.0
// Times with their unit, as documents and command lines say them: "500 ms", "20 s", "5 min", "2 h",
// "1 d", "8 w". A unit is required; a blank before it is not.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "workflow/parameters.h"

namespace geoloom::workflow {

// nullopt for what is no time, is below nothing, or is longer than 100 years. Rounded to whole
// milliseconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// "1 min 30 s"; "0 s" for less than a millisecond. In days, hours, minutes, seconds, milliseconds.
std::string text_of(std::chrono::milliseconds time);

// A wait or a limit: more than nothing, 30 days at most.
struct Duration {
  std::chrono::milliseconds time{0};
};

// The value of a key that holds a wait or a limit, such as the document's `deadline`; null: absent.
// Throws Error(invalid) with the place.
std::optional<std::chrono::milliseconds> duration_in(const Value& value, const std::string& name);

// The value of a key that holds an age, such as a step's `max_age`: more than nothing, 100 years at
// most; null: absent. Throws Error(invalid) with the place.
std::optional<std::chrono::milliseconds> age_in(const Value& value, const std::string& name);

template <>
struct ParameterType<Duration> {
  static void parse(const Value& value, const Parameter&, const std::string& name, Duration& out);
  static Json to_json(const Duration& duration);
  static OrderedJson schema(const Parameter&);
};

}  // namespace geoloom::workflow
