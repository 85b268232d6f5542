// SPDX-License-Identifier: Apache-2.0
// One value of a document's conditions and outputs: what parameters hold and what steps report.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "workflow/parameters.h"

namespace geoloom::workflow {

enum class ScalarType { boolean, integer, number, text, list };
std::string_view name(ScalarType type);  // "a number", for messages

// Nothing at all (`absent`) is what a step that was skipped reports, and what a number that is not
// finite becomes; it is not the empty text and not zero.
struct Scalar {
  using List = std::vector<Scalar>;
  std::variant<std::monostate, bool, int64_t, double, std::string, List> value;

  bool absent() const { return std::holds_alternative<std::monostate>(value); }
  bool operator==(const Scalar&) const = default;
  // As text in messages and files: true, 3, 0.25, 'a text', [1, 2], absent.
  std::string text() const;
};

// Absent is null. Numbers are read back as they were written, to the last bit.
Json to_json(const Scalar& scalar);
// Throws Error(invalid) for a map, and for lists within lists.
Scalar scalar_from_json(const Json& json);

}  // namespace geoloom::workflow
