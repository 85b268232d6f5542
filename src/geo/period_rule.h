// SPDX-License-Identifier: Apache-2.0
// How a time axis is cut into periods: months, dekads, seasons, rolling windows, or a list.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geo/time.h"

namespace geoloom::geo {

struct NamedPeriod {
  std::string label;
  Period period;
  friend bool operator==(const NamedPeriod&, const NamedPeriod&) = default;
};

// One of three: periods by name; dekads (the 1st, 11th and 21st of each month begin one); or
// periods of `length`, of which one begins every `step`, counted from `origin`.
class PeriodRule {
 public:
  PeriodRule() = default;
  // Calendar cells as geo::split() makes them.
  explicit PeriodRule(const Frequency& cells);
  // A frequency, or "dekad", "semester" (from January and July), "season" (from December, March,
  // June and September). Throws Error(invalid).
  static PeriodRule parse(std::string_view text);
  // Periods of `length`, one beginning every `step`, one of them at `origin`. Both lengths are
  // counted in days, or both in months and years; then the origin is the first of a month. Throws
  // Error(invalid).
  static PeriodRule windows(const Frequency& length, const Frequency& step, TimeMs origin);
  // As given; in the order of their starts. Throws Error(invalid) when there is none, a name is
  // used twice or one starts before the one before it.
  static PeriodRule list(std::vector<NamedPeriod> periods);

  // Those that overlap the range, ascending. Windows that overlap each other count only where they
  // lie wholly in the range, grown to whole steps; a list is taken whole.
  std::vector<NamedPeriod> periods(const Period& range) const;
  // Whether they do not depend on a range.
  bool listed() const { return !list_.empty(); }
  // Calendar cells as geo::split() makes them, which have a short name; nullopt for other rules.
  std::optional<Frequency> plain() const;
  // The same text for equal rules: "P1M", "dekad", "P3M/P1M from 2018-01", "S1:
  // 2018-01-01..2018-06-30".
  std::string text() const;

 private:
  int64_t length_units() const;
  int64_t step_units() const;
  TimeMs unit_start(int64_t unit) const;
  int64_t unit_of(TimeMs t) const;

  bool dekads_ = false;
  Frequency length_, step_;
  int64_t origin_ = 0;  // in days since 1970-01-01, or months since year 0
  std::vector<NamedPeriod> list_;
};

}  // namespace geoloom::geo
