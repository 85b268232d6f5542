// SPDX-License-Identifier: Apache-2.0
#include "workflow/step_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

namespace geoloom::workflow {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::pair<std::string_view, int64_t>, 5> kUnits{
    {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr milliseconds kLongest = std::chrono::hours(30 * 24);

std::optional<milliseconds> duration_of(std::string_view text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || !(number > 0)) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  for (const auto& [unit, unit_ms] : kUnits) {
    if (text != unit) continue;
    const double ms = number * static_cast<double>(unit_ms);
    if (ms < 1 || ms > static_cast<double>(kLongest.count())) return std::nullopt;
    return milliseconds(std::llround(ms));
  }
  return std::nullopt;
}

}  // namespace

void ParameterType<Duration>::parse(const Value& value, const Parameter&, const std::string& name,
                                    Duration& out) {
  const auto time = value.is_scalar() ? duration_of(value.text) : std::nullopt;
  if (!time)
    throw value
        .error(fmt::format("{} must be a time with its unit, not {}", name, value.described()))
        .hint("as in 500 ms, 20 s, 5 min, 2 h or 1 d; 30 d at most");
  out.time = *time;
}

Json ParameterType<Duration>::to_json(const Duration& duration) {
  return text_of(duration.time);
}

OrderedJson ParameterType<Duration>::schema(const Parameter&) {
  return {{"type", "string"}, {"pattern", "^[0-9.]+ ?(ms|s|min|h|d)$"}};
}

std::string text_of(milliseconds time) {
  std::string out;
  auto left = time.count();
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    const auto count = left / unit->second;
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : " ", count, unit->first);
    left %= unit->second;
  }
  return out.empty() ? "0 s" : out;
}

void RetryPolicy::declare(Parameters& p) {
  p.add("attempts", &attempts, "How often an item is tried, the first time included")
      .range(1, 100)
      .main();
  p.add("first", &first, "The wait after the first failure");
  p.add("longest", &longest, "No wait is longer");
  p.add("factor", &factor, "Each wait is so many times the one before").range(1, 10);
  p.add("jitter", &jitter,
        "Waits are drawn between nothing and what the other keys say, so that items that failed "
        "together do not come back together");
  p.add("on", &on, "Only after these errors; default: unavailable, lost and internal")
      .choices({"unavailable", "lost", "internal", "corrupt", "missing", "resource"});
}

bool RetryPolicy::covers(ErrorCode code) const {
  const auto& row = traits(code);
  if (on.empty()) return row.retry == RetryClass::with_backoff;
  return std::find(on.begin(), on.end(), row.name) != on.end();
}

milliseconds RetryPolicy::wait(int failures, double random) const {
  const double most = static_cast<double>(longest.time.count());
  const double grown =
      static_cast<double>(first.time.count()) * std::pow(factor, std::max(0, failures - 1));
  return milliseconds(static_cast<int64_t>(std::min(most, grown) * (jitter ? random : 1)));
}

StepPolicy step_policy(const Value& retry, const Value& timeout) {
  StepPolicy policy;
  if (!retry.is_null()) {
    Parameters parameters;
    policy.retry.emplace().declare(parameters);
    parameters.bind(retry, "retry");
  }
  if (!timeout.is_null()) {
    Duration duration;
    ParameterType<Duration>::parse(timeout, {}, "timeout", duration);
    policy.timeout = duration.time;
  }
  return policy;
}

}  // namespace geoloom::workflow
