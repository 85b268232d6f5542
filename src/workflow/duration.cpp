// SPDX-License-Identifier: Apache-2.0
#include "workflow/duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace geoloom::workflow {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::pair<std::string_view, int64_t>, 6> kUnits{{{"ms", 1},
                                                                      {"s", 1000},
                                                                      {"min", 60'000},
                                                                      {"h", 3'600'000},
                                                                      {"d", 86'400'000},
                                                                      {"w", 604'800'000}}};
constexpr milliseconds kLongest = std::chrono::hours(24) * 36525;
constexpr milliseconds kLongestWait = std::chrono::hours(24) * 30;

milliseconds required(const Value& value, const std::string& name, milliseconds longest,
                      std::string_view hint) {
  const auto time = value.is_scalar() ? parse_duration(value.text) : std::nullopt;
  if (!time || time->count() < 1 || *time > longest)
    throw value
        .error(fmt::format("{} must be a time with its unit, not {}", name, value.described()))
        .hint(std::string(hint));
  return *time;
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || !(number >= 0)) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  for (const auto& [unit, unit_ms] : kUnits) {
    if (text != unit) continue;
    const double ms = number * static_cast<double>(unit_ms);
    if (ms > static_cast<double>(kLongest.count())) return std::nullopt;
    return milliseconds(std::llround(ms));
  }
  return std::nullopt;
}

std::string text_of(milliseconds time) {
  std::string out;
  auto left = time.count();
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    if (unit->first == "w") continue;  // "30 d", not "4 w 2 d"
    const auto count = left / unit->second;
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : " ", count, unit->first);
    left %= unit->second;
  }
  return out.empty() ? "0 s" : out;
}

std::optional<milliseconds> duration_in(const Value& value, const std::string& name) {
  if (value.is_null()) return std::nullopt;
  Duration duration;
  ParameterType<Duration>::parse(value, {}, name, duration);
  return duration.time;
}

std::optional<milliseconds> age_in(const Value& value, const std::string& name) {
  if (value.is_null()) return std::nullopt;
  return required(value, name, kLongest, "as in 12 h, 7 d or 8 w");
}

void ParameterType<Duration>::parse(const Value& value, const Parameter&, const std::string& name,
                                    Duration& out) {
  out.time =
      required(value, name, kLongestWait, "as in 500 ms, 20 s, 5 min, 2 h or 1 d; 30 d at most");
}

Json ParameterType<Duration>::to_json(const Duration& duration) {
  return text_of(duration.time);
}

OrderedJson ParameterType<Duration>::schema(const Parameter&) {
  return {{"type", "string"}, {"pattern", "^[0-9.]+ ?(ms|s|min|h|d|w)$"}};
}

}  // namespace geoloom::workflow
