// SPDX-License-Identifier: Apache-2.0
// The parameters that a document declares.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "workflow/value.h"

namespace geoloom::workflow {

// `name: {type, default, help, choices, range}`, or `name: default`, which tells the type.
struct ParameterDeclaration {
  std::string name;
  // string, path, integer, number, boolean, year, date, period, list
  std::string type;
  std::optional<Value> default_value;  // null where it says `default: null`: absent unless given
  std::string help;
  std::vector<Value> choices;  // empty = any; for lists, of each member
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
  Value source;
};

// Throws Error(invalid) with the place where the declaration, or its default, is not right.
ParameterDeclaration read_declaration(const std::string& name, const Value& value);

// The value as its declared type, within its range and choices; throws Error(invalid) where it is
// not. A value given for a list is a list of one.
Value typed(Value value, const ParameterDeclaration& declaration);

}  // namespace geoloom::workflow
