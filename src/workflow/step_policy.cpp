// SPDX-License-Identifier: Apache-2.0
#include "workflow/step_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "workflow/document.h"

namespace geoloom::workflow {

using std::chrono::milliseconds;

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

namespace {

// "5 %" or "5%" as 0.05.
std::optional<double> percentage_of(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  if (text.ends_with(' ')) text.remove_suffix(1);
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number / 100;
}

// Shares are decimal numbers that doubles only come near to: 0.07 * 100 is 7.000000000000001.
constexpr double kRoundingOfShares = 1e-9;

}  // namespace

size_t Portion::at_least(size_t items) const {
  if (!share) return static_cast<size_t>(count);
  return static_cast<size_t>(
      std::ceil(*share * static_cast<double>(items) * (1 - kRoundingOfShares)));
}

size_t Portion::at_most(size_t items) const {
  if (!share) return static_cast<size_t>(count);
  return static_cast<size_t>(
      std::floor(*share * static_cast<double>(items) * (1 + kRoundingOfShares)));
}

std::string text_of(const Portion& portion) {
  if (!portion.share) return fmt::format("{}", portion.count);
  return fmt::format("{:.6g} %", *portion.share * 100);
}

void ParameterType<Portion>::parse(const Value& value, const Parameter&, const std::string& name,
                                   Portion& out) {
  if (value.kind == Value::Kind::integer && value.integer >= 0) {
    out = {value.integer, std::nullopt};
    return;
  }
  std::optional<double> share;
  if (value.kind == Value::Kind::number) share = value.number;
  if (value.kind == Value::Kind::string) share = percentage_of(value.text);
  if (!share || !(*share >= 0 && *share <= 1))
    throw value
        .error(fmt::format("{} must be a number of items or a share of them, not {}", name,
                           value.described()))
        .hint("as in 10 (items), 5 % or 0.05");
  out = {0, share};
}

Json ParameterType<Portion>::to_json(const Portion& portion) {
  if (portion.share) return text_of(portion);
  return portion.count;
}

OrderedJson ParameterType<Portion>::schema(const Parameter&) {
  const OrderedJson number = {{"type", "number"}, {"minimum", 0}};
  const OrderedJson percentage = {{"type", "string"}, {"pattern", "^[0-9.]+ ?%$"}};
  return {{"anyOf", OrderedJson::array({number, percentage})}};
}

void BreakerPolicy::declare(Parameters& p) {
  p.add("in_a_row", &in_a_row,
        "So many items that fail with one cause, and none that is made between them, pause the "
        "step")
      .range(1, 1e9);
  p.add("share", &share,
        "So do failures of one cause at this share of the step's items, if they are at least "
        "`in_a_row`");
}

void WaitsFor::declare(Parameters& p) {
  p.add("file", &file, "A path or an address at which a file is to appear").meaning(Meaning::path);
  p.add("person", &person, "What somebody is to look at before they approve");
}

namespace {

template <class T>
std::optional<T> bound(const Value& value, const std::string& name) {
  if (value.is_null()) return std::nullopt;
  T object{};
  ParameterType<T>::parse(value, {}, name, object);
  return object;
}

bool is_off(const Value& value) {
  return (value.kind == Value::Kind::string && value.text == "off") ||
         (value.kind == Value::Kind::boolean && !value.boolean);
}

// `cache: false` is an age that nothing has.
std::optional<milliseconds> max_age_of(const StepDeclaration& step) {
  const auto max_age = age_in(step.max_age, "max_age");
  const auto cache = bound<bool>(step.cache, "cache");
  if (max_age && cache)
    throw step.max_age.error("a step says either 'cache' or 'max_age'")
        .hint("cache: false makes items again at each new run, max_age those that are older");
  return cache == false ? milliseconds(0) : max_age;
}

std::optional<size_t> at_once_of(const Value& value) {
  const auto bounded = bound<int64_t>(value, "at_once");
  if (!bounded) return std::nullopt;
  if (*bounded < 1)
    throw value.error(fmt::format("at_once must be at least 1, not {}", value.text));
  return static_cast<size_t>(*bounded);
}

}  // namespace

StepPolicy step_policy(const StepDeclaration& step) {
  StepPolicy policy;
  policy.retry = bound<RetryPolicy>(step.retry, "retry");
  policy.timeout = duration_in(step.timeout, "timeout");
  policy.deadline = duration_in(step.deadline, "deadline");
  if (is_off(step.breaker))
    policy.breaker.reset();
  else if (!step.breaker.is_null())
    policy.breaker = bound<BreakerPolicy>(step.breaker, "breaker");
  policy.max_failed = bound<Portion>(step.max_failed, "max_failed");
  policy.at_once = at_once_of(step.at_once);
  policy.min_ok = bound<Portion>(step.min_ok, "min_ok");
  policy.waits_for = bound<WaitsFor>(step.waits_for, "waits_for");
  if (policy.waits_for && policy.waits_for->file.empty() == policy.waits_for->person.empty())
    throw step.waits_for.error("waits_for needs either 'file' or 'person'")
        .hint("as in {file: season/done.txt} or {person: \"look at the preview\"}");
  policy.max_age = max_age_of(step);
  return policy;
}

}  // namespace geoloom::workflow
