// SPDX-License-Identifier: Apache-2.0
#include "workflow/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>

#include "error/spelling.h"
#include "workflow/source_parameters.h"

namespace geoloom::workflow {
namespace {

using Names = std::vector<std::string>;

const Names kDocumentKeys{"geoloom", "name", "description", "params", "secrets",
                          "store",   "area", "sources",     "steps"};
const Names kReservedDocumentKeys{"components", "finally", "schedule", "outputs"};
const Names kStepKeys{"over", "do", "description"};
const Names kReservedStepKeys{"when", "retry", "timeout"};
const Names kDeclarationKeys{"type", "default", "help", "choices", "range"};
const Names kTypes{"string", "path", "integer", "number", "boolean",
                   "year",   "date", "period",  "list"};
// Names that mean something by themselves in references.
const Names kReservedParameters{"item", "slot"};

constexpr std::string_view kNotCarriedOut = "is not carried out by this version of Geoloom";

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_char(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

void check_name(const Value& where, std::string_view what, std::string_view name) {
  if (!is_proper_name(name))
    throw where.error(fmt::format("'{}' cannot be {}", name, what))
        .hint("names begin with a to z and go on with a to z, 0 to 9, '_' and '-'");
}

// An error about a key that is not there, at the map it is missing from.
Error missing_key(const Value& map, std::string_view owner, std::string_view key,
                  std::string_view hint) {
  Place place = map.place();
  place.key = place.key.empty() ? std::string(key) : fmt::format("{}.{}", place.key, key);
  Error error(ErrorCode::invalid, fmt::format("{} needs '{}'", owner, key));
  return error.at(place).hint(std::string(hint));
}

void check_keys(const Value& map, std::string_view owner, const Names& known,
                const Names& reserved) {
  for (const auto& [key, value] : map.map) {
    if (contains(reserved, key))
      throw value.error(fmt::format("the key '{}' {}", key, kNotCarriedOut));
    if (!contains(known, key))
      throw value.error(fmt::format("unknown key '{}' of {}", key, owner))
          .hint(spelling_hint(key, known));
  }
}

// A text value; a reference counts as one.
const Value& require_text(const Value& value, const std::string& name) {
  if (value.kind != Value::Kind::string) {
    auto error = value.error(fmt::format("{} must be a text, not {}", name, value.described()));
    if (value.is_scalar() && !value.is_null())
      error.hint(fmt::format("quote it: \"{}\"", value.text));
    throw error;
  }
  if (value.text.empty()) throw value.error(fmt::format("{} is empty", name));
  return value;
}

// ---------------------------------------------------------------------------------------------
// Parameters of the document

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

// The value as its declared type; throws where it is none.
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

ParameterDeclaration read_declaration(const std::string& name, const Value& value) {
  ParameterDeclaration declaration;
  declaration.name = name;
  declaration.source = value;
  check_name(value, "the name of a parameter", name);
  if (contains(kReservedParameters, name))
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
  refuse_expressions(*start);
  if (start->kind == Value::Kind::string && start->text.find('$') != std::string::npos)
    throw start->error(
        fmt::format("the default of parameter '{}' refers to something ('{}'); "
                    "defaults are plain values",
                    name, start->text));
  if (!start->is_null()) start = typed(*start, declaration);
  return declaration;
}

// ---------------------------------------------------------------------------------------------
// Steps

// Takes `from` and `as` out of the op's own parameters.
void take_names(OpCall& call) {
  auto& members = call.arguments.map;
  if (const auto* from = call.arguments.find("from")) {
    const bool many = from->kind == Value::Kind::list;
    const std::vector<Value> names = many ? from->list : std::vector<Value>{*from};
    if (names.empty()) throw from->error("'from' is an empty list").hint("leave it out");
    for (const auto& name : names) call.from.push_back(require_text(name, "from").text);
  }
  if (const auto* as = call.arguments.find("as")) {
    call.as = require_text(*as, "as").text;
    check_name(*as, "the name of a result", call.as);
  }
  std::erase_if(members,
                [](const auto& member) { return member.first == "from" || member.first == "as"; });
}

OpCall read_op(const Value& entry) {
  if (entry.kind == Value::Kind::string)
    throw entry
        .error(fmt::format("an entry of 'do' is a map with the op as its key, not {}",
                           entry.described()))
        .hint(fmt::format("write '- {}: {{}}'", entry.text));
  if (entry.kind != Value::Kind::map || entry.map.empty())
    throw_wrong_type(entry, "an entry of 'do'", "a map with the op as its key");
  if (entry.map.size() > 1)
    throw entry.map[1]
        .second
        .error(fmt::format("an entry of 'do' has one key, the op, but here stand '{}' and '{}'",
                           entry.map[0].first, entry.map[1].first))
        .hint("begin every op with '- ' and indent its parameters below it");
  const auto& [name, arguments] = entry.map.front();
  if (name == "use") throw arguments.error(fmt::format("'use' {}", kNotCarriedOut));
  OpCall call;
  call.op = name;
  call.place = arguments.place();
  call.arguments = arguments;
  refuse_expressions(arguments);
  take_names(call);
  return call;
}

StepDeclaration read_step(const std::string& name, const Value& value) {
  check_name(value, "the name of a step", name);
  const std::string owner = fmt::format("step '{}'", name);
  if (value.kind != Value::Kind::map) throw_wrong_type(value, owner, "a map with 'do'");
  check_keys(value, owner, kStepKeys, kReservedStepKeys);
  StepDeclaration step;
  step.name = name;
  step.place = value.place();
  if (const auto* over = value.find("over")) {
    refuse_expressions(*over);
    step.over = *over;
  }
  if (const auto* text = value.find("description")) require_text(*text, "description");
  const Value* const ops = value.find("do");
  if (ops == nullptr) throw missing_key(value, owner, "do", "do: lists the ops of the step");
  if (ops->kind != Value::Kind::list || ops->list.empty())
    throw ops
        ->error(fmt::format("'do' of {} must be a list of ops, not {}", owner,
                            ops->kind == Value::Kind::list ? "an empty list" : ops->described()))
        .hint("begin every op with '- '");
  for (const auto& entry : ops->list) step.ops.push_back(read_op(entry));
  return step;
}

// ---------------------------------------------------------------------------------------------
// The whole

void check_version(const Value& root) {
  const Value* const version = root.find("geoloom");
  if (version == nullptr)
    throw missing_key(root, "a workflow document", "geoloom",
                      fmt::format("begin with 'geoloom: {}'", kDocumentVersion));
  if (version->kind != Value::Kind::integer || version->integer < 1)
    throw version
        ->error(fmt::format("geoloom must be the version of the document format, not {}",
                            version->described()))
        .hint(fmt::format("write 'geoloom: {}'", kDocumentVersion));
  if (version->integer > kDocumentVersion)
    throw version
        ->error(fmt::format("needs a Geoloom that knows document version {}; this one knows {}",
                            version->integer, kDocumentVersion))
        .hint("use a newer Geoloom");
}

const Value& require_map(const Value& value, const std::string& name) {
  if (value.kind != Value::Kind::map) throw_wrong_type(value, name, "a map");
  return value;
}

void read_members(const Value& root, Document& document) {
  const auto need = [&root](std::string_view key, std::string_view hint) -> const Value& {
    const Value* const value = root.find(key);
    if (value == nullptr) throw missing_key(root, "a workflow document", key, hint);
    return *value;
  };
  const Value& name = need("name", "name: what the workflow is called");
  document.name = require_text(name, "name").text;
  check_name(name, "the name of a workflow", document.name);
  if (const auto* text = root.find("description")) require_text(*text, "description");
  if (const auto* params = root.find("params"); params && !params->is_null())
    for (const auto& [key, value] : require_map(*params, "params").map)
      document.params.push_back(read_declaration(key, value));
  document.store = require_text(need("store", "store: the folder for results"), "store");
  refuse_expressions(document.store);
  if (const auto* area = root.find("area"); area && !area->is_null()) {
    document.area = require_map(*area, "area");
    refuse_expressions(*area);
  }
  read_sources(root, document);
  const Value& steps = need("steps", "steps: what is to be done");
  if (steps.kind != Value::Kind::map || steps.map.empty())
    throw steps.error(
        fmt::format("steps must be a map of at least one named step, not {}",
                    steps.kind == Value::Kind::map ? "an empty map" : steps.described()));
  for (const auto& [key, value] : steps.map) document.steps.push_back(read_step(key, value));
}

// ---------------------------------------------------------------------------------------------
// References

class Resolver {
 public:
  explicit Resolver(const Document& document) : document_(document) {
    for (const auto& [name, value] : document.values) parameters_.push_back(name);
    for (const auto& step : document.steps) steps_.push_back(step.name);
  }

  void resolve(Value& value) {
    if (value.kind == Value::Kind::string) {
      if (value.text.find('$') != std::string::npos) resolve_text(value);
      return;  // what came out of a parameter is not looked at again
    }
    for (auto& element : value.list) resolve(element);
    for (auto& member : value.map) resolve(member.second);
  }

 private:
  // "$name" or "$a.b" and nothing else.
  static bool is_whole_reference(std::string_view text) {
    return text.size() > 1 && text[0] == '$' && is_letter(text[1]) &&
           std::all_of(text.begin() + 1, text.end(),
                       [](char c) { return is_name_char(c) || c == '.'; });
  }

  void resolve_text(Value& value) {
    if (!is_whole_reference(value.text)) {
      value.reference = value.text.find("${item.") != std::string::npos;
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

  // A short document must not grow without bound by repeating a large parameter.
  void count(const Value& where, size_t values, size_t bytes) {
    values_ += values;
    bytes_ += bytes;
    if (values_ > kMaxValues || bytes_ > kMaxDocumentBytes)
      throw where.error(fmt::format("references make the document larger than {} values or {} MiB",
                                    kMaxValues, kMaxDocumentBytes >> 20));
  }

  const Value& lookup(const Value& where, std::string_view name) const {
    const std::string first(name.substr(0, name.find('.')));
    const bool dotted = first.size() < name.size();
    const auto found = document_.values.find(first);
    if (!dotted && found != document_.values.end()) return found->second;
    if (found != document_.values.end())
      throw where.error(fmt::format("parameter '{}' has no parts", first))
          .hint(fmt::format("inside a text write ${{{}}}", first));
    if (dotted && (contains(steps_, first) || contains(kReservedParameters, first)))
      throw where.error(fmt::format("the reference '${}' {}", name, kNotCarriedOut));
    throw where.error(fmt::format("unknown reference '${}'", name)).hint(reference_hint(first));
  }

  std::string reference_hint(const std::string& name) const {
    if (parameters_.empty()) return "the document declares no params; $$ stands for a dollar sign";
    return spelling_hint(name, parameters_);
  }

  // The text with every ${name} replaced and $$ made $. A text that waits for its item keeps
  // ${item.x}, and all other dollar signs doubled, since it is looked at again.
  std::string substituted(const Value& value) {
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
        else
          out +=
              value.reference ? with_doubled_dollars(text_of(value, name)) : text_of(value, name);
        at = end + 1;
      } else {
        throw lone_dollar(value, at);
      }
    }
    return out;
  }

  static std::string with_doubled_dollars(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '$' ? "$$" : std::string(1, c);
    return out;
  }

  // A parameter's value inside a text.
  std::string text_of(const Value& where, std::string_view name) {
    const Value& value = lookup(where, name);
    if (!value.is_scalar() || value.is_null())
      throw where.error(fmt::format("parameter '{}' is {} and cannot stand inside a text", name,
                                    value.kind_name()));
    count(where, 0, value.text.size());
    return value.text;
  }

  static Error lone_dollar(const Value& value, size_t at) {
    size_t end = at + 1;
    while (end < value.text.size() && is_name_char(value.text[end])) ++end;
    const auto name = value.text.substr(at + 1, end - at - 1);
    return value.error(fmt::format("a lone '$' in the text '{}'", value.text))
        .hint(name.empty() || !is_letter(name[0])
                  ? "$$ stands for a dollar sign"
                  : fmt::format("inside a text write ${{{}}}; $$ stands for a dollar sign", name));
  }

  const Document& document_;
  Names parameters_, steps_;
  size_t values_ = 0, bytes_ = 0;  // that came out of parameters
};

// Outside of ops there is no item.
void refuse_item_references(const Value& value) {
  if (value.reference)
    throw value.error(
        fmt::format("'{}' refers to the item, which is known to ops only", value.text));
  for (const auto& element : value.list) refuse_item_references(element);
  for (const auto& member : value.map) refuse_item_references(member.second);
}

void set_parameters(Document& document, const std::map<std::string, GivenParameter>& given) {
  Names known;
  for (const auto& declaration : document.params) known.push_back(declaration.name);
  for (const auto& [name, parameter] : given) {
    if (contains(known, name)) continue;
    Error error(ErrorCode::invalid, fmt::format("unknown parameter '{}'", name));
    Place place = parameter.value.place();
    if (place.file.empty()) place.file = parameter.origin;
    throw error.at(place).hint(known.empty() ? "the document declares no params"
                                             : spelling_hint(name, known));
  }
  for (const auto& declaration : document.params) {
    const auto& name = declaration.name;
    if (const auto found = given.find(name); found != given.end()) {
      Value value = found->second.value;
      if (value.file.empty()) value.file = found->second.origin;
      document.values[name] = typed(std::move(value), declaration);
      document.origins[name] = found->second.origin;
    } else if (declaration.default_value) {
      document.values[name] = *declaration.default_value;
      document.origins[name] = "default";
    } else {
      throw declaration.source.error(fmt::format("parameter '{}' has no value", name))
          .hint(fmt::format("give it with -p {}=VALUE", name));
    }
  }
}

}  // namespace

bool is_proper_name(std::string_view name) {
  const auto proper = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' &&
         std::all_of(name.begin(), name.end(), proper);
}

void refuse_expressions(const Value& value) {
  if (value.kind == Value::Kind::string && value.text.starts_with('='))
    throw value.error(
        fmt::format("the expression '{}': expressions are not carried out by this "
                    "version of Geoloom; write the value",
                    value.text));
  for (const auto& element : value.list) refuse_expressions(element);
  for (const auto& member : value.map) refuse_expressions(member.second);
}

Document parse_document(std::string_view text, const std::string& file) {
  Document document;
  document.file = file;
  document.text = text;
  Value root = parse_yaml(text, file);
  root.file = file;
  if (root.is_null())
    throw root.error("the document is empty")
        .hint("begin with 'geoloom: 1'; examples/ holds documents to start from");
  require_map(root, "a workflow document");
  // The version first: what a newer document may say is not known here.
  check_version(root);
  check_keys(root, "a workflow document", kDocumentKeys, kReservedDocumentKeys);
  read_members(root, document);
  return document;
}

Document read_document(const std::string& path) {
  namespace fs = std::filesystem;
  Place place;
  place.file = path;
  std::error_code status;
  if (fs::is_directory(path, status))
    throw Error(ErrorCode::invalid, "a folder, not a workflow document").at(place);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    const int number = errno;
    throw Error(number == EACCES ? ErrorCode::denied : ErrorCode::missing,
                "cannot open the workflow document")
        .cause(std::strerror(number))
        .at(place);
  }
  // One byte more than allowed is enough to see that it is too large.
  std::string text(kMaxDocumentBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad())
    throw Error(ErrorCode::unavailable, "cannot read the workflow document").at(place);
  text.resize(static_cast<size_t>(stream.gcount()));
  return parse_document(text, path);
}

void resolve(Document& document, const std::map<std::string, GivenParameter>& given) {
  set_parameters(document, given);
  Resolver resolver(document);
  resolver.resolve(document.store);
  require_text(document.store, "store");
  refuse_item_references(document.store);
  resolver.resolve(document.area);
  refuse_item_references(document.area);
  resolver.resolve(document.sources);
  refuse_item_references(document.sources);
  for (auto& step : document.steps) {
    resolver.resolve(step.over);
    refuse_item_references(step.over);
    for (auto& call : step.ops) resolver.resolve(call.arguments);
  }
}

}  // namespace geoloom::workflow
