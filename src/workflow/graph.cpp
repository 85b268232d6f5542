// SPDX-License-Identifier: Apache-2.0
#include "workflow/graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

const StepDeclaration& declaration_of(const Workflow& workflow, const Step& step) {
  const auto& steps = workflow.document.steps;
  return *std::find_if(steps.begin(), steps.end(),
                       [&](const auto& declared) { return declared.name == step.name; });
}

// What the document calls the scenes that the step reads.
std::vector<std::string> scenes_of(const Workflow& workflow, const Step& step) {
  std::vector<std::string> scenes;
  const auto add = [&](std::string text) {
    if (std::find(scenes.begin(), scenes.end(), text) == scenes.end())
      scenes.push_back(std::move(text));
  };
  for (const auto& call : declaration_of(workflow, step).ops) {
    for (const auto* const key : {"source", "scenes"}) {
      const auto* const value =
          call.arguments.kind == Value::Kind::map ? call.arguments.find(key) : nullptr;
      if (value == nullptr) continue;
      if (value->kind == Value::Kind::list)
        add(fmt::format("{} places", value->list.size()));
      else if (value->is_scalar() && !value->is_null())
        add(value->text);
    }
  }
  return scenes;
}

// Layers of other steps, and who makes them.
std::vector<std::pair<std::string, std::string>> layers_of_others(const Workflow& workflow,
                                                                  const Step& step) {
  std::vector<std::pair<std::string, std::string>> layers;
  for (const auto& layer : step.layers_read)
    if (const auto& made_by = workflow.steps[workflow.layer_producer.at(layer)].name;
        made_by != step.name)
      layers.emplace_back(layer, made_by);
  return layers;
}

// What the step's condition, ops and axes say of other steps, and who reports it.
std::vector<std::pair<std::string, std::string>> results_of_others(const Workflow& workflow,
                                                                   const Step& step) {
  std::vector<std::pair<std::string, std::string>> results;
  const auto add = [&](const ScalarReference& reference) {
    for (const auto* const behind : steps_behind(reference, workflow)) {
      const std::pair entry("$" + reference.text(), behind->name);
      if (std::find(results.begin(), results.end(), entry) == results.end())
        results.push_back(entry);
    }
  };
  if (step.when)
    for (const auto& reference : step.when->references()) add(reference);
  for (const auto& late : step.late) add(late.reference);
  return results;
}

// Layers that are handed on to another step; the others are results.
std::set<std::string> layers_handed_on(const Workflow& workflow) {
  std::set<std::string> layers;
  for (const auto& step : workflow.steps)
    for (const auto& [layer, made_by] : layers_of_others(workflow, step)) layers.insert(layer);
  return layers;
}

std::string ops_of(const Step& step) {
  std::vector<std::string> names;
  for (const auto& node : step.nodes()) names.push_back(node.op->description().name);
  return fmt::format("{}", fmt::join(names, " > "));
}

std::string domain_of(const Step& step) {
  const auto text = step.domain.text();
  return text == "all" ? "once" : "over " + text;
}

// A text of Graphviz, in quotes.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

}  // namespace

std::string graph_text(const Workflow& workflow) {
  const auto handed_on = layers_handed_on(workflow);
  std::string out;
  for (const auto& step : workflow.steps) {
    out += fmt::format("{}{} ({})\n  {}\n", out.empty() ? "" : "\n", step.name, domain_of(step),
                       ops_of(step));
    for (const auto& scenes : scenes_of(workflow, step))
      out += fmt::format("  reads scenes {}\n", scenes);
    for (const auto& [layer, made_by] : layers_of_others(workflow, step))
      out += fmt::format("  reads {} of {}\n", layer, made_by);
    for (const auto& [result, told_by] : results_of_others(workflow, step))
      out += fmt::format("  needs {} of {}\n", result, told_by);
    for (const auto& layer : step.layers_made)
      out += fmt::format("  makes {}{}\n", layer, handed_on.contains(layer) ? "" : " (a result)");
  }
  return out;
}

std::string graph_dot(const Workflow& workflow) {
  const auto handed_on = layers_handed_on(workflow);
  std::string out = fmt::format(
      "digraph {} {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=11];\n"
      "  edge [fontname=\"sans-serif\", fontsize=10];\n",
      quoted(workflow.document.name));
  std::set<std::string> scenes_drawn;
  for (const auto& step : workflow.steps) {
    const auto node = quoted("step " + step.name);
    out += fmt::format("  {} [shape=box, label={}];\n", node,
                       quoted(fmt::format("{}\n{}\n{}", step.name, domain_of(step), ops_of(step))));
    for (const auto& scenes : scenes_of(workflow, step)) {
      const auto oval = quoted("scenes " + scenes);
      if (scenes_drawn.insert(scenes).second)
        out += fmt::format("  {} [shape=oval, style=dashed, label={}];\n", oval, quoted(scenes));
      out += fmt::format("  {} -> {};\n", oval, node);
    }
    for (const auto& [layer, made_by] : layers_of_others(workflow, step))
      out +=
          fmt::format("  {} -> {} [label={}];\n", quoted("step " + made_by), node, quoted(layer));
    for (const auto& [result, told_by] : results_of_others(workflow, step))
      out += fmt::format("  {} -> {} [style=dotted, label={}];\n", quoted("step " + told_by), node,
                         quoted(result));
    for (const auto& layer : step.layers_made) {
      if (handed_on.contains(layer)) continue;
      const auto oval = quoted("layer " + layer);
      out += fmt::format("  {} [shape=oval, label={}];\n  {} -> {};\n", oval, quoted(layer), node,
                         oval);
    }
  }
  return out + "}\n";
}

}  // namespace geoloom::workflow
