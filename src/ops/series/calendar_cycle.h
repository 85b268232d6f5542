// SPDX-License-Identifier: Apache-2.0
// Parts of the year that come again each year: months, dekads (days 1-10, 11-20 and the rest of a
// month), quarters. What climatologies are made by and trends compare within.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geo/time.h"

namespace geoloom::ops {

class CalendarCycle {
 public:
  static const std::vector<std::string>& names();  // month, dekad, quarter
  explicit CalendarCycle(std::string_view name);   // one of names()

  const std::string& name() const { return name_; }
  size_t parts() const { return parts_; }  // of a year
  size_t part_of(geo::TimeMs time) const;  // from 0
  int year_of(geo::TimeMs time) const;
  geo::Period period(int year, size_t part) const;  // that part of that year
  // "01" ... "12", "01" ... "36", "Q1" ... "Q4": ascending as texts.
  std::string label(size_t part) const;
  // Of that part of one year: "2018-05", "2018-05-11", "2018-Q2".
  std::string label(int year, size_t part) const;

 private:
  std::string name_;
  size_t parts_;
};

}  // namespace geoloom::ops
