// SPDX-License-Identifier: Apache-2.0
#include "workflow/resolver.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/spelling.h"
#include "workflow/document_reading.h"
#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_char(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

// The value of an expression over the parameters that have values by now.
Value evaluated(const Value& value, const ParameterScope& scope) {
  const auto expression = expression_in(value);
  const auto declared = [&](const ScalarReference& reference) -> const ParameterDeclaration& {
    Names known;
    for (const auto& declaration : *scope.declared) {
      if (declaration.name == reference.name && scope.values.contains(reference.name) &&
          reference.part.empty()) {
        if (scope.values.at(reference.name).reference)
          throw Error(ErrorCode::invalid, fmt::format("'${}' refers to the item, which expressions "
                                                      "do not see",
                                                      reference.name));
        return declaration;
      }
      if (scope.values.contains(declaration.name)) known.push_back(declaration.name);
    }
    if (contains(scope.steps, reference.name))
      throw Error(ErrorCode::invalid,
                  fmt::format("'${}' is known only when the step has ended", reference.text()))
          .hint("it can stand in `when`, `outputs`, `over` and parameters of ops");
    if (contains(reserved_parameters(), reference.name))
      throw Error(ErrorCode::invalid,
                  fmt::format("'${}' {} in expressions", reference.text(), kNotCarriedOut));
    throw Error(ErrorCode::invalid, fmt::format("unknown reference '${}'", reference.text()))
        .hint(known.empty() ? "no parameter has a value here; defaults see those declared before"
                            : spelling_hint(reference.name, known));
  };
  try {
    (void)expression.check([&](const auto& ref) { return parameter_type(declared(ref)); });
    const auto result =
        expression.evaluate([&](const auto& ref) { return scalar_of(scope.values.at(ref.name)); });
    if (result.absent())
      throw Error(ErrorCode::invalid, fmt::format("the expression '{}' has no value", value.text))
          .hint("give what it refers to, or a value for want of it: a ?? b");
    return value_of(result, value);
  } catch (Error& error) {
    error.at(value.place());
    throw;
  }
}

// "$name" or "$a.b" and nothing else.
bool is_whole_reference(std::string_view text) {
  return text.size() > 1 && text[0] == '$' && is_letter(text[1]) &&
         std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return is_name_char(c) || c == '.'; });
}

std::string with_doubled_dollars(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '$' ? "$$" : std::string(1, c);
  return out;
}

Error lone_dollar(const Value& value, size_t at) {
  size_t end = at + 1;
  while (end < value.text.size() && is_name_char(value.text[end])) ++end;
  const auto name = value.text.substr(at + 1, end - at - 1);
  return value.error(fmt::format("a lone '$' in the text '{}'", value.text))
      .hint(name.empty() || !is_letter(name[0])
                ? "$$ stands for a dollar sign"
                : fmt::format("inside a text write ${{{}}}; $$ stands for a dollar sign", name));
}

}  // namespace

Resolver::Resolver(const ParameterScope& scope) : scope_(scope) {
  for (const auto& [name, value] : scope.values) parameters_.push_back(name);
}

void Resolver::resolve(Value& value, Late late) {
  if (value.late > 0) return;
  if (value.kind == Value::Kind::string) {
    if (late == Late::left && is_late(value)) return leave_late(value);
    if (value.text.starts_with('=')) {
      value = evaluated(value, scope_);
      return;
    }
    if (value.text.find('$') != std::string::npos) resolve_text(value);
    return;  // what came out of a parameter is not looked at again
  }
  for (auto& element : value.list) resolve(element, late);
  for (auto& member : value.map) resolve(member.second, late);
}

// An expression, or a reference alone, that needs what a step reports.
bool Resolver::is_late(const Value& value) const {
  if (!value.text.starts_with('=') && !is_whole_reference(value.text)) return false;
  if (value.text.starts_with("$item.")) return false;
  const auto references = expression_in(value).references();
  return std::any_of(references.begin(), references.end(), [&](const ScalarReference& reference) {
    const auto parameter = scope_.values.find(reference.name);
    if (parameter != scope_.values.end()) return parameter->second.late > 0;
    return !reference.part.empty() && contains(scope_.steps, reference.name);
  });
}

// Parameters get their values; what is left refers to steps alone.
void Resolver::leave_late(Value& value) const {
  uint8_t depth = 0;
  const auto needs = [&](uint8_t of) {
    if (depth != 0 && depth != of)
      throw value
          .error(
              "an expression cannot need both what a component's own steps report and "
              "what others do")
          .hint("give the component the result: with: {limit: \"= ...\"}");
    depth = of;
  };
  const auto text_for = [&](const ScalarReference& reference) {
    const auto parameter = scope_.values.find(reference.name);
    if (parameter == scope_.values.end()) {
      if (!contains(scope_.steps, reference.name))
        throw value.error(fmt::format("unknown reference '${}'", reference.text()))
            .hint(reference_hint(reference.name));
      needs(scope_.depth);
      return "$" + reference.text();
    }
    if (parameter->second.late > 0) needs(parameter->second.late);
    return as_expression(reference, parameter->second);
  };
  try {
    value.text = "=" + expression_in(value).rewritten(text_for);
  } catch (Error& error) {
    error.at(value.place());
    throw;
  }
  value.late = depth;
}

void Resolver::resolve_text(Value& value) {
  if (!is_whole_reference(value.text)) {
    value.reference = waits_for_item(value.text);
    value.text = substituted(value);
    return;
  }
  if (value.text.starts_with("$item.")) {
    value.reference = true;
    return;
  }
  const Place place = value.place();
  const Value& found = lookup(value, std::string_view(value.text).substr(1));
  count(value, found.count(), found.bytes());
  value = Value(found);
  value.move_to(place);
}

// A parameter of a component may hold a reference to the item.
bool Resolver::waits_for_item(const std::string& text) const {
  if (text.find("${item.") != std::string::npos) return true;
  for (size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 2)) {
    const auto found = scope_.values.find(text.substr(at + 2, text.find('}', at) - at - 2));
    if (found != scope_.values.end() && found->second.reference) return true;
  }
  return false;
}

// A short document must not grow without bound by repeating a large parameter.
void Resolver::count(const Value& where, size_t values, size_t bytes) {
  values_ += values;
  bytes_ += bytes;
  if (values_ > kMaxValues || bytes_ > kMaxDocumentBytes)
    throw where.error(fmt::format("references make the document larger than {} values or {} MiB",
                                  kMaxValues, kMaxDocumentBytes >> 20));
}

const Value& Resolver::lookup(const Value& where, std::string_view name) const {
  const std::string first(name.substr(0, name.find('.')));
  const bool dotted = first.size() < name.size();
  const auto found = scope_.values.find(first);
  if (!dotted && found != scope_.values.end()) return found->second;
  if (found != scope_.values.end())
    throw where.error(fmt::format("parameter '{}' has no parts", first))
        .hint(fmt::format("inside a text write ${{{}}}", first));
  if (dotted && contains(scope_.steps, first))
    throw where
        .error(fmt::format("the reference '${}' to what a step reports cannot stand here", name))
        .hint("it can be the whole value of `when`, `outputs`, `over` and parameters of ops");
  if (dotted && contains(reserved_parameters(), first))
    throw where.error(fmt::format("the reference '${}' {}", name, kNotCarriedOut));
  throw where.error(fmt::format("unknown reference '${}'", name)).hint(reference_hint(first));
}

std::string Resolver::reference_hint(const std::string& name) const {
  if (parameters_.empty())
    return fmt::format("{} declares no params; $$ stands for a dollar sign", scope_.owner);
  return spelling_hint(name, parameters_);
}

// The text with every ${name} replaced and $$ made $. A text that waits for its item keeps
// ${item.x}, and all other dollar signs doubled, since it is looked at again.
std::string Resolver::substituted(const Value& value) {
  const std::string& text = value.text;
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '$') {
      out += text[at++];
    } else if (text.compare(at, 2, "$$") == 0) {
      out += value.reference ? "$$" : "$";
      at += 2;
    } else if (text.compare(at, 2, "${") == 0) {
      const size_t end = text.find('}', at);
      if (end == std::string::npos)
        throw value.error(fmt::format("'}}' is missing after '{}'", text.substr(at)));
      const auto name = std::string_view(text).substr(at + 2, end - at - 2);
      if (name.starts_with("item."))
        out += text.substr(at, end + 1 - at);
      else if (lookup(value, name).reference)
        out += "${" + lookup(value, name).text.substr(1) + "}";
      else
        out += value.reference ? with_doubled_dollars(text_of(value, name)) : text_of(value, name);
      at = end + 1;
    } else {
      throw lone_dollar(value, at);
    }
  }
  return out;
}

// A parameter's value inside a text.
std::string Resolver::text_of(const Value& where, std::string_view name) {
  const Value& value = lookup(where, name);
  if (!value.is_scalar() || value.is_null())
    throw where.error(fmt::format("parameter '{}' is {} and cannot stand inside a text", name,
                                  value.kind_name()));
  count(where, 0, value.text.size());
  return value.text;
}

std::string as_expression(const ScalarReference& reference, const Value& value) {
  if (value.late > 0) return "(" + value.text.substr(1) + ")";
  if (value.reference)
    throw Error(ErrorCode::invalid, fmt::format("'${}' refers to the item, which expressions do "
                                                "not see",
                                                reference.name));
  const auto scalar = scalar_of(value);
  if (scalar.absent())
    throw Error(ErrorCode::invalid,
                fmt::format("'${}' has no value, which an expression needs", reference.text()));
  const auto* text = std::get_if<std::string>(&scalar.value);
  if (text == nullptr || text->find('\'') == std::string::npos) return "(" + scalar.text() + ")";
  if (text->find('"') == std::string::npos) return "(\"" + *text + "\")";
  throw Error(ErrorCode::invalid,
              fmt::format("'${}' holds both kinds of quotes, which cannot stand in an expression",
                          reference.text()));
}

// Outside of ops there is no item.
void refuse_item_references(const Value& value) {
  if (value.reference)
    throw value.error(
        fmt::format("'{}' refers to the item, which is known to ops only", value.text));
  for (const auto& element : value.list) refuse_item_references(element);
  for (const auto& member : value.map) refuse_item_references(member.second);
}

void set_parameters(ParameterScope& scope, const std::map<std::string, GivenParameter>& given,
                    const std::string& how) {
  Names known;
  for (const auto& declaration : *scope.declared) known.push_back(declaration.name);
  for (const auto& [name, parameter] : given) {
    if (contains(known, name)) continue;
    Error error(ErrorCode::invalid, fmt::format("unknown parameter '{}'", name));
    Place place = parameter.value.place();
    if (place.file.empty()) place.file = parameter.origin;
    throw error.at(place).hint(known.empty() ? fmt::format("{} declares no params", scope.owner)
                                             : spelling_hint(name, known));
  }
  for (const auto& declaration : *scope.declared) {
    const auto& name = declaration.name;
    if (const auto found = given.find(name); found != given.end()) {
      Value value = found->second.value;
      if (value.file.empty()) value.file = found->second.origin;
      // What refers to the item, or to what a step reports, has its value, and so its type, when
      // that is known.
      scope.values[name] = value.reference || value.late > 0 ? value : typed(value, declaration);
      scope.origins[name] = found->second.origin;
    } else if (declaration.default_value) {
      const auto& start = *declaration.default_value;
      const bool expression = start.kind == Value::Kind::string && start.text.starts_with('=');
      scope.values[name] = expression ? typed(evaluated(start, scope), declaration) : start;
      scope.origins[name] = "default";
    } else {
      throw declaration.source.error(fmt::format("parameter '{}' has no value", name))
          .hint(fmt::format(fmt::runtime(how), name));
    }
  }
}

}  // namespace geoloom::workflow
