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
  if (!step.when) return {};
  const auto result =
      step.when->evaluate([this](const auto& reference) { return value_of(reference); });
  if (!result.absent()) {
    if (std::get<bool>(result.value)) return {};
    return {Kind::skip, fmt::format("its condition is false: {}", step.when->text())};
  }
  for (const auto& reference : step.when->references()) {
    const auto* to = workflow::step_of(reference, run_.workflow());
    if (to == nullptr || skipped_[index_of(to)] || complete(index_of(to))) continue;
    return {Kind::undecided, fmt::format("its condition needs '${}', and step '{}' is not complete",
                                         reference.text(), to->name)};
  }
  return {
      Kind::skip,
      fmt::format("its condition has no value, as what it refers to is absent: {} (a ?? b gives "
                  "b for want of a)",
                  step.when->text())};
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
  return layer == nullptr ? Scalar{} : layer_value(s, *layer, rest);
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

Scalar ControlFlow::layer_value(size_t step, const std::string& layer,
                                const std::string& metric) const {
  if (metric.empty()) {
    const auto address = layer_address(run_, step, state_, layer);
    return address ? Scalar{*address} : Scalar{};
  }
  const auto* receipt = state_.receipt(step, 0);  // checked: there is one item
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
