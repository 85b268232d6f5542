// SPDX-License-Identifier: Apache-2.0
#include "workflow/step_references.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/spelling.h"

namespace geoloom::workflow {
namespace {

const std::vector<std::string> kCounts{"total", "done", "empty", "missing"};

Error unknown_part(const ScalarReference& reference, const std::string& what,
                   const std::string& wanted, const std::vector<std::string>& known) {
  return std::move(Error(ErrorCode::invalid,
                         fmt::format("'${}': {} has no '{}'", reference.text(), what, wanted))
                       .hint(spelling_hint(wanted, known)));
}

// What a layer of measurements was declared to report.
ScalarType metric_type(const ScalarReference& reference, const Step& step, const LayerInfo& info,
                       const std::string& metric, const std::string& each_of) {
  const auto& lists = step.domain.lists;
  const bool one_value = step.domain.extent == Domain::Extent::whole &&
                         (lists.empty() || (lists.size() == 1 && lists.front().name == each_of));
  if (!one_value)
    throw Error(ErrorCode::invalid,
                fmt::format("'${}' is as many values as step '{}' has items ({})", reference.text(),
                            step.name, step.domain.text()))
        .hint(each_of.empty() ? "refer to a step without `over`"
                              : fmt::format("refer to a step `over: {{trials: {}}}`", each_of));
  std::vector<std::string> known;
  for (const auto& declared : info.metrics) {
    if (declared.name == metric) return declared.type;
    known.push_back(declared.name);
  }
  throw unknown_part(reference, "layer '" + info.name + "'", metric, known);
}

}  // namespace

ScalarExpression expression_in(const Value& text) {
  try {
    return ScalarExpression(text.text.starts_with('=') ? text.text.substr(1) : text.text);
  } catch (Error& error) {
    error.at(text.place());
    throw;
  }
}

ScalarType parameter_type(const ParameterDeclaration& declaration) {
  if (declaration.type == "integer" || declaration.type == "year") return ScalarType::integer;
  if (declaration.type == "number") return ScalarType::number;
  if (declaration.type == "boolean") return ScalarType::boolean;
  return declaration.type == "list" ? ScalarType::list : ScalarType::text;
}

Scalar scalar_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::boolean:
      return {value.boolean};
    case Value::Kind::integer:
      return {value.integer};
    case Value::Kind::number:
      return {value.number};
    case Value::Kind::string:
      return {value.text};
    case Value::Kind::list: {
      Scalar::List list;
      for (const auto& element : value.list) list.push_back(scalar_of(element));
      return {std::move(list)};
    }
    default:
      return {};
  }
}

Value value_of(const Scalar& scalar, const Value& where) {
  Value value = where;
  value.late = 0;
  value.list.clear();
  value.text = scalar.text();
  if (const auto* truth = std::get_if<bool>(&scalar.value)) {
    value.kind = Value::Kind::boolean;
    value.boolean = *truth;
  } else if (const auto* whole = std::get_if<int64_t>(&scalar.value)) {
    value.kind = Value::Kind::integer;
    value.integer = *whole;
    value.number = static_cast<double>(*whole);
  } else if (const auto* number = std::get_if<double>(&scalar.value)) {
    value.kind = Value::Kind::number;
    value.number = *number;
  } else if (const auto* text = std::get_if<std::string>(&scalar.value)) {
    value.kind = Value::Kind::string;
    value.text = *text;
  } else {
    value.kind = Value::Kind::list;
    value.text.clear();
    for (const auto& member : std::get<Scalar::List>(scalar.value))
      value.list.push_back(value_of(member, where));
  }
  return value;
}

StepPart step_part(const ScalarReference& reference) {
  const auto dot = reference.part.find('.');
  if (dot == std::string::npos) return {reference.part, {}};
  return {reference.part.substr(0, dot), reference.part.substr(dot + 1)};
}

const std::string* layer_of(const Step& step, const std::string& name) {
  for (const auto& layer : step.layers_made)
    if (layer == name || (!step.scope.empty() && layer == step.scope + "_" + name)) return &layer;
  return nullptr;
}

const TrialSet* trials_of(const ScalarReference& reference, const Workflow& workflow) {
  return find_trials(workflow.document.trial_sets, reference.name);
}

const Step* step_of(const ScalarReference& reference, const Workflow& workflow) {
  const auto& params = workflow.document.params;
  std::vector<std::string> known;
  for (const auto& declaration : params) known.push_back(declaration.name);
  if (std::find(known.begin(), known.end(), reference.name) != known.end()) {
    if (!reference.part.empty())
      throw Error(ErrorCode::invalid, fmt::format("parameter '{}' has no parts", reference.name));
    return nullptr;
  }
  if (trials_of(reference, workflow)) return nullptr;
  for (const auto& step : workflow.steps) {
    if (step.name == reference.name) return &step;
    known.push_back(step.name);
  }
  for (const auto& set : workflow.document.trial_sets) known.push_back(set.name);
  throw Error(ErrorCode::invalid, fmt::format("unknown reference '${}'", reference.text()))
      .hint(spelling_hint(reference.name, known));
}

std::vector<const Step*> steps_behind(const ScalarReference& reference, const Workflow& workflow) {
  std::vector<const Step*> steps;
  const auto* const set = trials_of(reference, workflow);
  if (set == nullptr) {
    if (const auto* const step = step_of(reference, workflow)) steps.push_back(step);
    return steps;
  }
  if (!set->objective)
    throw Error(ErrorCode::invalid,
                fmt::format("'${}': trials '{}' have no objective", reference.text(), set->name))
        .hint("give them `maximize:` or `minimize:`");
  const auto objective = expression_in(*set->objective);
  for (const auto& inner : objective.references())
    if (const auto* const step = step_of(inner, workflow)) steps.push_back(step);
  return steps;
}

namespace {

ScalarType type_of_scalar(const Value& value) {
  switch (value.kind) {
    case Value::Kind::boolean:
      return ScalarType::boolean;
    case Value::Kind::integer:
      return ScalarType::integer;
    case Value::Kind::number:
      return ScalarType::number;
    default:
      return ScalarType::text;
  }
}

// Of values of one parameter, which may be written 1 and 0.5.
ScalarType type_of_trials(const TrialSet& set, const std::string& parameter) {
  std::optional<ScalarType> type;
  for (const auto& trial : set.axis.values) {
    const auto found = type_of_scalar(*trial.value.find(parameter));
    const auto is_number = [](ScalarType each) {
      return each == ScalarType::integer || each == ScalarType::number;
    };
    if (!type || (is_number(*type) && found == ScalarType::number))
      type = found;
    else if (*type != found && !(is_number(*type) && is_number(found)))
      return ScalarType::text;
  }
  return *type;
}

ScalarType type_of_trial_part(const ScalarReference& reference, const TrialSet& set) {
  const auto [first, rest] = step_part(reference);
  const auto what = fmt::format("trials '{}'", set.name);
  if (first == "trials") {
    const std::vector<std::string> counts{"total", "done", "failed"};
    if (std::find(counts.begin(), counts.end(), rest) != counts.end()) return ScalarType::integer;
    throw unknown_part(reference, "'trials' of " + what, rest, counts);
  }
  if (first != "best") throw unknown_part(reference, what, first, {"best", "trials"});
  if (rest == "trial") return ScalarType::text;
  if (rest == "score") return ScalarType::number;
  if (std::find(set.parameters.begin(), set.parameters.end(), rest) != set.parameters.end())
    return type_of_trials(set, rest);
  auto known = set.parameters;
  known.insert(known.end(), {"trial", "score"});
  throw unknown_part(reference, "'best' of " + what, rest, known);
}

}  // namespace

std::optional<ScalarType> type_of(const ScalarReference& reference, const Workflow& workflow,
                                  const std::map<std::string, LayerInfo>& layers,
                                  const std::string& each_of) {
  if (const auto* const set = trials_of(reference, workflow))
    return type_of_trial_part(reference, *set);
  const auto* step = step_of(reference, workflow);
  if (step == nullptr) {
    const auto& params = workflow.document.params;
    return parameter_type(*std::find_if(params.begin(), params.end(), [&](const auto& declared) {
      return declared.name == reference.name;
    }));
  }
  const auto [first, rest] = step_part(reference);
  const auto what = fmt::format("step '{}'", step->name);
  if (first == "state" && rest.empty()) return ScalarType::text;
  if (first == "items") {
    if (std::find(kCounts.begin(), kCounts.end(), rest) != kCounts.end())
      return ScalarType::integer;
    throw unknown_part(reference, "'items' of " + what, rest, kCounts);
  }
  const auto* layer = layer_of(*step, first);
  if (layer == nullptr) {
    auto known = step->layers_made;
    known.insert(known.end(), {"state", "items"});
    throw unknown_part(reference, what, first, known);
  }
  if (rest.empty()) return ScalarType::text;
  const auto info = layers.find(*layer);
  if (info == layers.end()) return std::nullopt;
  return metric_type(reference, *step, info->second, rest, each_of);
}

}  // namespace geoloom::workflow
