// SPDX-License-Identifier: Apache-2.0
// Instants and half-open periods in UTC. An instant is int64 milliseconds since 1970-01-01.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom::geo {

using TimeMs = int64_t;

// [start, end)
struct Period {
  TimeMs start = 0;
  TimeMs end = 0;
  bool contains(TimeMs t) const { return t >= start && t < end; }
  friend bool operator==(const Period&, const Period&) = default;
};

// RFC 3339 / ISO 8601: "2018", "2018-05", "2018-05-01", "20180501",
// "2018-05-01T10:20:30[.123][Z|+02:00]", "20180501T102030". Without a zone the time is UTC. nullopt
// when it is not a time or out of range (years 1900..2200, real calendar days only).
std::optional<TimeMs> parse_time(std::string_view text);
std::string format_time(TimeMs t);  // "2018-05-01T10:20:30Z", with ".123" only when not zero
std::string format_date(TimeMs t);  // "2018-05-01"

// "2018", "2018-05", "2018-05-01" (that year, month, day) or "A..B" with both ends included at the
// precision they are written in ("2018-05..2018-08" ends with August). Throws Error(invalid).
Period parse_period(std::string_view text);
std::string format_period(
    const Period& period);  // "2018-05-01..2018-09-30"; times where not whole days

// A calendar step: months counted from January of year 0, or days counted from 1970-01-01.
struct Frequency {
  enum class Unit { day, month, year } unit = Unit::month;
  int count = 1;
};
// "day", "10 days", "month", "3 months", "quarter", "year", "2 years", "P1M", "P10D", "P1Y".
Frequency parse_frequency(std::string_view text);
// The calendar cells of the frequency that overlap the period, ascending: months start on their
// first day and "3 months" on January, April, July, October; they are not cut to the period.
std::vector<Period> split(const Period& period, const Frequency& frequency);
// Label of one cell: "2018-05" for a month, "2018-05--P3M" for three, "2018" , "2018-05-01",
// "2018-05-01--P10D".
std::string label(const Period& cell, const Frequency& frequency);

// The time in a file name by a strftime-like pattern: %Y %m %d %H %M %S %j and %% ; every other
// character stands for itself, '*' for any run and '?' for one character. The pattern must match
// somewhere in the name. nullopt when it does not; Error(invalid) for a pattern without %Y or with
// another directive.
std::optional<TimeMs> time_from_name(std::string_view name, std::string_view pattern);

}  // namespace geoloom::geo
