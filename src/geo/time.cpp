// SPDX-License-Identifier: Apache-2.0
#include "geo/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "error/error.h"
#include "geo/calendar.h"

namespace geoloom::geo {
namespace {

constexpr int64_t kSecondMs = 1000;
constexpr int64_t kMinuteMs = 60 * kSecondMs;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int kFirstYear = 1900;
constexpr int kLastYear = 2200;
constexpr int kMaxCount = 10000;

bool real(const Date& date) {
  const std::chrono::year_month_day ymd{std::chrono::year{date.year},
                                        std::chrono::month{static_cast<unsigned>(date.month)},
                                        std::chrono::day{static_cast<unsigned>(date.day)}};
  return date.year >= kFirstYear && date.year <= kLastYear && ymd.ok();
}

// Reads a text from left to right; every member says whether it found what it looks for, and moves
// on only then.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool symbol(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool any_of(std::string_view symbols) {
    return std::any_of(symbols.begin(), symbols.end(), [this](char c) { return symbol(c); });
  }
  // Exactly `digits` digits with a value of low..high.
  bool number(size_t digits, int low, int high, int& value) {
    if (rest_.size() < digits) return false;
    int parsed = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return false;
      parsed = parsed * 10 + (c - '0');
    }
    if (parsed < low || parsed > high) return false;
    rest_.remove_prefix(digits);
    value = parsed;
    return true;
  }
  // As many digits as follow, at least one.
  std::string_view digits() {
    const size_t end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return found;
  }

 private:
  std::string_view rest_;
};

// A parsed time and the end of the span it names: "2018-05" is May, "10:20:30" is one second.
struct Span {
  TimeMs start = 0;
  TimeMs end = 0;
};

// ".123": milliseconds, further digits are cut off.
bool read_fraction(Scanner& scanner, int64_t& ms) {
  const std::string_view digits = scanner.digits();
  if (digits.empty() || digits.size() > 9) return false;
  ms = 0;
  for (size_t i = 0; i < 3; ++i) ms = ms * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  return true;
}

bool read_zone(Scanner& scanner, int64_t& offset_ms) {
  offset_ms = 0;
  if (scanner.done() || scanner.any_of("Zz")) return true;
  const bool east = scanner.symbol('+');
  if (!east && !scanner.symbol('-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!scanner.number(2, 0, 23, hours)) return false;
  const bool colon = scanner.symbol(':');
  if (!scanner.number(2, 0, 59, minutes) && (colon || !scanner.done())) return false;
  offset_ms = (east ? 1 : -1) * (hours * kHourMs + minutes * kMinuteMs);
  return true;
}

// "10:20:30.123+02:00" or "102030"; seconds may be left out after a colon form.
bool read_clock(Scanner& scanner, Span& clock) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int64_t ms = 0;
  int64_t precision = kMinuteMs;
  if (!scanner.number(2, 0, 23, hour)) return false;
  const bool colon = scanner.symbol(':');
  if (!scanner.number(2, 0, 59, minute)) return false;
  if (!colon || scanner.symbol(':')) {
    if (!scanner.number(2, 0, 59, second)) return false;
    precision = kSecondMs;
    if (scanner.symbol('.') || scanner.symbol(',')) {
      if (!read_fraction(scanner, ms)) return false;
      precision = 1;
    }
  }
  int64_t zone = 0;
  if (!read_zone(scanner, zone)) return false;
  clock.start = hour * kHourMs + minute * kMinuteMs + second * kSecondMs + ms - zone;
  clock.end = clock.start + precision;
  return true;
}

Span whole_days(const Date& first, int64_t end_day) {
  return {days_since_epoch(first) * kDayMs, end_day * kDayMs};
}

// "2018-05-01" or "20180501"; fewer parts only with hyphens. `full` tells that a clock may follow.
std::optional<Span> read_date(Scanner& scanner, bool& full) {
  Date date;
  full = false;
  if (!scanner.number(4, kFirstYear, kLastYear, date.year)) return std::nullopt;
  if (scanner.done()) return whole_days(date, days_since_epoch({date.year + 1, 1, 1}));
  const bool hyphen = scanner.symbol('-');
  if (!scanner.number(2, 1, 12, date.month)) return std::nullopt;
  if (hyphen && scanner.done())
    return Span{days_since_epoch(date) * kDayMs,
                start_of_month(date.year * int64_t{12} + date.month)};
  if (hyphen && !scanner.symbol('-')) return std::nullopt;
  if (!scanner.number(2, 1, 31, date.day) || !real(date)) return std::nullopt;
  full = true;
  return whole_days(date, days_since_epoch(date) + 1);
}

std::optional<Span> read_span(std::string_view text) {
  Scanner scanner(text);
  bool full = false;
  std::optional<Span> span = read_date(scanner, full);
  if (!span || scanner.done()) return span;
  Span clock;
  if (!full || !scanner.any_of("Tt ") || !read_clock(scanner, clock) || !scanner.done())
    return std::nullopt;
  span->end = span->start + clock.end;
  span->start += clock.start;
  static const TimeMs first = days_since_epoch({kFirstYear, 1, 1}) * kDayMs;
  static const TimeMs end = days_since_epoch({kLastYear + 1, 1, 1}) * kDayMs;
  if (span->start < first || span->end > end) return std::nullopt;
  return span;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string format_with_ms(TimeMs t, bool always_ms) {
  const int64_t in_day = t - floor_div(t, kDayMs) * kDayMs;
  std::string out = fmt::format("{}T{:02}:{:02}:{:02}", format_date(t), in_day / kHourMs,
                                in_day / kMinuteMs % 60, in_day / kSecondMs % 60);
  if (always_ms || in_day % kSecondMs != 0) out += fmt::format(".{:03}", in_day % kSecondMs);
  return out + "Z";
}

Error not_a(std::string_view what, std::string_view text) {
  return Error(ErrorCode::invalid, fmt::format("'{}' is not a {}", text.substr(0, 80), what));
}

[[noreturn]] void refuse_frequency(std::string_view text) {
  throw not_a("frequency", text)
      .hint("for example day, 10 days, month, 3 months, quarter, year, 2 years, P1M, P10D");
}

// The unit of a word ("months", "quarter") and how many of it one is.
std::optional<Frequency> unit_of(std::string_view word) {
  if (word.ends_with('s')) word.remove_suffix(1);
  if (word == "day") return Frequency{Frequency::Unit::day, 1};
  if (word == "month") return Frequency{Frequency::Unit::month, 1};
  if (word == "quarter") return Frequency{Frequency::Unit::month, 3};
  if (word == "year") return Frequency{Frequency::Unit::year, 1};
  return std::nullopt;
}

std::optional<Frequency> iso_unit_of(std::string_view letter) {
  if (letter == "D") return Frequency{Frequency::Unit::day, 1};
  if (letter == "M") return Frequency{Frequency::Unit::month, 1};
  if (letter == "Y") return Frequency{Frequency::Unit::year, 1};
  return std::nullopt;
}

// The start of cell `index` of a frequency, cells being counted from its origin.
TimeMs cell_start(int64_t index, const Frequency& frequency) {
  const int64_t steps = index * frequency.count;
  switch (frequency.unit) {
    case Frequency::Unit::day:
      return steps * kDayMs;
    case Frequency::Unit::month:
      return start_of_month(steps);
    case Frequency::Unit::year:
      return start_of_month(steps * 12);
  }
  return 0;
}

int64_t cell_of(TimeMs t, const Frequency& frequency) {
  switch (frequency.unit) {
    case Frequency::Unit::day:
      return floor_div(floor_div(t, kDayMs), frequency.count);
    case Frequency::Unit::month:
      return floor_div(month_index(t), frequency.count);
    case Frequency::Unit::year:
      return floor_div(month_index(t), frequency.count * int64_t{12});
  }
  return 0;
}

// The fields of a pattern as they are found in a name.
struct NameFields {
  std::array<int, 7> values{0, 1, 1, 0, 0, 0, 0};  // Y m d H M S j
};

struct Directive {
  char letter;
  size_t digits;
  int low, high;
};
constexpr std::array<Directive, 7> kDirectives{{{'Y', 4, kFirstYear, kLastYear},
                                                {'m', 2, 1, 12},
                                                {'d', 2, 1, 31},
                                                {'H', 2, 0, 23},
                                                {'M', 2, 0, 59},
                                                {'S', 2, 0, 59},
                                                {'j', 3, 1, 366}}};

// One pattern element: a literal character, '?' or a directive (index into kDirectives).
struct Element {
  enum class Kind { literal, any, field } kind;
  char character = 0;
  size_t directive = 0;
};
// The parts of a pattern between its stars.
using Segments = std::vector<std::vector<Element>>;

Segments parse_pattern(std::string_view pattern) {
  Segments segments(1);
  bool has_year = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*') {
      segments.emplace_back();
    } else if (c == '?') {
      segments.back().push_back({Element::Kind::any});
    } else if (c != '%') {
      segments.back().push_back({Element::Kind::literal, c});
    } else {
      const char letter = ++i < pattern.size() ? pattern[i] : '\0';
      const auto it = std::find_if(kDirectives.begin(), kDirectives.end(),
                                   [letter](const Directive& d) { return d.letter == letter; });
      if (letter == '%') {
        segments.back().push_back({Element::Kind::literal, '%'});
      } else if (it != kDirectives.end()) {
        has_year = has_year || letter == 'Y';
        segments.back().push_back(
            {Element::Kind::field, 0, static_cast<size_t>(it - kDirectives.begin())});
      } else {
        throw not_a("time pattern", pattern).hint("known: %Y %m %d %H %M %S %j %%, * and ?");
      }
    }
  }
  if (!has_year) throw not_a("time pattern", pattern).cause("it has no %Y");
  return segments;
}

// Matches a segment at the start of `text`; the rest is what follows it.
bool match_here(const std::vector<Element>& segment, std::string_view text, NameFields& fields,
                std::string_view& rest) {
  for (const Element& element : segment) {
    if (text.empty()) return false;
    if (element.kind == Element::Kind::field) {
      const Directive& directive = kDirectives[element.directive];
      Scanner scanner(text);
      if (!scanner.number(directive.digits, directive.low, directive.high,
                          fields.values[element.directive]))
        return false;
      text.remove_prefix(directive.digits);
      continue;
    }
    if (element.kind == Element::Kind::literal && text.front() != element.character) return false;
    text.remove_prefix(1);
  }
  rest = text;
  return true;
}

// The leftmost place of each later segment is as good as any other: fields have fixed lengths, so a
// choice here never takes away one there. That keeps the search linear for any number of stars.
bool match_rest(const Segments& segments, size_t from, std::string_view text, NameFields& fields) {
  for (size_t i = from; i < segments.size(); ++i) {
    bool found = false;
    for (size_t at = 0; at <= text.size() && !found; ++at) {
      NameFields trial = fields;
      std::string_view rest;
      if (!match_here(segments[i], text.substr(at), trial, rest)) continue;
      fields = trial;
      text = rest;
      found = true;
    }
    if (!found) return false;
  }
  return true;
}

std::optional<TimeMs> time_of(const NameFields& fields) {
  const auto [year, month, day, hour, minute, second, day_of_year] = fields.values;
  Date date{year, month, day};
  if (!real(date)) return std::nullopt;
  int64_t days = days_since_epoch(date);
  if (day_of_year > 0) {
    days = days_since_epoch({year, 1, 1}) + day_of_year - 1;
    if (date_of(days).year != year) return std::nullopt;
  }
  return days * kDayMs + hour * kHourMs + minute * kMinuteMs + second * kSecondMs;
}

}  // namespace

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

int64_t days_since_epoch(const Date& date) {
  const std::chrono::sys_days days{std::chrono::year{date.year} /
                                   std::chrono::month{static_cast<unsigned>(date.month)} /
                                   std::chrono::day{static_cast<unsigned>(date.day)}};
  return days.time_since_epoch().count();
}

Date date_of(int64_t days) {
  const std::chrono::year_month_day ymd{
      std::chrono::sys_days{std::chrono::days{static_cast<int>(days)}}};
  return {static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
          static_cast<int>(static_cast<unsigned>(ymd.day()))};
}

int64_t month_index(TimeMs t) {
  const Date date = date_of(floor_div(t, kDayMs));
  return date.year * int64_t{12} + date.month - 1;
}

TimeMs start_of_month(int64_t index) {
  return kDayMs * days_since_epoch({static_cast<int>(floor_div(index, 12)),
                                    static_cast<int>(index - floor_div(index, 12) * 12) + 1, 1});
}

std::optional<TimeMs> parse_time(std::string_view text) {
  const std::optional<Span> span = read_span(text);
  if (!span) return std::nullopt;
  return span->start;
}

std::string format_time(TimeMs t) {
  return format_with_ms(t, false);
}

std::string format_date(TimeMs t) {
  const Date date = date_of(floor_div(t, kDayMs));
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

Period parse_period(std::string_view text) {
  const size_t dots = text.find("..");
  const std::string_view first = trimmed(text.substr(0, dots));
  const std::string_view last =
      dots == std::string_view::npos ? first : trimmed(text.substr(dots + 2));
  const std::optional<Span> a = read_span(first);
  const std::optional<Span> b = read_span(last);
  if (!a || !b)
    throw not_a("period", text).hint("for example 2018, 2018-05, 2018-05-01 or 2018-05..2018-08");
  if (b->end <= a->start) throw not_a("period", text).cause("it ends before it starts");
  return {a->start, b->end};
}

std::string format_period(const Period& period) {
  const auto whole_day = [](TimeMs t) { return floor_div(t, kDayMs) * kDayMs == t; };
  if (whole_day(period.start) && whole_day(period.end))
    return format_date(period.start) + ".." + format_date(period.end - kDayMs);
  // The last instant included, written so that parse_period gives the same end.
  const bool whole_second = floor_div(period.end, kSecondMs) * kSecondMs == period.end;
  return format_time(period.start) + ".." +
         (whole_second ? format_time(period.end - kSecondMs)
                       : format_with_ms(period.end - 1, true));
}

Frequency parse_frequency(std::string_view text) {
  const bool iso = text.size() > 2 && text.front() == 'P';
  Scanner scanner(iso ? text.substr(1) : text);
  const std::string_view digits = scanner.digits();
  if (digits.size() > 5 || (iso && digits.empty())) refuse_frequency(text);
  const std::string_view word = trimmed(text.substr(digits.size() + (iso ? 1 : 0)));
  const std::optional<Frequency> unit = iso ? iso_unit_of(word) : unit_of(word);
  const int times = digits.empty() ? 1 : std::atoi(std::string(digits).c_str());
  if (!unit || times < 1 || times * unit->count > kMaxCount) refuse_frequency(text);
  return {unit->unit, times * unit->count};
}

std::vector<Period> split(const Period& period, const Frequency& frequency) {
  std::vector<Period> cells;
  if (period.end <= period.start) return cells;
  const int64_t last = cell_of(period.end - 1, frequency);
  for (int64_t i = cell_of(period.start, frequency); i <= last; ++i)
    cells.push_back({cell_start(i, frequency), cell_start(i + 1, frequency)});
  return cells;
}

std::string label(const Period& cell, const Frequency& frequency) {
  std::string date = format_date(cell.start);
  const bool one = frequency.count == 1;
  switch (frequency.unit) {
    case Frequency::Unit::day:
      return one ? date : fmt::format("{}--P{}D", date, frequency.count);
    case Frequency::Unit::month:
      return date.substr(0, 7) + (one ? "" : fmt::format("--P{}M", frequency.count));
    case Frequency::Unit::year:
      return date.substr(0, 4) + (one ? "" : fmt::format("--P{}Y", frequency.count));
  }
  return date;
}

std::optional<TimeMs> time_from_name(std::string_view name, std::string_view pattern) {
  const Segments segments = parse_pattern(pattern);
  for (size_t at = 0; at <= name.size(); ++at) {
    NameFields fields;
    std::string_view rest;
    if (!match_here(segments.front(), name.substr(at), fields, rest)) continue;
    if (!match_rest(segments, 1, rest, fields)) continue;
    // 30 February is not a date: the digits meant something else, so look further on.
    if (const std::optional<TimeMs> time = time_of(fields)) return time;
  }
  return std::nullopt;
}

}  // namespace geoloom::geo
