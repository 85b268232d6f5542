// SPDX-License-Identifier: Apache-2.0
#include "workflow/parameter_declaration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "error/spelling.h"
#include "geo/time.h"
#include "workflow/document.h"
#include "workflow/document_reading.h"

namespace geoloom::workflow {
namespace {

const Names kDeclarationKeys{"type", "default", "help", "choices", "range"};
const Names kTypes{"string", "path", "integer", "number", "boolean",
                   "year",   "date", "period",  "list"};

void check_limits(const Value& value, const ParameterDeclaration& declaration,
                  const std::string& name) {
  Parameter limits;
  limits.range(declaration.lowest, declaration.highest);
  const bool is_number = value.kind == Value::Kind::integer || value.kind == Value::Kind::number;
  if (is_number) check_range(value, limits, name, value.number);
  const auto equal = [&](const Value& choice) {
    return is_number ? choice.number == value.number : choice.text == value.text;
  };
  const auto& choices = declaration.choices;
  if (choices.empty() || std::any_of(choices.begin(), choices.end(), equal)) return;
  for (const auto& choice : choices) limits.allowed.push_back(choice.text);
  check_choice(value, limits, name);
}

void check_date(const Value& value, const std::string& name) {
  const bool is_day = value.text.size() == std::strlen("2018-05-01");
  if (value.kind != Value::Kind::string || !is_day || !geo::parse_time(value.text))
    throw_wrong_type(value, name, "a date such as 2018-05-01");
}

void check_period(const Value& value, const std::string& name) {
  if (value.kind != Value::Kind::string && value.kind != Value::Kind::integer)
    throw_wrong_type(value, name, "a period such as 2018 or 2018-05..2018-08");
  try {
    geo::parse_period(value.text);
  } catch (const Error& e) {
    throw value.error(fmt::format("{}: {}", name, e.message())).hint(e.hint());
  }
}

std::string type_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::boolean:
      return "boolean";
    case Value::Kind::integer:
      return "integer";
    case Value::Kind::number:
      return "number";
    case Value::Kind::list:
      return "list";
    default:
      return "string";
  }
}

// "1..12" or [1, 12]; both ends included.
void read_range(const Value& value, ParameterDeclaration& declaration) {
  if (!contains({"integer", "number", "year"}, declaration.type))
    throw value.error(fmt::format("a parameter of type {} has no range", declaration.type));
  std::vector<Value> ends = value.list;
  if (const size_t dots = value.text.find(".."); dots != std::string::npos)
    ends = {parse_yaml_scalar(value.text.substr(0, dots), value.file),
            parse_yaml_scalar(value.text.substr(dots + 2), value.file)};
  const auto is_number = [](const Value& end) {
    return end.kind == Value::Kind::integer || end.kind == Value::Kind::number;
  };
  if (ends.size() != 2 || !std::all_of(ends.begin(), ends.end(), is_number) ||
      !(ends[0].number <= ends[1].number))
    throw value.error("a range is written as 1..12, lowest first");
  declaration.lowest = ends[0].number;
  declaration.highest = ends[1].number;
}

void read_long_form(const Value& value, ParameterDeclaration& declaration) {
  check_keys(value, fmt::format("parameter '{}'", declaration.name), kDeclarationKeys, {});
  const Value* const default_value = value.find("default");
  if (const auto* type = value.find("type")) {
    declaration.type = require_text(*type, "type").text;
    if (!contains(kTypes, declaration.type))
      throw type
          ->error(fmt::format("unknown type '{}' of parameter '{}'", declaration.type,
                              declaration.name))
          .hint(spelling_hint(declaration.type, kTypes));
  } else {
    declaration.type = default_value ? type_of(*default_value) : "string";
  }
  if (const auto* help = value.find("help")) declaration.help = require_text(*help, "help").text;
  if (const auto* choices = value.find("choices")) {
    if (choices->kind != Value::Kind::list || choices->list.empty())
      throw_wrong_type(*choices, "choices", "a list of values");
    declaration.choices = choices->list;
    for (const auto& choice : declaration.choices)
      if (!choice.is_scalar() || choice.is_null()) throw_wrong_type(choice, "a choice", "a value");
  }
  if (const auto* range = value.find("range")) read_range(*range, declaration);
  if (default_value) declaration.default_value = *default_value;
}

}  // namespace

Value typed(Value value, const ParameterDeclaration& declaration) {
  using Kind = Value::Kind;
  const auto& type = declaration.type;
  const std::string name = fmt::format("parameter '{}'", declaration.name);
  const auto require = [&](std::initializer_list<Kind> kinds, std::string_view wanted) {
    if (std::find(kinds.begin(), kinds.end(), value.kind) == kinds.end())
      throw_wrong_type(value, name, wanted);
  };
  if (type == "string" || type == "path") {
    if (!value.is_scalar()) throw_wrong_type(value, name, "a text");
    value.kind = Kind::string;  // 2018 given for a text is the text 2018
    if (type == "path" && value.text.empty()) throw value.error(name + " is an empty path");
  } else if (type == "integer") {
    require({Kind::integer}, "a whole number");
  } else if (type == "year") {
    require({Kind::integer}, "a year");
    if (value.integer < 1900 || value.integer > 2200)
      throw value.error(
          fmt::format("{} must be a year from 1900 to 2200, not {}", name, value.text));
  } else if (type == "number") {
    require({Kind::integer, Kind::number}, "a number");
    value.kind = Kind::number;
  } else if (type == "boolean") {
    require({Kind::boolean}, "true or false");
  } else if (type == "date") {
    check_date(value, name);
  } else if (type == "period") {
    check_period(value, name);
  } else if (value.kind != Kind::list) {
    if (value.is_null() || value.kind == Kind::map) throw_wrong_type(value, name, "a list");
    Value list = value;
    list.kind = Kind::list;
    list.list = {std::move(value)};
    value = std::move(list);
  }
  if (value.kind != Kind::list) {
    check_limits(value, declaration, name);
  } else {
    for (const auto& element : value.list) check_limits(element, declaration, name);
  }
  return value;
}

ParameterDeclaration read_declaration(const std::string& name, const Value& value) {
  ParameterDeclaration declaration;
  declaration.name = name;
  declaration.source = value;
  check_name(value, "the name of a parameter", name);
  if (contains(reserved_parameters(), name))
    throw value.error(
        fmt::format("'{}' cannot be the name of a parameter; it has a meaning of its "
                    "own in references",
                    name));
  if (value.kind == Value::Kind::map) {
    read_long_form(value, declaration);
  } else {
    if (value.is_null())
      throw value.error(fmt::format("parameter '{}' has neither a default nor a type", name))
          .hint(fmt::format("{}: {{type: string, help: ...}}", name));
    declaration.type = type_of(value);
    declaration.default_value = value;
  }
  auto& start = declaration.default_value;
  if (!start) return declaration;
  if (start->kind == Value::Kind::string && start->text.starts_with('=')) {
    // Evaluated with the values of the parameters before it, see resolve().
    if (value.kind != Value::Kind::map || value.find("type") == nullptr)
      throw start
          ->error(fmt::format("the default of parameter '{}' is an expression, so it needs a type",
                              name))
          .hint(fmt::format("{}: {{type: integer, default: \"{}\"}}", name, start->text));
    check_expressions(*start);
    return declaration;
  }
  if (start->kind == Value::Kind::string && start->text.find('$') != std::string::npos)
    throw start->error(
        fmt::format("the default of parameter '{}' refers to something ('{}'); "
                    "defaults are plain values",
                    name, start->text));
  if (!start->is_null()) start = typed(*start, declaration);
  return declaration;
}

}  // namespace geoloom::workflow
