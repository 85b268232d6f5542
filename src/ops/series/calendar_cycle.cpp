// SPDX-License-Identifier: Apache-2.0
#include "ops/series/calendar_cycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace geoloom::ops {
namespace {

namespace chrono = std::chrono;

constexpr size_t kDekadsOfMonth = 3;

chrono::year_month_day day_of(geo::TimeMs time) {
  return chrono::floor<chrono::days>(
      chrono::sys_time<chrono::milliseconds>(chrono::milliseconds(time)));
}

geo::TimeMs start_of(chrono::year_month_day day) {
  return chrono::duration_cast<chrono::milliseconds>(chrono::sys_days(day).time_since_epoch())
      .count();
}

}  // namespace

const std::vector<std::string>& CalendarCycle::names() {
  static const std::vector<std::string> names{"month", "dekad", "quarter"};
  return names;
}

CalendarCycle::CalendarCycle(std::string_view name)
    : name_(name),
      parts_(name == "month"   ? 12
             : name == "dekad" ? 36
                               : 4) {
  if (std::find(names().begin(), names().end(), name) == names().end())
    throw std::invalid_argument("no part of the year");
}

size_t CalendarCycle::part_of(geo::TimeMs time) const {
  const auto day = day_of(time);
  const size_t month = static_cast<unsigned>(day.month()) - 1;
  if (parts_ == 4) return month / 3;
  if (parts_ == 12) return month;
  const size_t dekad = (static_cast<unsigned>(day.day()) - 1) / 10;
  return month * kDekadsOfMonth + std::min(dekad, kDekadsOfMonth - 1);
}

int CalendarCycle::year_of(geo::TimeMs time) const {
  return static_cast<int>(day_of(time).year());
}

geo::Period CalendarCycle::period(int year, size_t part) const {
  const auto start = [&](int y, size_t p) {
    const bool dekads = parts_ == 36;
    const size_t month = dekads ? p / kDekadsOfMonth : p * (12 / parts_);
    const size_t day = dekads ? p % kDekadsOfMonth * 10 : 0;
    return start_of({chrono::year(y), chrono::month(static_cast<unsigned>(month + 1)),
                     chrono::day(static_cast<unsigned>(day + 1))});
  };
  return {start(year, part), part + 1 < parts_ ? start(year, part + 1) : start(year + 1, 0)};
}

std::string CalendarCycle::label(size_t part) const {
  return parts_ == 4 ? fmt::format("Q{}", part + 1) : fmt::format("{:02}", part + 1);
}

std::string CalendarCycle::label(int year, size_t part) const {
  if (parts_ == 4) return fmt::format("{:04}-Q{}", year, part + 1);
  const auto date = geo::format_date(period(year, part).start);
  return parts_ == 12 ? date.substr(0, 7) : date;
}

}  // namespace geoloom::ops
