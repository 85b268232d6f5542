// SPDX-License-Identifier: Apache-2.0
#include "workflow/step_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "error/spelling.h"
#include "workflow/document_reading.h"
#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

void register_layers(Workflow& workflow) {
  for (size_t s = 0; s < workflow.steps.size(); ++s) {
    for (const auto& layer : workflow.steps[s].layers_made) {
      const auto [place, fresh] = workflow.layer_producer.emplace(layer, s);
      if (!fresh)
        throw invalid_at(workflow.steps[s].place,
                         fmt::format("layer '{}' has two producers: steps '{}' and '{}'", layer,
                                     workflow.steps[place->second].name, workflow.steps[s].name))
            .hint("give one of them another name");
    }
  }
}

// What a layer has a file for, in words: "tile and month".
std::string parts_of(const Domain& domain) {
  std::string out = domain.over_tiles()     ? "tile"
                    : domain.over_zones()   ? "zone"
                    : domain.over_windows() ? "window"
                                            : "";
  for (const auto& list : domain.lists) out += (out.empty() ? "" : " and ") + list.name;
  return out;
}

// The values of an axis that a reader asks for must have been made.
void check_labels(const Node& node, const Axis& made, const std::string& layer,
                  const std::vector<std::string>& asked) {
  for (const auto& label : asked)
    if (!made.holds(label))
      throw invalid_at(node.place,
                       fmt::format("layer '{}' has no {} '{}'", layer, made.name, label))
          .hint(
              fmt::format("it has {} to {}", made.values.front().label, made.values.back().label));
}

void check_axis(const Node& node, const Step& step, const Axis& made, const std::string& layer) {
  const bool source = node.kind() == OpKind::source;
  const LayerSelection selection = source ? node.source().selection() : LayerSelection{};
  if (const auto at = selection.at.find(made.name); at != selection.at.end())
    return check_labels(node, made, layer, {at->second});
  if (selection.along == made.name) return;
  if (const auto* own = step.domain.find(made.name)) {
    std::vector<std::string> labels;
    for (const auto& value : own->values) labels.push_back(value.label);
    return check_labels(node, made, layer, labels);
  }
  throw invalid_at(node.place, fmt::format("layer '{}' has one file per {}, and step '{}' does not "
                                           "say which",
                                           layer, made.name, step.name))
      .hint(source ? fmt::format("say along: {} to have all of them over time, or at: {{{}: {}}}",
                                 made.name, made.name, made.values.front().label)
                   : fmt::format("carry the step out for each: over: {{{}: ...}}", made.name));
}

void check_selection(const Node& node, const Step& producer, const std::string& layer) {
  const auto selection = node.source().selection();
  std::vector<std::string> named;
  for (const auto& [axis, label] : selection.at) named.push_back(axis);
  if (!selection.along.empty()) named.push_back(selection.along);
  const auto parts = parts_of(producer.domain);
  for (const auto& axis : named)
    if (!producer.domain.find(axis))
      throw invalid_at(node.place, fmt::format("layer '{}' has no axis '{}'", layer, axis))
          .hint(parts.empty() ? "it has one file" : "it has one file per " + parts);
}

// Samples of windows are rows like any others.
bool makes_table(const Step& producer, const std::string& layer) {
  return std::any_of(producer.nodes().begin(), producer.nodes().end(), [&](const Node& node) {
    return node.kind() == OpKind::sink && node.sink().layer() == layer &&
           node.sink().layer_kind() == LayerKind::table;
  });
}

// Pixels of windows can be read by steps over the same windows alone.
void check_windows(const Node& node, const Step& step, const Step& producer,
                   const std::string& layer) {
  if (!producer.domain.over_windows() || makes_table(producer, layer)) return;
  if (step.domain.over_windows() && *step.domain.windows == *producer.domain.windows) return;
  throw invalid_at(
      node.place,
      fmt::format("layer '{}' is made of windows of {}, and '{}' in step '{}' needs all "
                  "of the pixels",
                  layer, producer.domain.windows->file, node.op->description().name, step.name))
      .hint("make the layer over tiles, or read it in a step over the same windows");
}

// A chain's item has one file of a layer: that of the same tile or window, or that of its whole
// zone, at the same values of the axes; a window has those of all tiles that it touches.
void check_domains(const Node& node, const Step& step, const Step& producer,
                   const std::string& layer) {
  if (node.kind() == OpKind::source) check_selection(node, producer, layer);
  for (const auto& axis : producer.domain.lists) check_axis(node, step, axis, layer);
  check_windows(node, step, producer, layer);
  if (node.kind() == OpKind::task) return;
  if (step.domain.over_tiles() || step.domain.over_windows() || !producer.domain.over_tiles())
    return;
  throw invalid_at(node.place,
                   fmt::format("step '{}' works on the whole area at once, and layer '{}' is made "
                               "tile by tile by step '{}'",
                               step.name, layer, producer.name))
      .hint(fmt::format("say `over: tiles` in step '{}', or join the tiles first with mosaic: "
                        "{{layer: {}, as: {}_map}} and load that",
                        step.name, layer, layer));
}

// The steps that have to end before the reference has a value.
void add_edges_of(const ScalarReference& reference, const Place& place, const Workflow& workflow,
                  size_t s, std::set<size_t>& out) {
  try {
    for (const auto* to : steps_behind(reference, workflow)) {
      if (to == &workflow.steps[s])
        throw Error(ErrorCode::invalid, fmt::format("'${}' in step '{}' refers to the step itself",
                                                    reference.text(), to->name));
      out.insert(static_cast<size_t>(to - workflow.steps.data()));
    }
  } catch (Error& error) {
    error.at(place);
    throw;
  }
}

// Those that a step's condition, its ops and its axes refer to.
void add_edges_of_references(const Workflow& workflow, size_t s, std::set<size_t>& out) {
  const auto& step = workflow.steps[s];
  if (step.when)
    for (const auto& reference : step.when->references())
      add_edges_of(reference, step.when_place, workflow, s, out);
  for (const auto& late : step.late) add_edges_of(late.reference, late.place, workflow, s, out);
}

// The step each read layer comes from; layers made earlier in the same step need no edge.
std::vector<std::set<size_t>> edges(const Workflow& workflow) {
  std::vector<std::string> known;
  for (const auto& [layer, step] : workflow.layer_producer) known.push_back(layer);
  std::vector<std::set<size_t>> out(workflow.steps.size());
  for (size_t s = 0; s < workflow.steps.size(); ++s) {
    const auto& step = workflow.steps[s];
    add_edges_of_references(workflow, s, out[s]);
    std::set<std::string> made_here;
    for (size_t n = 0; n < step.nodes().size(); ++n) {
      const auto& node = step.nodes()[n];
      std::vector<std::string> read;
      if (node.kind() == OpKind::task) read = node.task().layers_read();
      if (node.kind() == OpKind::source && node.source().layer()) read = {*node.source().layer()};
      if (node.kind() == OpKind::block) read = node.block().layers_read();
      for (const auto& layer : read) {
        const auto producer = workflow.layer_producer.find(layer);
        if (producer == workflow.layer_producer.end())
          throw invalid_at(node.place, fmt::format("no step makes the layer '{}'", layer))
              .hint(spelling_hint(layer, known));
        if (producer->second != s) {
          const auto& made_by = workflow.steps[producer->second];
          // What waits for what steps report is looked at when that is known.
          if (!step.waits && !made_by.waits)
            for (const auto& chain : step.chains)
              check_domains(chain.nodes[n], step, made_by, layer);
          out[s].insert(producer->second);
        } else if (!made_here.contains(layer)) {
          throw invalid_at(
              node.place,
              fmt::format("step '{}' reads the layer '{}' before it makes it", step.name, layer));
        }
      }
      if (node.kind() == OpKind::task) made_here.insert(node.task().layer_made());
    }
  }
  return out;
}

// Producers first; among free steps the document's order.
void sort_steps(Workflow& workflow) {
  const auto before = edges(workflow);
  std::vector<size_t> order;
  std::vector<bool> placed(workflow.steps.size(), false);
  while (order.size() < workflow.steps.size()) {
    const size_t had = order.size();
    for (size_t s = 0; s < workflow.steps.size() && order.size() == had; ++s) {
      const bool ready =
          std::all_of(before[s].begin(), before[s].end(), [&](size_t b) { return placed[b]; });
      if (placed[s] || !ready) continue;
      placed[s] = true;
      order.push_back(s);
    }
    if (order.size() == had) {
      const auto stuck =
          static_cast<size_t>(std::find(placed.begin(), placed.end(), false) - placed.begin());
      throw invalid_at(
          workflow.steps[stuck].place,
          fmt::format("step '{}' waits for itself through its layers or what it refers to",
                      workflow.steps[stuck].name));
    }
  }
  std::vector<size_t> position(order.size());
  for (size_t i = 0; i < order.size(); ++i) position[order[i]] = i;
  std::vector<Step> sorted;
  for (const auto s : order) {
    auto step = std::move(workflow.steps[s]);
    for (const auto b : before[s]) step.after.push_back(position[b]);
    sorted.push_back(std::move(step));
  }
  workflow.steps = std::move(sorted);
  for (auto& [layer, step] : workflow.layer_producer) step = position[step];
}

}  // namespace

void order_steps(Workflow& workflow) {
  register_layers(workflow);
  sort_steps(workflow);
}

}  // namespace geoloom::workflow
