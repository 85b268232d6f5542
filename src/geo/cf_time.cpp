// SPDX-License-Identifier: Apache-2.0
#include "geo/cf_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "error/error.h"

namespace geoloom::geo {
namespace {

constexpr double kDayMs = 86'400'000;
constexpr std::string_view kSince = " since ";
constexpr int64_t kJulianDayOfEpoch = 2'440'588;  // of 1970-01-01
constexpr int kFirstGregorian = 1582'10'15;

constexpr std::array<std::pair<std::string_view, double>, 27> kUnits{{
    {"weeks", 7 * kDayMs}, {"week", 7 * kDayMs},
    {"days", kDayMs},      {"day", kDayMs},
    {"d", kDayMs},         {"hours", 3'600'000},
    {"hour", 3'600'000},   {"hrs", 3'600'000},
    {"hr", 3'600'000},     {"h", 3'600'000},
    {"minutes", 60'000},   {"minute", 60'000},
    {"mins", 60'000},      {"min", 60'000},
    {"seconds", 1000},     {"second", 1000},
    {"secs", 1000},        {"sec", 1000},
    {"s", 1000},           {"milliseconds", 1},
    {"millisecond", 1},    {"ms", 1},
    {"msec", 1},           {"microseconds", 1e-3},
    {"microsecond", 1e-3}, {"nanoseconds", 1e-6},
    {"nanosecond", 1e-6},
}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// Days from 1970-01-01; the formulas of Fliegel and Van Flandern (1968) and their Julian form.
int64_t days_of(int year, int month, int day, bool julian) {
  const int64_t shift = (14 - month) / 12;
  const int64_t y = int64_t{year} + 4800 - shift, m = month + 12 * shift - 3;
  const int64_t days = day + (153 * m + 2) / 5 + 365 * y + y / 4;
  return (julian ? days - 32083 : days - y / 100 + y / 400 - 32045) - kJulianDayOfEpoch;
}

// Reads the instant from left to right; what is optional leaves its default.
class InstantReader {
 public:
  explicit InstantReader(std::string_view text) : rest_(text) {}

  bool read(bool mixed_calendar, double& ms) {
    int year = 0, month = 1, day = 1;
    if (!number(year) || !symbol('-') || !number(month) || !symbol('-') || !number(day))
      return false;
    if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    const bool julian = mixed_calendar && (year * 100 + month) * 100 + day < kFirstGregorian;
    ms = static_cast<double>(days_of(year, month, day, julian)) * kDayMs;
    if (symbol('T') || space()) {
      space();
      if (!rest_.empty() && !clock(ms)) return false;
    }
    space();
    return zone(ms) && rest_.empty();
  }

 private:
  bool number(int& value) {
    const auto [end, failed] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (failed != std::errc() || value < 0) return false;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return true;
  }
  bool symbol(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool space() {
    bool any = false;
    while (symbol(' ')) any = true;
    return any;
  }
  // 10, 10:20, 10:20:30, 10:20:30.25
  bool clock(double& ms) {
    int hour = 0, minute = 0, second = 0;
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return true;  // a zone
    if (!number(hour)) return false;
    if (symbol(':') && !number(minute)) return false;
    if (symbol(':') && !number(second)) return false;
    if (hour > 24 || minute > 59 || second > 60) return false;
    ms += ((hour * 60.0 + minute) * 60 + second) * 1000;
    if (!symbol('.')) return true;
    double weight = 100;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; weight /= 10) {
      ms += weight * (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    ms = std::round(ms);
    return true;
  }
  bool zone(double& ms) {
    if (rest_.empty()) return true;
    const auto name = lower(rest_);
    if (name == "z" || name == "utc" || name == "gmt") {
      rest_ = {};
      return true;
    }
    const double sign = symbol('+') ? 1 : symbol('-') ? -1 : 0;
    int hours = 0, minutes = 0;
    const size_t before = rest_.size();
    if (sign == 0 || !number(hours)) return false;
    if (before - rest_.size() == 4) {  // +0130
      minutes = hours % 100;
      hours /= 100;
    } else if (symbol(':') && !number(minutes)) {
      return false;
    }
    if (hours > 14 || minutes > 59) return false;
    ms -= sign * (hours * 60.0 + minutes) * 60'000;
    return true;
  }

  std::string_view rest_;
};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

}  // namespace

bool CfTimeUnits::are_time_units(std::string_view units) {
  return lower(units).find(kSince) != std::string::npos;
}

CfTimeUnits::CfTimeUnits(std::string_view units, std::string_view calendar) {
  const auto kind = lower(trimmed(calendar));
  const bool mixed = kind.empty() || kind == "standard" || kind == "gregorian";
  if (!mixed && kind != "proleptic_gregorian")
    throw Error(ErrorCode::invalid, fmt::format("times of the calendar '{}' are not dates", kind))
        .hint("calendars are standard, gregorian and proleptic_gregorian");
  const auto text = lower(trimmed(units));
  const size_t since = text.find(kSince);
  const auto unreadable = [&units](const char* why) {
    return Error(ErrorCode::invalid,
                 fmt::format("the times have units that cannot be used, '{}': {}", units, why))
        .hint("units are such as 'days since 2018-05-01 00:00:00'");
  };
  if (since == std::string::npos) throw unreadable("'since' is missing");
  const auto name = trimmed(std::string_view(text).substr(0, since));
  const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(),
                                        [name](const auto& each) { return each.first == name; });
  if (unit == kUnits.end()) throw unreadable("the unit has no fixed length, or is not known");
  unit_ms_ = unit->second;
  const auto original = trimmed(units);
  if (!InstantReader(trimmed(original.substr(since + kSince.size()))).read(mixed, reference_ms_))
    throw unreadable("what follows 'since' is no instant");
}

TimeMs CfTimeUnits::at(double value) const {
  const double ms = std::round(reference_ms_ + value * unit_ms_);
  static const auto first = static_cast<double>(*parse_time("1900"));
  static const auto last = static_cast<double>(*parse_time("2200"));
  if (!(ms >= first && ms < last))
    throw Error(
        ErrorCode::invalid,
        fmt::format("the time {} is missing or lies outside of the years 1900 to 2199", value));
  return static_cast<TimeMs>(ms);
}

}  // namespace geoloom::geo
