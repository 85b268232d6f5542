// SPDX-License-Identifier: Apache-2.0
#include "workflow/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "error/spelling.h"
#include "workflow/feature_windows.h"
#include "workflow/item_task.h"
#include "workflow/source_parameters.h"
#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

// What layers that a component makes are called outside of it.
using LayerNames = std::map<std::string, std::string>;

void rename_layers(Value& value, const LayerNames& names, const std::set<std::string>& outside) {
  for (auto& element : value.list) rename_layers(element, names, outside);
  if (value.kind != Value::Kind::string || outside.contains(value.path)) return;
  if (const auto found = names.find(value.text); found != names.end()) value.text = found->second;
}

// The parameters that name layers, in the arguments of an op.
void rename_layers(Value& arguments, const Parameters& parameters, const LayerNames& names,
                   const std::set<std::string>& outside) {
  for (const auto& parameter : parameters.all()) {
    if (parameter->what != Meaning::layer) continue;
    if (arguments.kind != Value::Kind::map && parameter->is_main)
      rename_layers(arguments, names, outside);
    for (auto& member : arguments.map)
      if (member.first == parameter->name) rename_layers(member.second, names, outside);
  }
}

// Makes and binds the op of one call; its declared parameters give the identity.
std::pair<std::shared_ptr<Op>, Json> make_op(const OpCall& call, const Registry& registry,
                                             const Document& document, const LayerNames& names) {
  try {
    std::shared_ptr<Op> op = registry.make(call.op);
    Parameters parameters;
    op->declare(parameters);
    const bool source = op->description().kind == OpKind::source;
    auto arguments = source ? with_sources(call.arguments, document) : call.arguments;
    if (!names.empty()) rename_layers(arguments, parameters, names, call.outside);
    parameters.bind(arguments, call.op);
    if (auto* task = dynamic_cast<TaskOp*>(op.get())) {
      const auto& result = call.also_as.empty() ? call.as : call.also_as;
      const auto renamed = names.find(result);
      if (!result.empty()) task->set_result_name(renamed == names.end() ? result : renamed->second);
    }
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

// `over` of a step: an axis of space, axes of lists, or a list of both.
class DomainReader {
 public:
  static Domain read(const Value& over) {
    DomainReader reader;
    if (over.is_null()) return {};
    const auto parts = over.kind == Value::Kind::list ? over.list : std::vector<Value>{over};
    for (const auto& part : parts) reader.add(part);
    return std::move(reader.domain_);
  }

 private:
  void add(const Value& part) {
    if (part.kind == Value::Kind::map) {
      for (const auto& [name, value] : part.map) {
        if (name == "windows_of")
          add_windows(value);
        else
          add_list(name, value);
      }
      return;
    }
    static const std::vector<std::string> known{"tiles", "zones"};
    if (part.kind != Value::Kind::string ||
        std::find(known.begin(), known.end(), part.text) == known.end())
      throw part
          .error(part.kind == Value::Kind::string ? fmt::format("there is no axis '{}'", part.text)
                                                  : "an axis cannot be " + part.described())
          .hint(part.kind == Value::Kind::string ? spelling_hint(part.text, known)
                                                 : "such as over: [tiles, {month: 2018}]");
    set_extent(part, part.text == "tiles" ? Domain::Extent::tiles : Domain::Extent::zones);
  }

  void set_extent(const Value& part, Domain::Extent extent) {
    if (domain_.extent != Domain::Extent::whole)
      throw part.error(
          "tiles, zones and windows_of can stand once, and one of them only, among the axes");
    domain_.extent = extent;
  }

  void add_windows(const Value& value) {
    set_extent(value, Domain::Extent::windows);
    domain_.windows = std::make_shared<const WindowsOf>(windows_of_from(value));
  }

  void add_list(const std::string& name, const Value& value) {
    if (domain_.find(name)) throw value.error(fmt::format("the axis '{}' stands twice", name));
    domain_.lists.push_back(axis_from(name, value));
    combinations_ *= domain_.lists.back().values.size();
    if (combinations_ > kMostChains)
      throw value.error(
          fmt::format("the axes have more than {} combinations of values", kMostChains));
  }

  static constexpr size_t kMostChains = 100000;
  Domain domain_;
  size_t combinations_ = 1;
};

// All combinations of the values of the axes, the last axis fastest.
std::vector<std::vector<const AxisValue*>> combinations(const std::vector<Axis>& axes) {
  std::vector<std::vector<const AxisValue*>> out{{}};
  for (const auto& axis : axes) {
    std::vector<std::vector<const AxisValue*>> longer;
    for (const auto& start : out) {
      for (const auto& value : axis.values) {
        longer.push_back(start);
        longer.back().push_back(&value);
      }
    }
    out = std::move(longer);
  }
  return out;
}

// Connects one step's ops by `from` and `as`, for one combination of values.
class ChainBuilder {
 public:
  ChainBuilder(const StepDeclaration& declaration, const Registry& registry, const Domain& domain,
               const Document& document, const LayerNames& names)
      : declaration_(declaration),
        registry_(registry),
        domain_(domain),
        document_(document),
        names_(names) {
    step_.place = declaration.place;
    step_.name = declaration.name;
    step_.scope = declaration.scope;
    step_.chains.resize(1);
  }

  // A step with this one chain.
  Step build(const std::vector<const AxisValue*>& values) {
    std::map<std::string, AxisValue> item;
    for (size_t i = 0; i < values.size(); ++i) {
      item[domain_.lists[i].name] = *values[i];
      step_.chains[0].labels.emplace_back(domain_.lists[i].name, values[i]->label);
    }
    for (auto call : declaration_.ops) {
      resolve_item(call.arguments, item);
      add(call);
    }
    check_ends();
    return std::move(step_);
  }

 private:
  void add(const OpCall& call) {
    auto [op, identity] = make_op(call, registry_, document_, names_);
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
    if (!call.as.empty()) name_result(call, *op, call.scope, call.as);
    if (!call.also_as.empty()) name_result(call, *op, call.also_scope, call.also_as);
    nodes().push_back(std::move(node));
  }

  // Task steps work on whole layers, chains on blocks; one step is one or the other.
  void check_kind(const OpCall& call, const Op& op) const {
    const auto kind = op.description().kind;
    const bool task = kind == OpKind::task;
    if (kind == OpKind::closing)
      throw invalid_at(
          call.place,
          fmt::format("'{}' tells how a run ended and stands under `finally`", call.op));
    if (!nodes().empty() && task != step_.is_task())
      throw invalid_at(call.place,
                       fmt::format("'{}' works on {} and cannot stand in one step with '{}'",
                                   call.op, task ? "whole layers" : "blocks of pixels",
                                   nodes().front().op->description().name))
          .hint("put it into a step of its own");
    const bool item_by_item = dynamic_cast<const ItemTaskOp*>(&op) != nullptr;
    if (task && !item_by_item && (domain_.over_tiles() || domain_.over_windows()))
      throw invalid_at(call.place, fmt::format("'{}' gathers whole layers and cannot run over {}",
                                               call.op, domain_.over_tiles() ? "tiles" : "windows"))
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
    for (size_t i = nodes().size(); i-- > 0;)
      if (nodes()[i].kind() == OpKind::source || nodes()[i].kind() == OpKind::block) return {i, 0};
    throw invalid_at(call.place, fmt::format("'{}' has no pixels to work on", call.op))
        .hint("begin the step with 'load'");
  }

  InputRef find_result(const std::string& from, const OpCall& call) const {
    std::vector<std::string> known;
    for (const auto& [result, ref] : results_) {
      if (result.first != call.from_scope) continue;
      if (result.second == from) return ref;
      known.push_back(result.second);
    }
    throw invalid_at(call.place, fmt::format("'from: {}' names no result of this step", from))
        .hint(known.empty() ? "give the op that makes it a name with 'as:'"
                            : spelling_hint(from, known));
  }

  void name_result(const OpCall& call, const Op& op, const std::string& scope,
                   const std::string& as) {
    if (op.description().kind == OpKind::task) return;  // names a layer, see note_layers
    if (op.description().kind == OpKind::sink)
      throw invalid_at(call.place, fmt::format("'{}' gives no result to name with 'as'", call.op));
    const auto& ports = op.description().outputs;
    const size_t node = nodes().size();
    const auto put = [&](const std::string& result, size_t output) {
      if (!results_.emplace(std::pair(scope, result), InputRef{node, output}).second)
        throw invalid_at(call.place,
                         fmt::format("the name '{}' is used twice in step '{}'", as, step_.name));
    };
    put(as, 0);
    for (size_t i = 0; i < ports.size() && ports.size() > 1; ++i) put(as + "." + ports[i].name, i);
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
    for (const auto& node : nodes()) {
      for (const auto& input : node.inputs) used.insert(input.node);
      saved = saved || node.kind() == OpKind::sink;
    }
    if (!saved)
      throw invalid_at(step_.place, fmt::format("step '{}' saves nothing", step_.name))
          .hint("end it with 'save: {layer: NAME}'");
    for (size_t i = 0; i < nodes().size(); ++i)
      if (nodes()[i].kind() != OpKind::sink && !used.contains(i))
        throw invalid_at(nodes()[i].place, fmt::format("nothing uses the result of '{}'",
                                                       nodes()[i].op->description().name))
            .hint("save it, or read it with 'from:'");
  }

  std::vector<Node>& nodes() { return step_.chains[0].nodes; }
  const std::vector<Node>& nodes() const { return step_.chains[0].nodes; }

  const StepDeclaration& declaration_;
  const Registry& registry_;
  const Domain& domain_;
  const Document& document_;
  Step step_;
  const LayerNames& names_;
  std::map<std::pair<std::string, std::string>, InputRef> results_;  // by scope and name
};

Step build_step(const StepDeclaration& declaration, const Registry& registry,
                const Document& document, const LayerNames& names) {
  if (declaration.ops.empty())
    throw invalid_at(declaration.place,
                     fmt::format("step '{}' has nothing to do", declaration.name))
        .hint("list ops under 'do:'");
  const auto domain = DomainReader::read(declaration.over);
  std::optional<Step> step;
  for (const auto& values : combinations(domain.lists)) {
    auto next = ChainBuilder(declaration, registry, domain, document, names).build(values);
    if (!step) {
      step = std::move(next);
      continue;
    }
    if (next.layers_made != step->layers_made || next.layers_read != step->layers_read)
      throw invalid_at(declaration.place,
                       fmt::format("the layers of step '{}' depend on the item", declaration.name))
          .hint("name layers without $item; the files of a layer carry the item's values");
    step->chains.push_back(std::move(next.chains.front()));
  }
  step->domain = domain;
  step->policy = step_policy(declaration);
  if (step->policy.min_ok && (!step->is_task() || step->layers_read.empty()))
    throw declaration.min_ok
        .error(fmt::format("min_ok of step '{}', which gathers no layer", declaration.name))
        .hint("it belongs to steps that work on whole layers, with mosaic for example");
  if (!declaration.when.is_null()) {
    step->when = expression_in(declaration.when);
    step->when_place = declaration.when.place();
  }
  return std::move(*step);
}

// By the use of a component: what the layers that its steps make are called outside, so that a
// component can be used twice.
std::map<std::string, LayerNames> layer_names(const Document& document, const Registry& registry) {
  std::map<std::string, LayerNames> names;
  for (const auto& declaration : document.steps) {
    if (declaration.scope.empty()) continue;
    for (const auto& layer : build_step(declaration, registry, document, {}).layers_made)
      names[declaration.scope][layer] = declaration.scope + "_" + layer;
  }
  return names;
}

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

// Windows can be read by steps over the same windows alone.
void check_windows(const Node& node, const Step& step, const Step& producer,
                   const std::string& layer) {
  if (!producer.domain.over_windows()) return;
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
  if (node.kind() != OpKind::source) return;
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

// The steps that a step's condition refers to.
void add_edges_of_condition(const Workflow& workflow, size_t s, std::set<size_t>& out) {
  const auto& step = workflow.steps[s];
  if (!step.when) return;
  for (const auto& reference : step.when->references()) {
    try {
      const auto* to = step_of(reference, workflow);
      if (to == &step)
        throw Error(ErrorCode::invalid,
                    fmt::format("the condition of step '{}' refers to the step itself", step.name));
      if (to != nullptr) out.insert(static_cast<size_t>(to - workflow.steps.data()));
    } catch (Error& error) {
      error.at(step.when_place);
      throw;
    }
  }
}

// The step each read layer comes from; layers made earlier in the same step need no edge.
std::vector<std::set<size_t>> edges(const Workflow& workflow) {
  std::vector<std::string> known;
  for (const auto& [layer, step] : workflow.layer_producer) known.push_back(layer);
  std::vector<std::set<size_t>> out(workflow.steps.size());
  for (size_t s = 0; s < workflow.steps.size(); ++s) {
    const auto& step = workflow.steps[s];
    add_edges_of_condition(workflow, s, out[s]);
    std::set<std::string> made_here;
    for (size_t n = 0; n < step.nodes().size(); ++n) {
      const auto& node = step.nodes()[n];
      std::vector<std::string> read;
      if (node.kind() == OpKind::task) read = node.task().layers_read();
      if (node.kind() == OpKind::source && node.source().layer()) read = {*node.source().layer()};
      for (const auto& layer : read) {
        const auto producer = workflow.layer_producer.find(layer);
        if (producer == workflow.layer_producer.end())
          throw invalid_at(node.place, fmt::format("no step makes the layer '{}'", layer))
              .hint(spelling_hint(layer, known));
        if (producer->second != s) {
          for (const auto& chain : step.chains)
            check_domains(chain.nodes[n], step, workflow.steps[producer->second], layer);
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
      throw invalid_at(workflow.steps[stuck].place,
                       fmt::format("step '{}' waits for itself through its layers or its condition",
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

// What `outputs` and `finally` say.
void read_ending(const Document& document, const Registry& registry, Workflow& workflow) {
  for (const auto& [name, value] : document.outputs) {
    workflow.outputs.push_back({name, expression_in(value), value.place()});
    for (const auto& reference : workflow.outputs.back().expression.references()) {
      try {
        (void)step_of(reference, workflow);
      } catch (Error& error) {
        error.at(value.place());
        throw;
      }
    }
  }
  for (const auto& call : document.closing) {
    check_secrets(call.arguments, document.secrets);
    auto [op, identity] = make_op(call, registry, document, {});
    auto closing = std::dynamic_pointer_cast<const ClosingOp>(op);
    if (!closing)
      throw invalid_at(call.place, fmt::format("'{}' makes results, which `finally` cannot: it "
                                               "follows a run that has ended",
                                               call.op))
          .hint("give it a step of its own");
    if (!call.from.empty() || !call.as.empty())
      throw invalid_at(call.place, fmt::format("'{}' takes no 'from' and no 'as'", call.op));
    workflow.closing.push_back({call.op, std::move(closing), call.place});
  }
  if (const auto timeout = duration_in(document.closing_timeout, "finally.timeout"))
    workflow.closing_timeout = *timeout;
}

}  // namespace

std::string Step::chain_text() const {
  std::string out;
  for (const auto& node : nodes()) {
    const auto& description = node.op->description();
    out += fmt::format("{}{}@{}", out.empty() ? "" : " > ", description.name, description.version);
  }
  return out;
}

Json Chain::identity() const {
  Json chain = Json::array();
  for (const auto& node : nodes) chain.push_back(node.identity);
  return chain;
}

Workflow compile(const Document& document, const Registry& registry) {
  Workflow workflow;
  workflow.document = document;
  check_sources(document);
  (void)duration_in(document.deadline, "deadline");
  const auto names = layer_names(document, registry);
  for (const auto& declaration : document.steps) {
    const auto own = names.find(declaration.scope);
    workflow.steps.push_back(build_step(declaration, registry, document,
                                        own == names.end() ? LayerNames() : own->second));
  }
  register_layers(workflow);
  sort_steps(workflow);
  read_ending(document, registry, workflow);
  return workflow;
}

}  // namespace geoloom::workflow
