// SPDX-License-Identifier: Apache-2.0
// What of a run can be wrong though its document compiles: types that are known only when layers
// are. All of it fails before anything is carried out.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "workflow/document_reading.h"
#include "workflow/run.h"
#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

// The type of an expression, or nullopt while it refers to layers that are not known yet.
std::optional<ScalarType> type_of_expression(const ScalarExpression& expression,
                                             const Workflow& workflow,
                                             const std::map<std::string, LayerInfo>& layers,
                                             const Place& place, const std::string& each_of = {}) {
  try {
    std::map<std::string, ScalarType> types;
    for (const auto& reference : expression.references()) {
      const auto type = type_of(reference, workflow, layers, each_of);
      if (!type) return std::nullopt;
      types[reference.text()] = *type;
    }
    return expression.check([&](const auto& reference) { return types.at(reference.text()); });
  } catch (Error& error) {
    error.at(place);
    throw;
  }
}

// What JSON Schema calls it.
bool takes(const std::string& schema_type, ScalarType type) {
  switch (type) {
    case ScalarType::boolean:
      return schema_type == "boolean";
    case ScalarType::integer:
      return schema_type == "integer" || schema_type == "number";
    case ScalarType::number:
      return schema_type == "number";
    case ScalarType::text:
      return schema_type == "string";
    case ScalarType::list:
      return schema_type == "array";
  }
  return false;
}

std::string_view in_words(const std::string& schema_type) {
  if (schema_type == "boolean") return name(ScalarType::boolean);
  if (schema_type == "integer") return name(ScalarType::integer);
  if (schema_type == "number") return name(ScalarType::number);
  if (schema_type == "string") return name(ScalarType::text);
  return schema_type == "array" ? name(ScalarType::list) : "a map";
}

}  // namespace

void Run::check_conditions() const {
  for (const auto& step : workflow_.steps) {
    if (!step.when) continue;
    const auto found = type_of_expression(*step.when, workflow_, layers_, step.when_place);
    if (found.value_or(ScalarType::boolean) != ScalarType::boolean)
      throw invalid_at(step.when_place, fmt::format("the condition of step '{}' is {}, not true "
                                                    "or false",
                                                    step.name, name(*found)))
          .hint("compare it: such as '> 0'");
  }
  for (const auto& output : workflow_.outputs)
    (void)type_of_expression(output.expression, workflow_, layers_, output.place);
}

// The same of what ops, axes and objectives refer to.
void Run::check_late() const {
  for (const auto& declaration : workflow_.document.steps)
    for (const auto* const value : late_expressions(declaration))
      (void)type_of_expression(expression_in(*value), workflow_, layers_, value->place());
  for (const auto& step : workflow_.steps) {
    for (const auto& port : step.late_ports) {
      const auto expression = expression_in(port.value);
      const auto type = type_of_expression(expression, workflow_, layers_, port.value.place());
      if (!type || port.type.empty() || takes(port.type, *type)) continue;
      throw invalid_at(port.value.place(),
                       fmt::format("step '{}': {} takes {}, and '{}' is {}", step.name, port.name,
                                   in_words(port.type), expression.text(), name(*type)))
          .hint(port.type == "integer" && *type == ScalarType::number ? "= round(...) gives one"
                                                                      : "");
    }
  }
  for (const auto& set : workflow_.document.trial_sets) {
    if (!set.objective) continue;
    const auto place = set.objective->place();
    if (steps_behind({set.name, "best.trial"}, workflow_).empty())
      throw invalid_at(place, fmt::format("the objective of trials '{}' refers to no step that "
                                          "reports it",
                                          set.name))
          .hint("such as $quality.measured.mean of a step over these trials");
    const auto type =
        type_of_expression(expression_in(*set.objective), workflow_, layers_, place, set.name);
    if (type && *type != ScalarType::number && *type != ScalarType::integer)
      throw invalid_at(place, fmt::format("the objective of trials '{}' is {}, not a number",
                                          set.name, name(*type)));
  }
}

// Who reads a layer of trials reads the best one's files, whichever that will be.
void Run::check_trials_alike(const StepRun& run) const {
  const auto& step = *run.step;
  const auto& sets = workflow_.document.trial_sets;
  const bool tries = std::any_of(step.domain.lists.begin(), step.domain.lists.end(),
                                 [&](const Axis& axis) { return find_trials(sets, axis.name); });
  if (!tries) return;
  std::optional<ItemPlan> first;
  for (size_t c = 0; c < run.chains.size(); ++c) {
    const auto plan = plan_chain(run, c);
    if (!plan) continue;
    if (!first) first = plan;
    for (size_t n = 0; n < step.nodes().size(); ++n) {
      if (step.nodes()[n].kind() != OpKind::sink) continue;
      const auto& bands = plan->nodes[n].outputs.front().bands;
      const auto& known = first->nodes[n].outputs.front().bands;
      const bool alike = std::equal(bands.begin(), bands.end(), known.begin(), known.end(),
                                    [](const auto& a, const auto& b) {
                                      return a.name == b.name && a.type == b.type &&
                                             a.scale == b.scale && a.offset == b.offset;
                                    });
      if (!alike)
        throw invalid_at(
            step.nodes()[n].place,
            fmt::format("trial '{}' gives layer '{}' other bands or types than '{}'",
                        text_of(run.chains[c].chain->labels), step.nodes()[n].sink().layer(),
                        text_of(run.chains.front().chain->labels)))
            .hint("one type for all: save: {layer: ..., type: float32}");
    }
  }
}

}  // namespace geoloom::workflow
