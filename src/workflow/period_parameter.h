// SPDX-License-Identifier: Apache-2.0
// `every:` of a document, as a parameter of ops and in axes.
//
//   every: month                                      day, 10 days, dekad, quarter, season, year,
//   P1M ... every: {length: 3 months, step: month}            rolling windows every: {length: year,
//   from: 2018-07}              years from July on every: {S1: 2019-01..2019-06, S2:
//   2019-07..2019-12}   periods by name every: [2019-01..2019-04, 2019-05..2019-09]       periods,
//   named "2019-01-01..2019-04-30" ...
#pragma once

#include <string>

#include "geo/period_rule.h"
#include "workflow/parameters.h"

namespace geoloom::workflow {

// Throws value.error(); `name` is what messages call it.
geo::PeriodRule period_rule_of(const Value& value, const std::string& name);

template <>
struct ParameterType<geo::PeriodRule> {
  static void parse(const Value& value, const Parameter&, const std::string& name,
                    geo::PeriodRule& out) {
    out = period_rule_of(value, name);
  }
  static Json to_json(const geo::PeriodRule& value) { return value.text(); }
  static OrderedJson schema(const Parameter&) {
    return {{"type", OrderedJson::array({"string", "object", "array"})}};
  }
};

}  // namespace geoloom::workflow
