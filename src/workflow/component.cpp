// SPDX-License-Identifier: Apache-2.0
// Reading components; component_use.cpp puts them where they are used.
#include "workflow/component.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/spelling.h"
#include "workflow/document_reading.h"

namespace geoloom::workflow {
namespace {

const Names kComponentKeys{
    "geoloom_component", "name", "version", "description", "params", "do", "steps", "outputs"};
constexpr int kComponentVersion = 1;  // of the format of files

int64_t version_of(const Value& value) {
  if (value.kind != Value::Kind::integer || value.integer < 1)
    throw_wrong_type(value, "version", "a whole number from 1");
  return value.integer;
}

void read_ops(const Value& ops, const PartReaders& readers, Component& component) {
  if (ops.kind != Value::Kind::list || ops.list.empty())
    throw_wrong_type(ops, fmt::format("component '{}'", component.name), "a list of ops");
  for (const auto& entry : ops.list) component.ops.push_back(readers.op(entry));
}

void read_map(const Value& value, const PartReaders& readers, Component& component) {
  check_keys(value, fmt::format("component '{}'", component.name), kComponentKeys, {});
  if (const auto* version = value.find("version")) component.version = version_of(*version);
  if (const auto* params = value.find("params"); params && !params->is_null())
    for (const auto& [name, declared] : require_map(*params, "params").map)
      component.params.push_back(read_declaration(name, declared));
  const auto* ops = value.find("do");
  const auto* steps = value.find("steps");
  if ((ops == nullptr) == (steps == nullptr))
    throw value.error(fmt::format("component '{}' needs either 'do' or 'steps'", component.name));
  const auto* outputs = value.find("outputs");
  if (ops != nullptr) {
    if (outputs != nullptr)
      throw outputs->error(
          fmt::format("component '{}' is a list of ops, which gives pixels to the "
                      "step it stands in and has no outputs",
                      component.name));
    return read_ops(*ops, readers, component);
  }
  for (const auto& [name, step] : require_map(*steps, "steps").map)
    component.steps.push_back(readers.step(name, step));
  if (component.steps.empty()) throw steps->error("steps is an empty map");
  if (outputs != nullptr) component.outputs = readers.outputs(*outputs);
}

void check_file(const Value& root, const std::string& file) {
  const auto* format = root.find("geoloom_component");
  if (format == nullptr || format->kind != Value::Kind::integer || format->integer < 1)
    throw root.error(fmt::format("{} is no component", file))
        .hint(fmt::format("begin with 'geoloom_component: {}'", kComponentVersion));
  if (format->integer > kComponentVersion)
    throw format
        ->error(fmt::format("needs a Geoloom that knows version {} of components; this one knows "
                            "{}",
                            format->integer, kComponentVersion))
        .hint("use a newer Geoloom");
}

}  // namespace

std::string library_text(const std::string& address) {
  const auto name = address.substr(kLibrary.size());
  std::vector<std::string> known;
  for (const auto& [entry, text] : component_library()) {
    if (entry == name) return std::string(text);
    known.emplace_back(entry);
  }
  throw Error(ErrorCode::invalid, fmt::format("the library has no component '{}'", name))
      .hint(spelling_hint(name, known));
}

Component read_component(const std::string& name, const Value& value, const PartReaders& readers,
                         const ReadFile& read_file) {
  check_name(value, "the name of a component", name);
  Component component;
  component.name = name;
  component.place = value.place();
  if (value.kind == Value::Kind::list) {
    read_ops(value, readers, component);
  } else if (value.kind == Value::Kind::string) {
    component.file = require_text(value, fmt::format("component '{}'", name)).text;
    std::string text;
    try {
      text = read_file(component.file);
    } catch (const Error& error) {
      // What a document names and is not there is a mistake in the document.
      throw value
          .error(fmt::format("component '{}': {}: {}", name, component.file, error.message()))
          .hint(error.hint())
          .cause(error.cause());
    }
    Value root = parse_yaml(text, component.file);
    root.file = component.file;
    require_map(root, component.file);
    check_file(root, component.file);
    read_map(root, readers, component);
  } else {
    read_map(require_map(value, fmt::format("component '{}'", name)), readers, component);
  }
  return component;
}

}  // namespace geoloom::workflow
