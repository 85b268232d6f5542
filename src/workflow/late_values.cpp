// SPDX-License-Identifier: Apache-2.0
#include "workflow/late_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "workflow/document.h"
#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

constexpr std::array kLateTypes{
    std::pair("boolean", ScalarType::boolean), std::pair("integer", ScalarType::integer),
    std::pair("number", ScalarType::number), std::pair("text", ScalarType::text),
    std::pair("list", ScalarType::list)};

// Of values and steps, constant or not.
template <class AnyValue, class Visit>
void visit_late_in(AnyValue& value, const Visit& visit) {
  if (value.late > 0) return visit(value);
  for (auto& element : value.list) visit_late_in(element, visit);
  for (auto& member : value.map) visit_late_in(member.second, visit);
}

template <class AnyStep, class Visit>
void visit_late(AnyStep& step, const Visit& visit) {
  visit_late_in(step.over, visit);
  for (auto& call : step.ops) visit_late_in(call.arguments, visit);
}

// False: it has none.
bool put_value(Value& value, const LateValues& values, std::string& absent) {
  const auto expression = expression_in(value);
  const auto known = [&](const ScalarReference& reference) -> const LateValue& {
    return values.at(reference.text());
  };
  try {
    (void)expression.check([&](const auto& reference) { return known(reference).type; });
    const auto result =
        expression.evaluate([&](const auto& reference) { return known(reference).value; });
    if (result.absent()) {
      absent = fmt::format(
          "{} has no value, as what it refers to is absent: {} (a ?? b gives b "
          "for want of a)",
          value.path, expression.text());
      return false;
    }
    value = value_of(result, value);
    return true;
  } catch (Error& error) {
    error.at(value.place());
    throw;
  }
}

}  // namespace

Json to_json(const LateValues& values) {
  Json json = Json::object();
  for (const auto& entry : values) {
    const auto& late = entry.second;  // no structured binding, which clang 14 does not capture
    const auto* const type =
        std::find_if(kLateTypes.begin(), kLateTypes.end(),
                     [&](const auto& pair) { return pair.second == late.type; });
    json[entry.first] = {{"type", type->first}, {"value", to_json(late.value)}};
  }
  return json;
}

LateValues late_values_from_json(const Json& json) {
  LateValues values;
  for (const auto& [reference, entry] : json.items()) {
    const auto name = entry.at("type").get<std::string>();
    const auto* const type =
        std::find_if(kLateTypes.begin(), kLateTypes.end(),
                     [&](const auto& pair) { return std::string_view(pair.first) == name; });
    if (type == kLateTypes.end())
      throw Error(ErrorCode::corrupt, fmt::format("there is no type '{}'", name));
    values[reference] = {type->second, scalar_from_json(entry.at("value"))};
  }
  return values;
}

std::vector<const Value*> late_expressions(const StepDeclaration& step) {
  std::vector<const Value*> out;
  visit_late(step, [&](const Value& value) { out.push_back(&value); });
  return out;
}

std::vector<LateReference> late_references(const StepDeclaration& step) {
  std::vector<LateReference> out;
  for (const auto* const value : late_expressions(step)) {
    const auto expression = expression_in(*value);
    for (const auto& reference : expression.references()) {
      const bool seen = std::any_of(out.begin(), out.end(), [&](const LateReference& other) {
        return other.reference.text() == reference.text();
      });
      if (!seen) out.push_back({reference, value->place()});
    }
  }
  return out;
}

void set_late_values(StepDeclaration& step, const LateValues& values) {
  auto filled = step;
  visit_late(filled, [&](Value& value) { (void)put_value(value, values, filled.absent); });
  if (filled.absent.empty())
    step = std::move(filled);
  else
    step.absent = filled.absent;
}

}  // namespace geoloom::workflow
