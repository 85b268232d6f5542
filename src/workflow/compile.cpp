// SPDX-License-Identifier: Apache-2.0
#include "workflow/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "error/spelling.h"
#include "workflow/document_reading.h"
#include "workflow/domain_reading.h"
#include "workflow/item_task.h"
#include "workflow/source_parameters.h"
#include "workflow/step_order.h"
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

// Which layers there are does not wait for anything.
void note_late_ports(const Value& arguments, const Parameters& parameters, const std::string& op,
                     std::vector<LatePort>& ports) {
  for (const auto& [key, value] : arguments.map) {
    const auto* const parameter = parameters.find(key);
    if (parameter == nullptr || !value.waits()) continue;
    const auto schema = parameter->schema(*parameter);
    const auto type = schema.find("type");
    if (value.late > 0 && value.late != kLateItem)
      ports.push_back({value, op + "." + key,
                       type != schema.end() && type->is_string() ? type->get<std::string>() : ""});
    if (parameter->what == Meaning::layer)
      throw value
          .error(fmt::format("{}.{} names a layer, which cannot wait for what a step "
                             "reports",
                             op, key))
          .hint("let the ops' other parameters depend on it, or use `when`");
  }
}

struct MadeOp {
  std::shared_ptr<Op> op;
  Json identity, recipe;
};

Json recipe_of(const Op& op, const Parameters& parameters) {
  Json recipe{{"op", op.description().name},
              {"version", op.description().version},
              {"parameters", parameters.recipe()}};
  if (const auto* source = dynamic_cast<const SourceOp*>(&op))
    if (auto facts = source->recipe_facts(); !facts.is_null()) recipe["facts"] = std::move(facts);
  return recipe;
}

// Makes and binds the op of one call; its declared parameters give the identity.
MadeOp make_op(const OpCall& call, const Registry& registry, const Document& document,
               const LayerNames& names, std::vector<LatePort>& ports, bool waits) {
  try {
    std::shared_ptr<Op> op = registry.make(call.op);
    Parameters parameters;
    op->declare(parameters);
    const bool source = op->description().kind == OpKind::source;
    auto arguments = source ? with_sources(call.arguments, document) : call.arguments;
    if (arguments.waits()) note_late_ports(arguments, parameters, call.op, ports);
    if (!names.empty()) rename_layers(arguments, parameters, names, call.outside);
    parameters.bind(arguments, call.op);
    if (auto* task = dynamic_cast<TaskOp*>(op.get())) {
      const auto& result = call.also_as.empty() ? call.as : call.also_as;
      const auto renamed = names.find(result);
      if (!result.empty()) task->set_result_name(renamed == names.end() ? result : renamed->second);
    }
    if (!call.arguments.waits() && !waits) op->check();
    Json identity{{"op", call.op},
                  {"version", op->description().version},
                  {"parameters", parameters.identity()}};
    if (arguments.waits()) identity["late"] = to_json(arguments);
    auto recipe = recipe_of(*op, parameters);
    return {std::move(op), std::move(identity), std::move(recipe)};
  } catch (Error& error) {
    error.at(call.place);
    throw;
  }
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
    step_.late = declaration.late;
    step_.waits = declaration.waits;
    step_.absent = declaration.absent;
  }

  // A step with this one chain.
  Step build(const std::vector<const AxisValue*>& values) {
    std::map<std::string, AxisValue> item;
    for (size_t i = 0; i < values.size(); ++i) {
      add_values(domain_.lists[i].name, *values[i], item);
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
    auto [op, identity, recipe] =
        make_op(call, registry_, document_, names_, step_.late_ports, declaration_.over.waits());
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
    node.recipe = std::move(recipe);
    note_layers(node);
    if (!call.as.empty()) name_result(call, *op, call.scope, call.as);
    if (!call.also_as.empty()) name_result(call, *op, call.also_scope, call.also_as);
    nodes().push_back(std::move(node));
  }

  // A trial stands for the values of its parameters.
  static void add_values(const std::string& axis, const AxisValue& value,
                         std::map<std::string, AxisValue>& item) {
    if (value.value.kind != Value::Kind::map) {
      item[axis] = value;
      return;
    }
    Value label;
    label.kind = Value::Kind::string;
    label.text = value.label;
    label.move_to(value.value.place());
    item[axis] = {value.label, label};
    for (const auto& [name, member] : value.value.map) item[name] = {member.text, member};
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
    const bool or_more = !description.inputs.empty() && description.inputs.back().repeated;
    std::vector<InputRef> refs;
    if (call.from.empty()) refs.push_back(previous(call));
    for (const auto& from : call.from) refs.push_back(find_result(from, call));
    if (or_more ? refs.size() < ports : refs.size() != ports)
      throw invalid_at(call.place, fmt::format("'{}' takes {} input(s){}, given {}", call.op, ports,
                                               or_more ? " or more" : "", refs.size()));
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
    } else if (node.kind() == OpKind::block) {
      for (const auto& layer : node.block().layers_read()) step_.layers_read.push_back(layer);
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
  const auto domain = domain_from(declaration.over, document.trial_sets);
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
    std::vector<LatePort> none;
    auto [op, identity, recipe] = make_op(call, registry, document, {}, none, false);
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

bool Step::needs_grid() const {
  return !is_task() || std::any_of(nodes().begin(), nodes().end(),
                                   [](const Node& node) { return node.task().needs_grid(); });
}

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
  order_steps(workflow);
  read_ending(document, registry, workflow);
  return workflow;
}

}  // namespace geoloom::workflow
