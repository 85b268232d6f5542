// SPDX-License-Identifier: Apache-2.0
// geoloom ops: the reference, made from what ops declare.
#include <fmt/format.h>

#include <cmath>
#include <iostream>

#include "cli/commands.h"
#include "ops/op_table.h"

namespace geoloom::cli {
namespace {

std::string default_text(const workflow::Parameter& parameter) {
  if (parameter.is_required) return "required";
  const auto& value = parameter.default_value;
  const bool no_text = value.is_string() && value.get_ref<const std::string&>().empty();
  if (value.is_null() || no_text || (value.is_array() && value.empty())) return "optional";
  return "default " + value.dump();
}

// ", 1 to 22" or "", with the unit.
std::string range_text(const workflow::Parameter& parameter) {
  const auto unit = parameter.unit_text.empty() ? "" : " " + parameter.unit_text;
  const bool least = std::isfinite(parameter.lowest), most = std::isfinite(parameter.highest);
  if (least && most) return fmt::format(", {} to {}{}", parameter.lowest, parameter.highest, unit);
  if (least) return fmt::format(", at least {}{}", parameter.lowest, unit);
  if (most) return fmt::format(", at most {}{}", parameter.highest, unit);
  return unit.empty() ? "" : "," + unit;
}

// One line per key, those below a key under it with their whole path: `mask.keep`, `rules[].is`.
void print_keys(const workflow::Parameters& parameters, const std::string& path, size_t depth) {
  for (const auto& parameter : parameters.all()) {
    const auto nested = parameter->nested();
    std::cout << fmt::format(
        "{}- `{}{}`{} ({}{}): {}", std::string(2 * depth, ' '), path, parameter->name,
        parameter->is_main ? " (main)" : "",
        nested.parameters && !parameter->is_required ? "optional" : default_text(*parameter),
        range_text(*parameter), parameter->help);
    if (!parameter->allowed.empty()) {
      if (parameter->help.back() != '.') std::cout << ".";
      std::cout << " One of:";
      for (const auto& choice : parameter->allowed) std::cout << " `" << choice << "`";
      std::cout << ".";
    }
    std::cout << "\n";
    if (nested.parameters)
      print_keys(*nested.parameters, path + parameter->name + nested.path + ".", depth + 1);
  }
}

void print_parameters(const workflow::Parameters& parameters) {
  if (parameters.all().empty())
    std::cout << "No parameters.\n";
  else
    print_keys(parameters, "", 0);
}

void print_op(const workflow::Registry& registry, const std::string& name) {
  const auto op = registry.make(name);
  const auto& description = op->description();
  workflow::Parameters parameters;
  op->declare(parameters);
  std::cout << fmt::format("# {}\n\n{}\n\nKind: {}, version {}.\n\n{}\n\n## Parameters\n\n", name,
                           description.summary, workflow::name(description.kind),
                           description.version, description.documentation);
  print_parameters(parameters);
  if (const auto example = ops::example_of(name); !example.empty())
    std::cout << fmt::format(
        "\n## Example\n\nScenes drawn as text, a step, and what comes out; run by the "
        "tests.\n\n```yaml\n{}```\n",
        example);
}

workflow::OrderedJson op_json(const workflow::Registry& registry, const std::string& name) {
  const auto op = registry.make(name);
  workflow::Parameters parameters;
  op->declare(parameters);
  const auto& d = op->description();
  return {{"name", d.name},
          {"kind", workflow::name(d.kind)},
          {"version", d.version},
          {"summary", d.summary},
          {"documentation", d.documentation},
          {"parameters", parameters.schema()},
          {"example", ops::example_of(name)}};
}

}  // namespace

void add_ops(CLI::App& app, Commands& commands) {
  auto* command =
      app.add_subcommand("ops", "Reference of the ops: parameters, rules, a runnable example");
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "One op; all without it");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([name, &commands] {
    const auto& registry = commands.registry;
    const auto names = name->empty() ? registry.names() : std::vector<std::string>{*name};
    if (commands.json) {
      auto list = workflow::OrderedJson::array();
      for (const auto& op : names) list.push_back(op_json(registry, op));
      std::cout << (name->empty() ? list : list.front()).dump(2) << "\n";
    } else if (!name->empty()) {
      print_op(registry, *name);
    } else {
      for (const auto& op : names)
        std::cout << fmt::format("{:<14} {}\n", op, registry.make(op)->description().summary);
    }
  });
}

}  // namespace geoloom::cli
