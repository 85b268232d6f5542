// SPDX-License-Identifier: Apache-2.0
#include "catalog/property_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "error/error.h"
#include "error/spelling.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;

struct Operator {
  std::string_view name;  // in documents and in `query`
  std::string_view sign;  // in texts
  std::string_view cql2;  // in CQL2
  Comparison comparison;
};
constexpr std::array<Operator, 7> kOperators{{{"eq", "=", "=", Comparison::equal},
                                              {"ne", "!=", "<>", Comparison::not_equal},
                                              {"lte", "<=", "<=", Comparison::at_most},
                                              {"lt", "<", "<", Comparison::less},
                                              {"gte", ">=", ">=", Comparison::at_least},
                                              {"gt", ">", ">", Comparison::greater},
                                              {"in", "in", "in", Comparison::one_of}}};

const Operator& operator_of(Comparison comparison) {
  return *std::find_if(kOperators.begin(), kOperators.end(),
                       [&](const Operator& op) { return op.comparison == comparison; });
}

std::optional<double> number_in(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return whole && !text.empty() ? std::optional(number) : std::nullopt;
}

std::optional<double> number_of_value(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return number_in(value.get_ref<const std::string&>());
  return std::nullopt;
}

std::string text_of_value(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// -1, 0, 1; nullopt where the two cannot be compared.
std::optional<int> compare(const json& property, const json& value) {
  if (property.is_boolean() || value.is_boolean()) {
    if (property.type() != value.type()) return std::nullopt;
    return property == value ? std::optional(0) : std::optional(1);
  }
  if (property.is_number() || value.is_number()) {
    const auto a = number_of_value(property), b = number_of_value(value);
    if (!a || !b || std::isnan(*a) || std::isnan(*b)) return std::nullopt;
    return *a < *b ? -1 : *a > *b ? 1 : 0;
  }
  const int order = text_of_value(property).compare(text_of_value(value));
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

bool holds_for(Comparison comparison, std::optional<int> order) {
  if (!order) return false;
  switch (comparison) {
    case Comparison::equal:
    case Comparison::one_of:
      return *order == 0;
    case Comparison::not_equal:
      return *order != 0;
    case Comparison::less:
      return *order < 0;
    case Comparison::at_most:
      return *order <= 0;
    case Comparison::greater:
      return *order > 0;
    case Comparison::at_least:
      return *order >= 0;
  }
  return false;
}

bool is_period(const PropertyCondition& condition) {
  return condition.property == "datetime" &&
         (condition.comparison == Comparison::equal || condition.comparison == Comparison::one_of);
}

std::string quoted(const json& value) {
  if (!value.is_string()) return value.dump();
  std::string out = "'";
  for (const char c : value.get_ref<const std::string&>())
    out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string value_text(const PropertyCondition& condition) {
  std::string text;
  for (const json& value : condition.values)
    text += (text.empty() ? "" : ", ") + text_of_value(value);
  return text;
}

}  // namespace

bool PropertyCondition::holds(const Scene& scene) const {
  if (is_period(*this)) {
    return scene.time && std::any_of(values.begin(), values.end(), [&](const json& value) {
             return geo::parse_period(text_of_value(value)).contains(*scene.time);
           });
  }
  const auto found = scene.properties.find(property);
  if (found == scene.properties.end()) return false;
  return std::any_of(values.begin(), values.end(), [&](const json& value) {
    return holds_for(comparison, compare(found->second, value));
  });
}

std::string PropertyCondition::text() const {
  if (comparison == Comparison::one_of) return fmt::format("{} in {}", property, value_text(*this));
  return fmt::format("{} {} {}", property, operator_of(comparison).sign, value_text(*this));
}

PropertyCondition property_condition(const std::string& property, std::string_view op,
                                     const json& value) {
  const auto* const found = std::find_if(kOperators.begin(), kOperators.end(),
                                         [&](const Operator& known) { return known.name == op; });
  if (found == kOperators.end()) {
    std::vector<std::string> known;
    for (const auto& each : kOperators) known.emplace_back(each.name);
    throw Error(ErrorCode::invalid, fmt::format("'{}' is no comparison", op))
        .hint(spelling_hint(op, known));
  }
  PropertyCondition condition{property, found->comparison, {}};
  if (value.is_array() && condition.comparison == Comparison::one_of)
    condition.values.assign(value.begin(), value.end());
  else
    condition.values = {value};
  for (const json& each : condition.values)
    if (!each.is_primitive() || each.is_null())
      throw Error(ErrorCode::invalid,
                  fmt::format("'{}' is compared with a text, a number, true or false, not with {}",
                              property, each.dump()));
  if (condition.values.empty())
    throw Error(ErrorCode::invalid, fmt::format("'{}' may be none of an empty list", property));
  if (is_period(condition))
    for (const json& each : condition.values) geo::parse_period(text_of_value(each));
  return condition;
}

PropertyCondition property_condition(const std::string& property, std::string_view text) {
  for (const auto& op : kOperators) {
    const bool sign = op.comparison != Comparison::one_of && op.comparison != Comparison::equal;
    if (!sign || !text.starts_with(op.sign)) continue;
    auto rest = text.substr(op.sign.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.empty())
      throw Error(ErrorCode::invalid,
                  fmt::format("'{}' does not say what to compare {} with", text, property));
    const auto number = number_in(rest);
    return property_condition(property, op.name, number ? json(*number) : json(std::string(rest)));
  }
  return property_condition(property, "eq", json(std::string(text)));
}

bool same_on_servers(const PropertyCondition& condition) {
  if (is_period(condition) || condition.comparison == Comparison::not_equal) return false;
  const auto all = [&](auto&& is) {
    return std::all_of(condition.values.begin(), condition.values.end(), is);
  };
  const bool order =
      condition.comparison != Comparison::equal && condition.comparison != Comparison::one_of;
  if (!order) return all([](const json& value) { return value.is_string(); });
  constexpr std::array<std::string_view, 4> kNumbers{"eo:", "view:", "gsd", "s2:"};
  const bool numeric = std::any_of(kNumbers.begin(), kNumbers.end(), [&](std::string_view prefix) {
    return condition.property.starts_with(prefix);
  });
  return numeric && all([](const json& value) { return value.is_number(); });
}

json cql2_json(const std::vector<PropertyCondition>& conditions) {
  json parts = json::array();
  for (const auto& condition : conditions) {
    const json property{{"property", condition.property}};
    const json second = condition.comparison == Comparison::one_of ? json(condition.values)
                                                                   : condition.values.front();
    parts.push_back({{"op", operator_of(condition.comparison).cql2},
                     {"args", json::array({property, second})}});
  }
  return parts.size() == 1 ? parts[0] : json{{"op", "and"}, {"args", parts}};
}

std::string cql2_text(const std::vector<PropertyCondition>& conditions) {
  std::string text;
  for (const auto& condition : conditions) {
    if (!text.empty()) text += " AND ";
    text += fmt::format("\"{}\" ", condition.property);
    if (condition.comparison == Comparison::one_of) {
      std::string list;
      for (const json& value : condition.values) list += (list.empty() ? "" : ", ") + quoted(value);
      text += fmt::format("IN ({})", list);
    } else {
      text += fmt::format("{} {}", operator_of(condition.comparison).cql2,
                          quoted(condition.values.front()));
    }
  }
  return text;
}

json query_json(const std::vector<PropertyCondition>& conditions) {
  json query = json::object();
  for (const auto& condition : conditions) {
    const auto& name = operator_of(condition.comparison).name;
    query[condition.property][std::string(name)] = condition.comparison == Comparison::one_of
                                                       ? json(condition.values)
                                                       : condition.values.front();
  }
  return query;
}

}  // namespace geoloom::catalog
