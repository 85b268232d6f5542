// SPDX-License-Identifier: Apache-2.0
#include "engine/control_flow.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/manifest.h"
#include "workflow/step_references.h"

namespace geoloom::engine {

using workflow::Scalar;
using workflow::ScalarReference;

ControlFlow::ControlFlow(const workflow::Run& run, const RunState& state)
    : run_(run), state_(state), skipped_(run.steps().size()) {}

StepDecision ControlFlow::decide(size_t step) {
  auto decision = decided(step);
  skipped_[step] = decision.kind == StepDecision::Kind::skip;
  return decision;
}

StepDecision ControlFlow::decided(size_t s) const {
  using Kind = StepDecision::Kind;
  const auto& step = *run_.steps()[s].step;
  for (const auto& layer : step.layers_read) {
    const auto producer = run_.workflow().layer_producer.at(layer);
    if (producer != s && skipped_[producer])
      return {Kind::skip, fmt::format("it reads layer '{}' of step '{}', which is skipped", layer,
                                      run_.steps()[producer].step->name)};
  }
  if (auto decision = by_condition(s); decision.kind != Kind::carry_out) return decision;
  return by_late_values(s);
}

StepDecision ControlFlow::by_condition(size_t s) const {
  using Kind = StepDecision::Kind;
  const auto& step = *run_.steps()[s].step;
  if (!step.when) return {};
  const auto result =
      step.when->evaluate([this](const auto& reference) { return value_of(reference); });
  if (!result.absent()) {
    if (std::get<bool>(result.value)) return {};
    return {Kind::skip, fmt::format("its condition is false: {}", step.when->text())};
  }
  for (const auto& reference : step.when->references())
    if (const auto why = undecided(reference); !why.empty())
      return {Kind::undecided, "its condition needs " + why};
  return {
      Kind::skip,
      fmt::format("its condition has no value, as what it refers to is absent: {} (a ?? b gives "
                  "b for want of a)",
                  step.when->text())};
}

StepDecision ControlFlow::by_late_values(size_t s) const {
  using Kind = StepDecision::Kind;
  const auto& run = run_.steps()[s];
  if (!run.step->absent.empty()) return {Kind::skip, run.step->absent};
  if (run.known) return {};
  for (const auto& late : run.step->late)
    if (const auto why = undecided(late.reference); !why.empty())
      return {Kind::undecided, "it needs " + why};
  for (const auto& layer : run.step->layers_read)
    if (const auto producer = run_.workflow().layer_producer.at(layer);
        producer != s && !run_.steps()[producer].known)
      return {Kind::undecided,
              fmt::format("it reads layer '{}', and step '{}' waits for what others report", layer,
                          run_.steps()[producer].step->name)};
  return {Kind::undecided, "what it needs was not taken over from the steps before"};
}

std::string ControlFlow::undecided(const ScalarReference& reference) const {
  const auto& workflow = run_.workflow();
  if (const auto* const trials = workflow::trials_of(reference, workflow)) {
    if (reference.part == "trials.total" || run_.record().trials.contains(trials->name)) return {};
    return fmt::format("'${}', and the trials are not complete", reference.text());
  }
  const auto* const step = workflow::step_of(reference, workflow);
  if (step == nullptr) return {};
  const auto s = index_of(step);
  if (skipped_[s] || (run_.steps()[s].known && complete(s))) return {};
  return fmt::format("'${}', and step '{}' is not complete", reference.text(), step->name);
}

std::optional<workflow::LateValues> ControlFlow::late_values(size_t step, std::string& why) const {
  workflow::LateValues values;
  for (const auto& late : run_.steps()[step].step->late) {
    why = undecided(late.reference);
    if (!why.empty()) return std::nullopt;
    auto value = value_of(late.reference);
    const auto type = workflow::type_of(late.reference, run_.workflow(), run_.layers());
    values[late.reference.text()] = {type.value_or(workflow::ScalarType::number), std::move(value)};
  }
  return values;
}

std::optional<workflow::TrialOutcome> ControlFlow::trial_outcome(
    const workflow::TrialSet& trials) const {
  const auto objective = workflow::expression_in(*trials.objective);
  std::vector<std::optional<double>> scores;
  for (const auto& trial : trials.axis.values) {
    const auto score =
        objective.evaluate([&](const auto& reference) { return value_of(reference, trial.label); });
    auto& out = scores.emplace_back();
    if (const auto* const number = std::get_if<double>(&score.value))
      out = *number;
    else if (const auto* const whole = std::get_if<int64_t>(&score.value))
      out = static_cast<double>(*whole);
  }
  return workflow::outcome_of(trials, scores);
}

size_t ControlFlow::index_of(const workflow::Step* step) const {
  return static_cast<size_t>(step - run_.workflow().steps.data());
}

bool ControlFlow::complete(size_t step) const {
  for (size_t i = 0; i < run_.steps()[step].items.size(); ++i)
    if (!state_.receipt(step, i)) return false;
  return true;
}

Scalar ControlFlow::value_of(const ScalarReference& reference) const {
  return value_of(reference, {});
}

Scalar ControlFlow::value_of(const ScalarReference& reference, const std::string& trial) const {
  if (const auto* const trials = workflow::trials_of(reference, run_.workflow()))
    return trial_value(*trials, reference.part);
  const auto* step = workflow::step_of(reference, run_.workflow());
  if (step == nullptr) {
    const auto& values = run_.workflow().document.values;
    const auto found = values.find(reference.name);
    return found == values.end() ? Scalar{} : workflow::scalar_of(found->second);
  }
  const auto s = index_of(step);
  const auto [first, rest] = workflow::step_part(reference);
  if (first == "state" && rest.empty())
    return {std::string(skipped_[s] ? "skipped" : complete(s) ? "done" : "incomplete")};
  if (skipped_[s]) return {};
  if (first == "items") return count_of(s, rest);
  const auto* layer = workflow::layer_of(*step, first);
  return layer == nullptr ? Scalar{} : layer_value(s, *layer, rest, trial);
}

Scalar ControlFlow::trial_value(const workflow::TrialSet& trials, const std::string& part) const {
  const auto total = static_cast<int64_t>(trials.axis.values.size());
  if (part == "trials.total") return {total};
  const auto found = run_.record().trials.find(trials.name);
  if (found == run_.record().trials.end()) return {};
  const auto& outcome = found->second;
  const auto failed = static_cast<int64_t>(outcome.failed());
  if (part == "trials.failed") return {failed};
  if (part == "trials.done") return {total - failed};
  if (part == "best.trial") return {outcome.best};
  if (part == "best.score") {
    for (const auto& trial : outcome.trials)
      if (trial.label == outcome.best) return {trial.score.value()};
  }
  for (const auto& value : trials.axis.values)
    if (value.label == outcome.best)
      if (const auto* const parameter =
              value.value.find(std::string_view(part).substr(std::string_view("best.").size())))
        return workflow::scalar_of(*parameter);
  return {};
}

Scalar ControlFlow::count_of(size_t step, const std::string& what) const {
  const auto& items = run_.steps()[step].items;
  if (what == "total") return {static_cast<int64_t>(items.size())};
  int64_t count = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const auto* receipt = state_.receipt(step, i);
    const auto* is = !receipt ? "missing" : receipt->empty ? "empty" : "done";
    if (what == is) ++count;
  }
  return {count};
}

Scalar ControlFlow::layer_value(size_t step, const std::string& layer, const std::string& metric,
                                const std::string& trial) const {
  if (metric.empty()) {
    const auto address = layer_address(run_, step, state_, layer);
    return address ? Scalar{*address} : Scalar{};
  }
  // Checked: there is one item, or one of each trial.
  const auto& items = run_.steps()[step].items;
  size_t item = 0;
  while (!trial.empty() && item < items.size() && items[item].name != trial) ++item;
  const auto* receipt = item < items.size() ? state_.receipt(step, item) : nullptr;
  if (!receipt) return {};
  for (const auto& output : receipt->outputs) {
    if (output.layer != layer || !output.metrics) continue;
    const auto found = output.metrics->scalars.find(metric);
    return found == output.metrics->scalars.end() ? Scalar{} : found->second;
  }
  return {};
}

workflow::OrderedJson ControlFlow::outputs() const {
  workflow::OrderedJson out = workflow::OrderedJson::object();
  for (const auto& output : run_.workflow().outputs)
    out[output.name] = workflow::to_json(
        output.expression.evaluate([this](const auto& reference) { return value_of(reference); }));
  return out;
}

}  // namespace geoloom::engine
