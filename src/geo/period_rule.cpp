// SPDX-License-Identifier: Apache-2.0
#include "geo/period_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "error/error.h"
#include "geo/calendar.h"

namespace geoloom::geo {
namespace {

bool by_day(const Frequency& frequency) {
  return frequency.unit == Frequency::Unit::day;
}

int64_t units(const Frequency& frequency) {
  return frequency.unit == Frequency::Unit::year ? frequency.count * int64_t{12} : frequency.count;
}

std::string iso(const Frequency& frequency) {
  const char unit = by_day(frequency) ? 'D' : frequency.unit == Frequency::Unit::month ? 'M' : 'Y';
  return fmt::format("P{}{}", frequency.count, unit);
}

// Which dekad, counted from January of year 0, three a month.
int64_t dekad_of(TimeMs t) {
  const Date date = date_of(floor_div(t, kDayMs));
  return month_index(t) * 3 + std::min((date.day - 1) / 10, 2);
}
TimeMs dekad_start(int64_t dekad) {
  const int64_t month = floor_div(dekad, 3);
  return start_of_month(month) + (dekad - month * 3) * 10 * kDayMs;
}

}  // namespace

PeriodRule::PeriodRule(const Frequency& cells) : length_(cells), step_(cells) {}

PeriodRule PeriodRule::parse(std::string_view text) {
  PeriodRule rule;
  rule.dekads_ = text == "dekad" || text == "dekads";
  if (rule.dekads_) return rule;
  if (text == "semester") return PeriodRule(Frequency{Frequency::Unit::month, 6});
  if (text == "season")
    return windows({Frequency::Unit::month, 3}, {Frequency::Unit::month, 3},
                   start_of_month(int64_t{12} * 1999 + 11));
  try {
    return PeriodRule(parse_frequency(text));
  } catch (const Error& error) {
    throw Error(ErrorCode::invalid, error.message())
        .hint(
            "for example day, 10 days, dekad, month, 3 months, quarter, season, semester, year, "
            "P1M, "
            "P10D");
  }
}

PeriodRule PeriodRule::windows(const Frequency& length, const Frequency& step, TimeMs origin) {
  if (by_day(length) != by_day(step))
    throw Error(
        ErrorCode::invalid,
        fmt::format("a length of {} and a step of {} do not go together", iso(length), iso(step)))
        .hint("give both in days, or both in months or years");
  PeriodRule rule;
  rule.length_ = length;
  rule.step_ = step;
  rule.origin_ = by_day(step) ? floor_div(origin, kDayMs) : month_index(origin);
  if (!by_day(step) && start_of_month(rule.origin_) != origin)
    throw Error(ErrorCode::invalid,
                fmt::format("periods of months cannot begin on {}", format_date(origin)))
        .hint("begin on the first day of a month, or give the length in days");
  const int64_t every = units(step);
  rule.origin_ -= floor_div(rule.origin_, every) * every;
  return rule;
}

PeriodRule PeriodRule::list(std::vector<NamedPeriod> periods) {
  if (periods.empty()) throw Error(ErrorCode::invalid, "there is no period");
  std::set<std::string_view> names;
  for (size_t i = 0; i < periods.size(); ++i) {
    if (!names.insert(periods[i].label).second)
      throw Error(ErrorCode::invalid, fmt::format("two periods are called '{}'", periods[i].label));
    if (i > 0 && periods[i].period.start < periods[i - 1].period.start)
      throw Error(ErrorCode::invalid,
                  fmt::format("'{}' starts before '{}'", periods[i].label, periods[i - 1].label))
          .hint("give periods in the order in which they start");
  }
  PeriodRule rule;
  rule.list_ = std::move(periods);
  return rule;
}

int64_t PeriodRule::length_units() const {
  return units(length_);
}
int64_t PeriodRule::step_units() const {
  return units(step_);
}
TimeMs PeriodRule::unit_start(int64_t unit) const {
  return by_day(step_) ? unit * kDayMs : start_of_month(unit);
}
int64_t PeriodRule::unit_of(TimeMs t) const {
  return by_day(step_) ? floor_div(t, kDayMs) : month_index(t);
}

std::vector<NamedPeriod> PeriodRule::periods(const Period& range) const {
  if (listed()) return list_;
  std::vector<NamedPeriod> out;
  if (range.end <= range.start) return out;
  if (dekads_) {
    for (int64_t i = dekad_of(range.start); i <= dekad_of(range.end - 1); ++i) {
      const Period period{dekad_start(i), dekad_start(i + 1)};
      out.push_back({fmt::format("{}-D{}", format_date(period.start).substr(0, 7),
                                 i - floor_div(i, 3) * 3 + 1),
                     period});
    }
    return out;
  }
  const int64_t step = step_units(), length = length_units();
  const auto step_of = [&](TimeMs t) { return floor_div(unit_of(t) - origin_, step); };
  const int64_t first_step = step_of(range.start), last_step = step_of(range.end - 1);
  const Period grown{unit_start(first_step * step + origin_),
                     unit_start((last_step + 1) * step + origin_)};
  for (int64_t i = first_step; i <= last_step; ++i) {
    const int64_t start = i * step + origin_;
    const Period period{unit_start(start), unit_start(start + length)};
    const bool inside = length <= step || period.end <= grown.end;
    if (inside && period.end > range.start) out.push_back({label(period, length_), period});
  }
  return out;
}

std::optional<Frequency> PeriodRule::plain() const {
  const bool cells = !listed() && !dekads_ && origin_ == 0 && length_units() == step_units() &&
                     by_day(length_) == by_day(step_);
  return cells ? std::optional(length_) : std::nullopt;
}

std::string PeriodRule::text() const {
  if (dekads_) return "dekad";
  if (const auto cells = plain()) return iso(*cells);
  if (!listed())
    return fmt::format("{}/{} from {}", iso(length_), iso(step_), format_date(unit_start(origin_)));
  std::string out;
  for (const auto& [name, period] : list_)
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", name, format_period(period));
  return out;
}

}  // namespace geoloom::geo
