// SPDX-License-Identifier: Apache-2.0
#include "workflow/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "error/spelling.h"
#include "geo/time.h"
#include "workflow/period_parameter.h"

namespace geoloom::workflow {
namespace {

constexpr size_t kMostValues = 100000;
constexpr size_t kLongestLabel = 60;

Value text_value(const Value& from, std::string text) {
  Value value;
  value.kind = Value::Kind::string;
  value.text = std::move(text);
  value.move_to(from.place());
  return value;
}

Value whole_number(const Value& from, int64_t number) {
  Value value = text_value(from, std::to_string(number));
  value.kind = Value::Kind::integer;
  value.integer = number;
  value.number = static_cast<double>(number);
  return value;
}

// "1..12", both ends included.
bool read_range(const std::string& text, int64_t& first, int64_t& last) {
  const auto dots = text.find("..");
  if (dots == std::string::npos) return false;
  const auto whole = [](std::string_view part, int64_t& number) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    return error == std::errc() && end == part.data() + part.size();
  };
  return whole(std::string_view(text).substr(0, dots), first) &&
         whole(std::string_view(text).substr(dots + 2), last);
}

// A list as it stands, a range as its numbers, a scalar as a list of one.
std::vector<Value> elements_of(const std::string& name, const Value& value) {
  int64_t first = 0, last = 0;
  if (value.kind == Value::Kind::string && read_range(value.text, first, last)) {
    if (last < first || last - first >= static_cast<int64_t>(kMostValues))
      throw value.error(fmt::format(
          "the axis '{}' needs a range that goes up, of at most {} values", name, kMostValues));
    std::vector<Value> out;
    for (int64_t i = first; i <= last; ++i) out.push_back(whole_number(value, i));
    return out;
  }
  if (value.kind == Value::Kind::map || value.is_null())
    throw value
        .error(fmt::format("the axis '{}' needs a list of values, not {}", name, value.described()))
        .hint(fmt::format("such as {}: [a, b, c] or {}: 1..5", name, name));
  return value.kind == Value::Kind::list ? value.list : std::vector<Value>{value};
}

geo::Period period_of(const std::string& name, const Value& value) {
  try {
    return geo::parse_period(value.text);
  } catch (Error& error) {
    throw value.error(fmt::format("the axis '{}': {}", name, error.message())).hint(error.hint());
  }
}

// The value of a cell is written so that it reads as a period.
void add_cells(Axis& axis, const Value& place, const geo::Period& period,
               const geo::PeriodRule& rule) {
  const auto cells = rule.periods(period);
  for (const auto& [label, cell] : cells)
    if (!axis.holds(label))
      axis.values.push_back({label, text_value(place, geo::format_period(cell))});
}

Axis calendar_axis(const std::string& name, const Value& value) {
  Axis axis{name, {}};
  const auto rule = geo::PeriodRule::parse(name);
  const auto periods = value.kind == Value::Kind::list ? value.list : std::vector<Value>{value};
  for (const auto& period : periods) {
    if (!period.is_scalar() || period.is_null())
      throw period
          .error(fmt::format("the axis '{}' needs a period, not {}", name, period.described()))
          .hint(fmt::format("such as {}: 2018 or {}: 2018-05..2018-09", name, name));
    add_cells(axis, period, period_of(name, period), rule);
  }
  return axis;
}

void check_label(const std::string& name, const Value& value) {
  const bool fits = !value.text.empty() && value.text.size() <= kLongestLabel &&
                    value.text.front() != '.' &&
                    std::all_of(value.text.begin(), value.text.end(), [](unsigned char c) {
                      return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
                    });
  if (!fits)
    throw value
        .error(fmt::format("'{}' cannot be a value of the axis '{}': values name files", value.text,
                           name))
        .hint("use letters, digits, '_', '-' and '.'");
}

Axis period_axis(const std::string& name, const Value& value) {
  const Value* const of = value.find("of");
  const Value* const every = value.find("every");
  const char* const ways =
      "such as period: {of: 2018, every: 10 days}, or period: {every: {wet: 2019-01..2019-05, "
      "dry: 2019-06..2019-12}}";
  if (every == nullptr || value.map.size() != (of == nullptr ? 1 : 2))
    throw value.error(fmt::format("the axis '{}' needs `of` and `every`", name)).hint(ways);
  const auto rule = period_rule_of(*every, fmt::format("the axis '{}': every", name));
  if (rule.listed() && of != nullptr)
    throw value.error(fmt::format("the axis '{}' lists its periods, so it has no `of`", name))
        .hint(ways);
  if (!rule.listed() && of == nullptr)
    throw value.error(fmt::format("the axis '{}' needs `of`: the time its periods are of", name))
        .hint(ways);
  Axis axis{name, {}};
  add_cells(axis, value, of == nullptr ? geo::Period{} : period_of(name, *of), rule);
  for (const auto& [label, cell] : axis.values) check_label(name, text_value(*every, label));
  if (axis.values.empty())
    throw value.error(fmt::format("the axis '{}' has no period", name)).hint(ways);
  return axis;
}

Axis list_axis(const std::string& name, const Value& value) {
  Axis axis{name, {}};
  for (const auto& element : elements_of(name, value)) {
    if (!element.is_scalar() || element.is_null())
      throw element.error(
          fmt::format("a value of the axis '{}' cannot be {}", name, element.described()));
    check_label(name, element);
    if (name == "month_of_year" &&
        (element.kind != Value::Kind::integer || element.integer < 1 || element.integer > 12))
      throw element.error(fmt::format("month_of_year goes from 1 to 12, not {}", element.text));
    if (axis.holds(element.text))
      throw element.error(fmt::format("the axis '{}' has '{}' twice", name, element.text));
    axis.values.push_back({element.text, element});
  }
  return axis;
}

const AxisValue& lookup(const Value& where, const std::string& reference,
                        const std::map<std::string, AxisValue>& item) {
  const auto name = reference.substr(std::string_view("item.").size());
  const auto found = item.find(name);
  if (found != item.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [axis, value] : item) known.push_back(axis);
  throw where.error(fmt::format("'$item.{}': the step has no axis of values '{}'", name, name))
      .hint(known.empty() ? fmt::format("give it one: over: [tiles, {{{}: [...]}}]", name)
                          : spelling_hint(name, known));
}

// A text with ${item.x} in it, in which $$ still stands for a dollar sign.
std::string substituted(const Value& value, const std::map<std::string, AxisValue>& item) {
  std::string out;
  for (size_t at = 0; at < value.text.size();) {
    if (value.text.compare(at, 2, "$$") == 0) {
      out += '$';
      at += 2;
    } else if (value.text.compare(at, 2, "${") == 0) {
      const size_t end = value.text.find('}', at);
      out += lookup(value, value.text.substr(at + 2, end - at - 2), item).label;
      at = end + 1;
    } else {
      out += value.text[at++];
    }
  }
  return out;
}

}  // namespace

bool Axis::holds(const std::string& label) const {
  return std::any_of(values.begin(), values.end(),
                     [&](const AxisValue& value) { return value.label == label; });
}

std::string text_of(const AxisLabels& labels) {
  std::string out;
  for (const auto& [axis, label] : labels) out += (out.empty() ? "" : ".") + label;
  return out;
}

const std::string* find_label(const AxisLabels& labels, const std::string& axis) {
  for (const auto& [name, label] : labels)
    if (name == axis) return &label;
  return nullptr;
}

Axis axis_from(const std::string& name, const Value& value) {
  static const std::set<std::string> calendar{"year",  "semester", "quarter", "season",
                                              "month", "dekad",    "day"};
  static const std::set<std::string> of_space{"tiles", "zones", "all"};
  if (of_space.contains(name))
    throw value.error(fmt::format("'{}' takes no values", name))
        .hint(fmt::format("write `over: {}`", name));
  auto axis = calendar.contains(name) ? calendar_axis(name, value)
              : name == "period"      ? period_axis(name, value)
                                      : list_axis(name, value);
  if (axis.values.empty()) throw value.error(fmt::format("the axis '{}' has no values", name));
  if (axis.values.size() > kMostValues)
    throw value.error(fmt::format("the axis '{}' has {} values; at most {} are possible", name,
                                  axis.values.size(), kMostValues));
  return axis;
}

void resolve_item(Value& value, const std::map<std::string, AxisValue>& item) {
  if (value.kind == Value::Kind::string) {
    if (!value.reference) return;
    const auto place = value.place();
    if (value.text.starts_with("$item."))
      value = Value(lookup(value, value.text.substr(1), item).value);
    else
      value.text = substituted(value, item);
    value.reference = false;
    value.move_to(place);
    return;
  }
  for (auto& element : value.list) resolve_item(element, item);
  for (auto& member : value.map) resolve_item(member.second, item);
}

}  // namespace geoloom::workflow
