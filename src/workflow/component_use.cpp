// SPDX-License-Identifier: Apache-2.0
// Components where they are used: expand() of component.h.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "error/spelling.h"
#include "workflow/component.h"
#include "workflow/document_reading.h"
#include "workflow/resolver.h"
#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

constexpr size_t kMostParts = 10'000;  // ops and steps that components may make
const Names kUseKeys{"component", "with", "version"};

// `use: NAME` or `use: {component, with, version}`, with references in `with` resolved.
struct Use {
  const Component* component = nullptr;
  std::map<std::string, GivenParameter> with;
};

// What the references of steps within one use mean outside of it.
using Meanings = std::map<std::string, std::string>;  // "composite" -> "north-composite"

class Expander {
 public:
  explicit Expander(const Document& document) : document_(document) {}

  // `inside` are the components that the ops are written in, outermost first.
  std::vector<OpCall> ops(const std::vector<OpCall>& calls, Resolver& resolver,
                          const std::string& scope, const Names& inside) {
    std::vector<OpCall> out;
    for (auto call : calls) {
      call.scope = call.from_scope = scope;
      if (!inside.empty()) note_references(call.arguments, call.outside);
      resolver.resolve(call.arguments, Resolver::Late::left);
      if (call.op != "use") {
        count(call.place);
        out.push_back(std::move(call));
        continue;
      }
      for (auto& part : ops_of(call, inside)) out.push_back(std::move(part));
    }
    return out;
  }

  // Steps of one document or component; `prefix` is of the names that they get, empty or "north-".
  // `outputs` of uses are added to `used`: "north" -> {"map": "$north-map.median"}.
  using UsedOutputs = std::map<std::string, std::map<std::string, std::string>>;
  std::vector<StepDeclaration> steps(const std::vector<StepDeclaration>& declared,
                                     Resolver& resolver, const ParameterScope& parameters,
                                     const std::string& prefix, const std::string& scope,
                                     const Names& inside, UsedOutputs& used) {
    std::vector<StepDeclaration> out;
    Meanings meanings;
    for (const auto& step : declared) meanings[step.name] = prefix + step.name;
    for (auto step : declared) {
      step.name = prefix + step.name;
      step.scope = scope;
      for (auto* const value :
           {&step.retry, &step.timeout, &step.deadline, &step.breaker, &step.max_failed,
            &step.min_ok, &step.waits_for, &step.cache, &step.max_age, &step.at_once})
        resolver.resolve(*value);
      resolver.resolve(step.over, Resolver::Late::left);
      resolver.resolve(step.use, Resolver::Late::left);
      for (const auto* const value :
           {&step.over, &step.retry, &step.timeout, &step.deadline, &step.breaker, &step.max_failed,
            &step.min_ok, &step.waits_for, &step.use})
        refuse_item_references(*value);
      if (step.use.is_null()) {
        count(step.place);
        step.ops = ops(step.ops, resolver, "", inside);
        out.push_back(std::move(step));
      } else {
        for (auto& part : steps_of(step, inside, used)) out.push_back(std::move(part));
      }
    }
    // Outputs of uses are known only now, and conditions may refer to any of them.
    for (auto& step : out) {
      rewrite(step.when, meanings, parameters, used, prefix);
      const auto rewrite_late = [&](Value& value) {
        rewrite_written_at(parameters.depth, value, meanings, parameters, used, prefix);
      };
      rewrite_late(step.over);
      for (auto& call : step.ops) rewrite_late(call.arguments);
    }
    return out;
  }

  // The expression with other names; of parameters of a component their values.
  void rewrite(Value& expression, const Meanings& meanings, const ParameterScope& parameters,
               const UsedOutputs& used, const std::string& prefix) const {
    if (expression.is_null()) return;
    try {
      const auto parsed = expression_in(expression);
      expression.text = "=" + parsed.rewritten([&](const ScalarReference& reference) {
        return meaning_of(reference, meanings, parameters, used, prefix);
      });
    } catch (Error& error) {
      error.at(expression.place());
      throw;
    }
  }

 private:
  std::string meaning_of(const ScalarReference& reference, const Meanings& meanings,
                         const ParameterScope& parameters, const UsedOutputs& used,
                         const std::string& prefix) const {
    const auto rest = reference.part.empty() ? std::string() : "." + reference.part;
    if (const auto use = used.find(prefix + reference.name); use != used.end()) {
      const auto output = use->second.find(reference.part);
      if (output != use->second.end()) return output->second;
      std::vector<std::string> known;
      for (const auto& [name, text] : use->second) known.push_back(name);
      throw Error(ErrorCode::invalid, fmt::format("'${}': what is used as '{}' has no output '{}'",
                                                  reference.text(), reference.name, reference.part))
          .hint(spelling_hint(reference.part, known));
    }
    if (prefix.empty()) return "$" + reference.text();  // the document's own
    if (const auto value = parameters.values.find(reference.name);
        value != parameters.values.end() && reference.part.empty())
      return as_expression(reference, value->second);
    if (const auto step = meanings.find(reference.name); step != meanings.end())
      return "$" + step->second + rest;
    // Already rewritten, as of a component within a component.
    if (reference.name.starts_with(prefix)) return "$" + reference.text();
    std::vector<std::string> known;
    for (const auto& [name, outside] : meanings) known.push_back(name);
    for (const auto& [name, value] : parameters.values) known.push_back(name);
    throw Error(ErrorCode::invalid, fmt::format("unknown reference '${}'", reference.text()))
        .hint(spelling_hint(reference.name, known));
  }

  // Late expressions of this depth; those that a component was given are of its outside.
  void rewrite_written_at(uint8_t depth, Value& value, const Meanings& meanings,
                          const ParameterScope& parameters, const UsedOutputs& used,
                          const std::string& prefix) const {
    if (value.late == depth) {
      rewrite(value, meanings, parameters, used, prefix);
      value.late = 1;  // all names are the document's now
    }
    for (auto& element : value.list)
      rewrite_written_at(depth, element, meanings, parameters, used, prefix);
    for (auto& member : value.map)
      rewrite_written_at(depth, member.second, meanings, parameters, used, prefix);
  }

  // Names that come from outside are not those of the component's own layers.
  static void note_references(const Value& value, std::set<std::string>& paths) {
    if (value.kind == Value::Kind::string && value.text.starts_with('$')) paths.insert(value.path);
    for (const auto& element : value.list) note_references(element, paths);
    for (const auto& member : value.map) note_references(member.second, paths);
  }

  std::vector<OpCall> ops_of(const OpCall& call, const Names& inside) {
    const auto use = use_of(call.arguments, call.place, inside);
    if (use.component->ops.empty())
      throw call.arguments
          .error(fmt::format("component '{}' is made of steps, not of ops", use.component->name))
          .hint(fmt::format("write it in place of a step: NAME: {{use: {}}}", use.component->name));
    ParameterScope parameters = scope_of(use, inside);
    Resolver resolver(parameters);
    const auto scope = fmt::format("{}{}#{}", call.scope.empty() ? "" : call.scope + "/",
                                   use.component->name, ++uses_);
    auto out = ops(use.component->ops, resolver, scope, with(inside, use.component->name));
    if (!call.from.empty() && out.front().from.empty()) {
      out.front().from = call.from;
      out.front().from_scope = call.scope;
    }
    if (!call.as.empty()) {
      out.back().also_as = call.as;
      out.back().also_scope = call.scope;
    }
    return out;
  }

  std::vector<StepDeclaration> steps_of(const StepDeclaration& step, const Names& inside,
                                        UsedOutputs& used) {
    const auto use = use_of(step.use, step.place, inside);
    if (use.component->steps.empty())
      throw step.use
          .error(fmt::format("component '{}' is made of ops, not of steps", use.component->name))
          .hint(fmt::format("write it among the ops of a step: do: [{{use: {}}}]",
                            use.component->name));
    ParameterScope parameters = scope_of(use, inside);
    Resolver resolver(parameters);
    const auto prefix = step.name + "-";
    UsedOutputs within;
    auto layers = step.name;
    std::replace(layers.begin(), layers.end(), '-', '_');
    auto out = steps(use.component->steps, resolver, parameters, prefix, layers,
                     with(inside, use.component->name), within);
    Meanings meanings;
    for (const auto& inner : use.component->steps) meanings[inner.name] = prefix + inner.name;
    auto& outputs = used[step.name];
    for (const auto& output : use.component->outputs) {
      Value text = output.value;
      rewrite(text, meanings, parameters, within, prefix);
      outputs[output.name] = "(" + text.text.substr(1) + ")";
    }
    if (!step.when.is_null())
      for (auto& part : out) part.when = both(step.when, part.when);
    return out;
  }

  // The condition of the use, and that of the step itself. The former is rewritten later, with all
  // conditions of the steps around; the latter's names are those of the outside already.
  static Value both(const Value& outer, const Value& inner) {
    Value value = outer;
    const auto bare = [](const std::string& text) {
      return text.starts_with('=') ? text.substr(1) : text;
    };
    if (!inner.is_null()) value.text = "(" + bare(outer.text) + ") and (" + bare(inner.text) + ")";
    return value;
  }

  Use use_of(const Value& value, const Place& place, const Names& inside) const {
    Use use;
    const bool named = value.kind == Value::Kind::string;
    if (!named) check_keys(require_map(value, "use"), "use", kUseKeys, {});
    const Value* const name = named ? &value : value.find("component");
    if (name == nullptr)
      throw value.error("'use' needs 'component'").hint("use: {component: NAME, with: {...}}");
    use.component = &found(*name);
    if (contains(inside, use.component->name))
      throw name->error(fmt::format("component '{}' uses itself", use.component->name));
    if (named) return use;
    if (const auto* version = value.find("version");
        version && version->integer != use.component->version)
      throw version->error(fmt::format("component '{}' is version {}, not {}", use.component->name,
                                       use.component->version, version->text));
    if (const auto* given = value.find("with"))
      for (const auto& [parameter, argument] : require_map(*given, "with").map)
        use.with[parameter] = {argument, place.text()};
    return use;
  }

  const Component& found(const Value& name) const {
    std::vector<std::string> known;
    for (const auto& [key, component] : document_.components) {
      if (key == require_text(name, "use").text) return component;
      known.push_back(key);
    }
    throw name.error(fmt::format("there is no component '{}'", name.text))
        .hint(known.empty() ? "components are declared under 'components:'"
                            : spelling_hint(name.text, known));
  }

  static ParameterScope scope_of(const Use& use, const Names& inside) {
    ParameterScope scope;
    scope.depth = static_cast<uint8_t>(inside.size() + 2);
    scope.owner = fmt::format("component '{}'", use.component->name);
    scope.declared = &use.component->params;
    for (const auto& step : use.component->steps) scope.steps.push_back(step.name);
    set_parameters(scope, use.with, "give it where the component is used: with: {{{}: ...}}");
    return scope;
  }

  static Names with(Names names, const std::string& name) {
    names.push_back(name);
    return names;
  }

  void count(const Place& place) {
    if (++parts_ <= kMostParts) return;
    Error error(ErrorCode::invalid,
                fmt::format("components make more than {} ops and steps", kMostParts));
    throw error.at(place);
  }

  const Document& document_;
  size_t parts_ = 0, uses_ = 0;
};

}  // namespace

void expand(Document& document, const ParameterScope& scope) {
  Expander expander(document);
  Resolver resolver(scope);
  Expander::UsedOutputs used;
  auto steps = expander.steps(document.steps, resolver, scope, "", "", {}, used);
  for (auto& output : document.outputs) expander.rewrite(output.value, {}, scope, used, "");
  for (auto& set : document.trial_sets)
    if (set.objective) expander.rewrite(*set.objective, {}, scope, used, "");
  document.steps = std::move(steps);
  std::set<std::string> names;
  for (const auto& set : document.trial_sets) names.insert(set.name);
  for (const auto& step : document.steps) {
    if (names.insert(step.name).second) continue;
    Error error(ErrorCode::invalid,
                fmt::format("there is another '{}' among steps and trials", step.name));
    throw error.at(step.place).hint("a step of a component is called NAME-STEP; rename one");
  }
}

}  // namespace geoloom::workflow
