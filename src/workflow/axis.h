// SPDX-License-Identifier: Apache-2.0
// The axes of a step's domain that are lists of values: months, years, crops. Tiles and zones, the
// axes of space, are the area's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "workflow/value.h"

namespace geoloom::workflow {

// One value of an axis. The label names files and items; `value` is what `$item.<axis>` stands for.
struct AxisValue {
  std::string label;
  Value value;
};

struct Axis {
  std::string name;
  std::vector<AxisValue> values;  // at least one, labels are unique
  bool holds(const std::string& label) const;
};

// Where an item stands on the axes of lists: axis and label, in the order of the domain.
using AxisLabels = std::vector<std::pair<std::string, std::string>>;
std::string text_of(const AxisLabels& labels);  // "2018-05.maize"; empty without axes
// Null when there is no such axis.
const std::string* find_label(const AxisLabels& labels, const std::string& axis);

// `name: value` of a step's `over`:
//   year, semester, quarter, season, month, dekad, day
//                               periods, "2018", "2018-05..2018-09", or a list of them: the calendar
//                               cells that they touch; the value is the cell as a period
//   period                      {of: 2018, every: 10 days}, or {every: {wet: 2019-01..2019-05}}; see
//                               period_parameter.h
//   month_of_year               "1..12", or a list of whole numbers from 1 to 12
//   any other name              a list of scalars, or whole numbers "1..5"
// Throws Error(invalid) with the place.
Axis axis_from(const std::string& name, const Value& value);

// Replaces `$item.<axis>` by the value (which keeps its type) and `${item.<axis>}` inside texts.
// What document resolution left is understood: see resolve() in document.h. Throws Error(invalid)
// for an axis that is not there.
void resolve_item(Value& value, const std::map<std::string, AxisValue>& item);

}  // namespace geoloom::workflow
