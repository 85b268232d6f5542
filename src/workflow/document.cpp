// SPDX-License-Identifier: Apache-2.0
#include "workflow/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "gdal/allowed_roots.h"
#include "workflow/component.h"
#include "workflow/document_reading.h"
#include "workflow/include.h"
#include "workflow/profile.h"
#include "workflow/source_parameters.h"
#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

const Names kDocumentKeys{"geoloom",    "name",    "description", "params",  "secrets", "store",
                          "area",       "sources", "steps",       "outputs", "finally", "deadline",
                          "components", "include", "profiles",    "trials"};
const Names kReservedDocumentKeys{"schedule"};
const Names kStepKeys{"over",      "do",          "use",     "when",       "retry",
                      "timeout",   "deadline",    "breaker", "max_failed", "min_ok",
                      "waits_for", "description", "cache",   "max_age",    "at_once"};

// An error about a key that is not there, at the map it is missing from.
Error missing_key(const Value& map, std::string_view owner, std::string_view key,
                  std::string_view hint) {
  Place place = map.place();
  place.key = place.key.empty() ? std::string(key) : fmt::format("{}.{}", place.key, key);
  Error error(ErrorCode::invalid, fmt::format("{} needs '{}'", owner, key));
  return error.at(place).hint(std::string(hint));
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
  OpCall call;
  call.op = name;
  call.place = arguments.place();
  call.arguments = arguments;
  check_expressions(arguments);
  take_names(call);
  return call;
}

// A component's steps stand for this one.
void read_use(const Value& value, const Value& use, const std::string& owner,
              StepDeclaration& step) {
  check_keys(value, owner + ", which uses a component", {"use", "when", "description"}, {});
  if (use.kind != Value::Kind::string && use.kind != Value::Kind::map)
    throw_wrong_type(use, "use", "the name of a component or a map");
  check_expressions(use);
  step.use = use;
}

StepDeclaration read_step(const std::string& name, const Value& value) {
  check_name(value, "the name of a step", name);
  const std::string owner = fmt::format("step '{}'", name);
  if (value.kind != Value::Kind::map) throw_wrong_type(value, owner, "a map with 'do'");
  check_keys(value, owner, kStepKeys, {});
  StepDeclaration step;
  step.name = name;
  step.place = value.place();
  if (const auto* over = value.find("over")) {
    check_expressions(*over);
    step.over = *over;
  }
  for (const auto& [key, member] :
       {std::pair("retry", &step.retry), std::pair("timeout", &step.timeout),
        std::pair("deadline", &step.deadline), std::pair("breaker", &step.breaker),
        std::pair("max_failed", &step.max_failed), std::pair("min_ok", &step.min_ok),
        std::pair("at_once", &step.at_once), std::pair("waits_for", &step.waits_for),
        std::pair("cache", &step.cache), std::pair("max_age", &step.max_age)})
    if (const auto* given = value.find(key)) {
      check_expressions(*given);
      *member = *given;
    }
  if (const auto* when = value.find("when")) {
    step.when = *when;
    if (when->kind == Value::Kind::boolean) step.when.kind = Value::Kind::string;
    require_text(step.when, fmt::format("'when' of {}", owner));
    (void)expression_in(step.when);
  }
  if (const auto* text = value.find("description")) require_text(*text, "description");
  const Value* const ops = value.find("do");
  if (const auto* use = value.find("use")) {
    read_use(value, *use, owner, step);
    return step;
  }
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
// What a run gives, and what follows it

std::vector<OutputDeclaration> read_outputs(const Value& outputs) {
  std::vector<OutputDeclaration> out;
  for (const auto& [name, value] : require_map(outputs, "outputs").map) {
    check_name(value, "the name of an output", name);
    require_text(value, fmt::format("output '{}'", name));
    if (!value.text.starts_with('$') && !value.text.starts_with('='))
      throw value.error(fmt::format("output '{}' refers to nothing: '{}'", name, value.text))
          .hint("write $step.layer, $step.layer.metric or an expression that begins with '='");
    (void)expression_in(value);
    out.push_back({name, value});
  }
  return out;
}

// A list of ops, or {timeout, do}.
void read_finally(const Value& value, Document& document) {
  const Value* ops = &value;
  if (value.kind == Value::Kind::map) {
    check_keys(value, "finally", {"timeout", "do"}, {});
    if (const auto* timeout = value.find("timeout")) document.closing_timeout = *timeout;
    ops = value.find("do");
    if (ops == nullptr) throw missing_key(value, "finally", "do", "do: lists the ops");
  }
  if (ops->kind != Value::Kind::list || ops->list.empty())
    throw ops->error(fmt::format("'finally' must be a list of ops, not {}", ops->described()))
        .hint("begin every op with '- '");
  for (const auto& entry : ops->list) document.closing.push_back(read_op(entry));
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

// Of a document, and of what it includes. The version first: what a newer one may say is not known.
void check_root(const Value& root) {
  check_version(root);
  check_keys(root, "a workflow document", kDocumentKeys, kReservedDocumentKeys);
}

void read_components(const Value& root, const ReadFile& read_file, Document& document) {
  const auto* components = root.find("components");
  if (components == nullptr || components->is_null()) return;
  for (const auto& [name, value] : require_map(*components, "components").map)
    document.components[name] =
        read_component(name, value, {read_op, read_step, read_outputs}, read_file);
}

void read_members(const Value& root, const ReadFile& read_file, Document& document) {
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
  check_expressions(document.store);
  if (const auto* area = root.find("area"); area && !area->is_null()) {
    document.area = require_map(*area, "area");
    check_expressions(*area);
  }
  read_sources(root, document);
  if (const auto* trials = root.find("trials"); trials && !trials->is_null()) {
    check_expressions(*trials);
    for (const auto& [key, set] : require_map(*trials, "trials").map) check_trials(key, set);
    document.trials = *trials;
  }
  if (const auto* deadline = root.find("deadline")) {
    check_expressions(*deadline);
    document.deadline = *deadline;
  }
  const Value& steps = need("steps", "steps: what is to be done");
  if (steps.kind != Value::Kind::map || steps.map.empty())
    throw steps.error(
        fmt::format("steps must be a map of at least one named step, not {}",
                    steps.kind == Value::Kind::map ? "an empty map" : steps.described()));
  for (const auto& [key, value] : steps.map) document.steps.push_back(read_step(key, value));
  read_components(root, read_file, document);
  if (const auto* profiles = root.find("profiles"); profiles && !profiles->is_null())
    document.profiles = read_profiles(*profiles);
  if (const auto* outputs = root.find("outputs"); outputs && !outputs->is_null())
    document.outputs = read_outputs(*outputs);
  if (const auto* closing = root.find("finally"); closing && !closing->is_null())
    read_finally(*closing, document);
}

// Texts that documents are made of.
std::string read_text(const std::string& path, const std::string& what) {
  namespace fs = std::filesystem;
  Place place;
  place.file = path;
  std::error_code status;
  if (fs::is_directory(path, status))
    throw Error(ErrorCode::invalid, fmt::format("a folder, not {}", what.substr(4))).at(place);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    const int number = errno;
    throw Error(number == EACCES ? ErrorCode::denied : ErrorCode::missing, "cannot open " + what)
        .cause(std::strerror(number))
        .at(place);
  }
  // One byte more than allowed is enough to see that it is too large.
  std::string text(kMaxDocumentBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) throw Error(ErrorCode::unavailable, "cannot read " + what).at(place);
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

// Other files of a document lie beside it.
std::string beside(const std::string& document, const std::string& name) {
  const std::filesystem::path path(name);
  if (path.is_absolute()) return name;
  return (std::filesystem::path(document).parent_path() / path).string();
}

// Names of further files may come from anybody; that of the document is from who started the
// process.
std::string read_part(const std::string& path) {
  gdal::check_readable(path);
  return read_text(path, "the file");
}

std::string recorded_text(const std::map<std::string, std::string>& files,
                          const std::string& name) {
  const auto found = files.find(name);
  if (found == files.end())
    throw Error(ErrorCode::corrupt, fmt::format("the record lacks the file '{}'", name));
  return found->second;
}

}  // namespace

void check_expressions(const Value& value) {
  if (value.kind == Value::Kind::string && value.text.starts_with('=')) (void)expression_in(value);
  for (const auto& element : value.list) check_expressions(element);
  for (const auto& member : value.map) check_expressions(member.second);
}

Document parse_document(std::string_view text, const std::string& file,
                        const std::map<std::string, std::string>* files) {
  Document document;
  document.file = file;
  document.text = text;
  Value root = parse_yaml(text, file);
  root.file = file;
  if (root.is_null())
    throw root.error("the document is empty")
        .hint("begin with 'geoloom: 1'; examples/ holds documents to start from");
  require_map(root, "a workflow document");
  check_root(root);
  const auto read_file = [&](const std::string& name) {
    auto& part = document.files[name];
    if (files)
      part = recorded_text(*files, name);
    else
      part = name.starts_with(kLibrary) ? library_text(name) : read_part(beside(file, name));
    return part;
  };
  root = with_includes(std::move(root), file, text.size(), read_file, check_root);
  read_members(root, read_file, document);
  return document;
}

Document read_document(const std::string& path) {
  return parse_document(read_text(path, "the workflow document"), path);
}

}  // namespace geoloom::workflow
