// SPDX-License-Identifier: Apache-2.0
#include "workflow/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "error/spelling.h"

namespace geoloom::workflow {
namespace {

// Makes and binds the op of one call; its declared parameters give the identity.
std::pair<std::shared_ptr<Op>, Json> make_op(const OpCall& call, const Registry& registry) {
  try {
    std::shared_ptr<Op> op = registry.make(call.op);
    Parameters parameters;
    op->declare(parameters);
    parameters.bind(call.arguments, call.op);
    if (auto* task = dynamic_cast<TaskOp*>(op.get()); task && !call.as.empty())
      task->set_result_name(call.as);
    op->check();
    return {op, Json{{"op", call.op},
                     {"version", op->description().version},
                     {"parameters", parameters.identity()}}};
  } catch (Error& error) {
    error.at(call.place);
    throw;
  }
}

Error invalid_at(const Place& place, std::string message) {
  Error error(ErrorCode::invalid, std::move(message));
  error.at(place);
  return error;
}

// Connects one step's ops by `from` and `as`.
class StepBuilder {
 public:
  StepBuilder(const StepDeclaration& declaration, const Registry& registry)
      : declaration_(declaration), registry_(registry) {
    step_.name = declaration.name;
    step_.place = declaration.place;
    step_.domain = domain_of(declaration.over);
  }

  Step build() {
    if (declaration_.ops.empty())
      throw invalid_at(declaration_.place, fmt::format("step '{}' has nothing to do", step_.name))
          .hint("list ops under 'do:'");
    for (const auto& call : declaration_.ops) add(call);
    check_ends();
    return std::move(step_);
  }

 private:
  static Domain domain_of(const Value& over) {
    if (over.is_null()) return {};
    static const std::vector<std::string> known{"tiles", "zones"};
    if (over.kind != Value::Kind::string ||
        std::find(known.begin(), known.end(), over.text) == known.end()) {
      auto error = over.error(over.kind == Value::Kind::string
                                  ? fmt::format("there is no axis '{}'", over.text)
                                  : "this version carries out one axis: tiles or zones");
      throw error.hint(spelling_hint(over.text, known));
    }
    return {{over.text}};
  }

  void add(const OpCall& call) {
    auto [op, identity] = make_op(call, registry_);
    Node node;
    node.op = op;
    node.place = call.place;
    node.result_name = call.as.empty() ? call.op : call.as;
    node.inputs = inputs_of(call, *op);
    check_kind(call, *op);
    Json inputs = Json::array();
    for (const auto& input : node.inputs) inputs.push_back({input.node, input.output});
    identity["inputs"] = std::move(inputs);
    node.identity = std::move(identity);
    note_layers(node);
    if (!call.as.empty()) name_result(call, *op);
    step_.nodes.push_back(std::move(node));
  }

  // Task steps work on whole layers, chains on blocks; one step is one or the other.
  void check_kind(const OpCall& call, const Op& op) const {
    const auto kind = op.description().kind;
    const bool task = kind == OpKind::task;
    if (!step_.nodes.empty() && task != step_.is_task())
      throw invalid_at(call.place,
                       fmt::format("'{}' works on {} and cannot stand in one step with '{}'",
                                   call.op, task ? "whole layers" : "blocks of pixels",
                                   step_.nodes.front().op->description().name))
          .hint("put it into a step of its own");
    if (task && step_.domain.over_tiles())
      throw invalid_at(call.place,
                       fmt::format("'{}' gathers whole layers and cannot run over tiles", call.op))
          .hint("leave out 'over:' in this step, or say `over: zones` in an area of several");
  }

  std::vector<InputRef> inputs_of(const OpCall& call, const Op& op) {
    const auto& description = op.description();
    const bool takes_block = description.kind == OpKind::block || description.kind == OpKind::sink;
    if (!takes_block) {
      if (!call.from.empty())
        throw invalid_at(call.place, fmt::format("'{}' takes no 'from'", call.op));
      return {};
    }
    const size_t ports = std::max<size_t>(1, description.inputs.size());
    std::vector<InputRef> refs;
    if (call.from.empty()) refs.push_back(previous(call));
    for (const auto& from : call.from) refs.push_back(find_result(from, call));
    if (refs.size() != ports)
      throw invalid_at(
          call.place, fmt::format("'{}' takes {} input(s), given {}", call.op, ports, refs.size()));
    return refs;
  }

  InputRef previous(const OpCall& call) const {
    for (size_t i = step_.nodes.size(); i-- > 0;)
      if (step_.nodes[i].kind() == OpKind::source || step_.nodes[i].kind() == OpKind::block)
        return {i, 0};
    throw invalid_at(call.place, fmt::format("'{}' has no pixels to work on", call.op))
        .hint("begin the step with 'load'");
  }

  InputRef find_result(const std::string& from, const OpCall& call) const {
    std::vector<std::string> known;
    for (const auto& [result, ref] : results_) {
      if (result == from) return ref;
      known.push_back(result);
    }
    throw invalid_at(call.place, fmt::format("'from: {}' names no result of this step", from))
        .hint(known.empty() ? "give the op that makes it a name with 'as:'"
                            : spelling_hint(from, known));
  }

  void name_result(const OpCall& call, const Op& op) {
    if (op.description().kind == OpKind::task) return;  // names a layer, see note_layers
    if (op.description().kind == OpKind::sink)
      throw invalid_at(call.place, fmt::format("'{}' gives no result to name with 'as'", call.op));
    const auto& ports = op.description().outputs;
    const size_t node = step_.nodes.size();
    const auto put = [&](const std::string& result, size_t output) {
      if (!results_.emplace(result, InputRef{node, output}).second)
        throw invalid_at(call.place, fmt::format("the name '{}' is used twice in step '{}'",
                                                 call.as, step_.name));
    };
    put(call.as, 0);
    for (size_t i = 0; i < ports.size() && ports.size() > 1; ++i)
      put(call.as + "." + ports[i].name, i);
  }

  void note_layers(const Node& node) {
    if (node.kind() == OpKind::source) {
      if (const auto layer = node.source().layer()) step_.layers_read.push_back(*layer);
    } else if (node.kind() == OpKind::sink) {
      step_.layers_made.push_back(node.sink().layer());
    } else if (node.kind() == OpKind::task) {
      for (const auto& layer : node.task().layers_read()) step_.layers_read.push_back(layer);
      step_.layers_made.push_back(node.task().layer_made());
    }
  }

  void check_ends() const {
    if (step_.is_task()) return;
    std::set<size_t> used;
    bool saved = false;
    for (const auto& node : step_.nodes) {
      for (const auto& input : node.inputs) used.insert(input.node);
      saved = saved || node.kind() == OpKind::sink;
    }
    if (!saved)
      throw invalid_at(step_.place, fmt::format("step '{}' saves nothing", step_.name))
          .hint("end it with 'save: {layer: NAME}'");
    for (size_t i = 0; i < step_.nodes.size(); ++i)
      if (step_.nodes[i].kind() != OpKind::sink && !used.contains(i))
        throw invalid_at(step_.nodes[i].place, fmt::format("nothing uses the result of '{}'",
                                                           step_.nodes[i].op->description().name))
            .hint("save it, or read it with 'from:'");
  }

  const StepDeclaration& declaration_;
  const Registry& registry_;
  Step step_;
  std::map<std::string, InputRef> results_;
};

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

// A chain's item has one file of a layer: that of the same tile, or that of its whole zone.
void check_domains(const Node& node, const Step& step, const Step& producer,
                   const std::string& layer) {
  if (step.domain.over_tiles() || !producer.domain.over_tiles()) return;
  throw invalid_at(node.place,
                   fmt::format("step '{}' works on the whole area at once, and layer '{}' is made "
                               "tile by tile by step '{}'",
                               step.name, layer, producer.name))
      .hint(fmt::format("say `over: tiles` in step '{}', or join the tiles first with mosaic: "
                        "{{layer: {}, as: {}_map}} and load that",
                        step.name, layer, layer));
}

// The step each read layer comes from; layers made earlier in the same step need no edge.
std::vector<std::set<size_t>> edges(const Workflow& workflow) {
  std::vector<std::string> known;
  for (const auto& [layer, step] : workflow.layer_producer) known.push_back(layer);
  std::vector<std::set<size_t>> out(workflow.steps.size());
  for (size_t s = 0; s < workflow.steps.size(); ++s) {
    const auto& step = workflow.steps[s];
    std::set<std::string> made_here;
    for (const auto& node : step.nodes) {
      std::vector<std::string> read;
      if (node.kind() == OpKind::task) read = node.task().layers_read();
      if (node.kind() == OpKind::source && node.source().layer()) read = {*node.source().layer()};
      for (const auto& layer : read) {
        const auto producer = workflow.layer_producer.find(layer);
        if (producer == workflow.layer_producer.end())
          throw invalid_at(node.place, fmt::format("no step makes the layer '{}'", layer))
              .hint(spelling_hint(layer, known));
        if (producer->second != s) {
          if (node.kind() == OpKind::source)
            check_domains(node, step, workflow.steps[producer->second], layer);
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
          fmt::format("step '{}' waits for itself through its layers", workflow.steps[stuck].name));
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

std::string Step::chain_text() const {
  std::string out;
  for (const auto& node : nodes) {
    const auto& description = node.op->description();
    out += fmt::format("{}{}@{}", out.empty() ? "" : " > ", description.name, description.version);
  }
  return out;
}

Json Step::chain_identity() const {
  Json chain = Json::array();
  for (const auto& node : nodes) chain.push_back(node.identity);
  return chain;
}

Workflow compile(const Document& document, const Registry& registry) {
  Workflow workflow;
  workflow.document = document;
  for (const auto& declaration : document.steps)
    workflow.steps.push_back(StepBuilder(declaration, registry).build());
  register_layers(workflow);
  sort_steps(workflow);
  return workflow;
}

}  // namespace geoloom::workflow
