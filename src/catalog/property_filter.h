// SPDX-License-Identifier: Apache-2.0
// Conditions on the properties of items: `eo:cloud_cover: "< 70"`, `platform: {in: [...]}`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/scene.h"

namespace geoloom::catalog {

enum class Comparison { equal, not_equal, less, at_most, greater, at_least, one_of };

// An item without the property does not meet any condition, `not_equal` included: what is not known
// cannot be told. A number compares with a text that is one ("047" equals 47); texts compare
// bytewise. The property `datetime` with `one_of` takes one period text such as 1999..2003-05.
struct PropertyCondition {
  std::string property;
  Comparison comparison = Comparison::equal;
  std::vector<nlohmann::json> values;  // one, or any number for one_of

  bool holds(const Scene& scene) const;
  std::string text() const;  // "eo:cloud_cover < 70"
};

// From an operator's name (eq, ne, lt, lte, gt, gte, in) and its value. Throws Error(invalid) for
// others, and for values that are no texts, numbers or truth values.
PropertyCondition property_condition(const std::string& property, std::string_view op,
                                     const nlohmann::json& value);
// From a text: "< 70", ">= 3", "!= x"; without an operator the text itself has to be there.
PropertyCondition property_condition(const std::string& property, std::string_view text);

// Whether a server will understand the condition as `holds` does: numbers of properties that are
// numbers by their extension, and texts.
bool same_on_servers(const PropertyCondition& condition);
// The conditions as a STAC API takes them: CQL2 as JSON or text, or the `query` object.
nlohmann::json cql2_json(const std::vector<PropertyCondition>& conditions);
std::string cql2_text(const std::vector<PropertyCondition>& conditions);
nlohmann::json query_json(const std::vector<PropertyCondition>& conditions);

}  // namespace geoloom::catalog
