// SPDX-License-Identifier: Apache-2.0
// What the readers of a document's parts ask of its values. All throw Error(invalid) with the
// place.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "workflow/value.h"

namespace geoloom::workflow {

using Names = std::vector<std::string>;

inline constexpr std::string_view kNotCarriedOut = "is not carried out by this version of Geoloom";

inline bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Names that mean something by themselves in references.
const Names& reserved_parameters();

void check_name(const Value& where, std::string_view what, std::string_view name);

// Keys that are not known, with the nearest spelling, and those of the format that this version
// does not carry out.
void check_keys(const Value& map, std::string_view owner, const Names& known,
                const Names& reserved);

// A text value that is not empty; a reference counts as one.
const Value& require_text(const Value& value, const std::string& name);

const Value& require_map(const Value& value, const std::string& name);

// To be thrown.
Error invalid_at(const Place& place, std::string message);

}  // namespace geoloom::workflow
