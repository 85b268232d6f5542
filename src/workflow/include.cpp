// SPDX-License-Identifier: Apache-2.0
#include "workflow/include.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "workflow/document_reading.h"

namespace geoloom::workflow {
namespace {

namespace fs = std::filesystem;

Value* find(Value& map, std::string_view key) {
  for (auto& [name, value] : map.map)
    if (name == key) return &value;
  return nullptr;
}

// ---------------------------------------------------------------------------------------------
// What wins over what

using Merge = void (*)(Value& below, Value above);

void replace(Value& below, Value above) {
  below = std::move(above);
}

// Members by name, each by `merge`; a null takes one away. What is not a map on both sides is left
// to whoever reads it to refuse.
template <Merge merge>
void merge_members(Value& below, Value above) {
  if (above.is_null()) return;  // a section left empty
  if (below.kind != Value::Kind::map || above.kind != Value::Kind::map)
    return replace(below, std::move(above));
  for (auto& [name, value] : above.map) {
    auto* const found = find(below, name);
    if (found == nullptr)
      below.map.emplace_back(name, std::move(value));
    else if (value.is_null())
      std::erase_if(below.map, [&name = name](const auto& member) { return member.first == name; });
    else
      merge(*found, std::move(value));
  }
  // Complaints about the section as a whole concern the file that has the last word.
  below.file = above.file;
  below.line = above.line;
  below.column = above.column;
}

// `year: 2021` over `year: {type: year, help: ...}` is another default of the same parameter.
void merge_declaration(Value& below, Value above) {
  if (below.kind != Value::Kind::map) return replace(below, std::move(above));
  if (above.kind != Value::Kind::map) {
    Value start = std::move(above);
    above = Value();
    above.kind = Value::Kind::map;
    above.map.emplace_back("default", std::move(start));
  }
  for (auto& [name, value] : above.map) {
    // Here null is a value: absent unless given.
    if (auto* const found = find(below, name))
      *found = std::move(value);
    else
      below.map.emplace_back(name, std::move(value));
  }
}

void merge_documents(Value& below, Value above) {
  static const std::vector<std::pair<std::string_view, Merge>> kRules{
      {"params", merge_members<merge_declaration>},
      {"sources", merge_members<merge_members<replace>>},
      {"area", merge_members<replace>},
      {"steps", merge_members<replace>},
      {"components", merge_members<replace>},
      {"outputs", merge_members<replace>},
      {"profiles", merge_members<replace>}};
  for (auto& [key, value] : above.map) {
    auto* const found = find(below, key);
    if (found == nullptr) {
      below.map.emplace_back(key, std::move(value));
      continue;
    }
    const auto rule = std::find_if(kRules.begin(), kRules.end(),
                                   [&key = key](const auto& entry) { return entry.first == key; });
    (rule == kRules.end() ? replace : rule->second)(*found, std::move(value));
  }
  below.file = above.file;
  below.line = above.line;
  below.column = above.column;
  below.path = above.path;
}

// ---------------------------------------------------------------------------------------------
// Which files

// The path of a file that another names, both as seen from the folder of the document.
std::string seen_from_document(const std::string& naming, const std::string& name) {
  return (fs::path(naming).parent_path() / name).lexically_normal().string();
}

const Value& path_of(const Value& value) {
  require_text(value, "include");
  if (value.text.find('$') != std::string::npos || value.text.starts_with('='))
    throw value
        .error(fmt::format("'{}' refers to something; includes are merged before parameters have "
                           "values, and are plain paths",
                           value.text))
        .hint("choose a file by the document that is carried out, or a value by -P FILE");
  if (value.text.starts_with(kLibrary) || value.text.find("://") != std::string::npos)
    throw value.error(fmt::format("'{}' is not a path of a file", value.text))
        .hint("files of the same disk can be included; parts of the library are components");
  return value;
}

class Includer {
 public:
  Includer(std::string document, size_t bytes, const ReadFile& read_file,
           const std::function<void(const Value&)>& check)
      : folder_(fs::path(document).parent_path()),
        bytes_(bytes),
        read_file_(read_file),
        check_(check),
        open_{fs::path(document).filename().string()} {}

  // `root` over what it includes.
  Value merged(Value root) {
    const auto* const include = root.find("include");
    if (include == nullptr) return root;
    auto paths = include->kind == Value::Kind::list ? include->list : std::vector<Value>{*include};
    if (paths.empty()) throw include->error("'include' is an empty list").hint("leave it out");
    std::erase_if(root.map, [](const auto& member) { return member.first == "include"; });
    Value below;
    below.kind = Value::Kind::map;
    for (const auto& path : paths) merge_documents(below, included(path_of(path)));
    merge_documents(below, std::move(root));
    if (below.count() > kMaxValues)
      throw paths.front().error(
          fmt::format("the document and what it includes hold more than {} values", kMaxValues));
    return below;
  }

 private:
  Value included(const Value& path) {
    const auto name = seen_from_document(open_.back(), path.text);
    if (std::find(open_.begin(), open_.end(), name) != open_.end())
      throw path.error(
          fmt::format("'{}' includes itself: {} > {}", name, fmt::join(open_, " > "), name));
    if (open_.size() > kMaxIncludeDepth)
      throw path.error(fmt::format("files are included more than {} deep: {}", kMaxIncludeDepth,
                                   fmt::join(open_, " > ")));
    if (++files_ > kMaxIncludes)
      throw path.error(fmt::format("more than {} files are included", kMaxIncludes));
    auto root = parsed(path, name);
    check_(root);
    adopt_component_files(root, name);
    open_.push_back(name);
    root = merged(std::move(root));
    open_.pop_back();
    return root;
  }

  Value parsed(const Value& path, const std::string& name) {
    std::string text;
    try {
      text = read_file_(name);
    } catch (const Error& error) {
      // What a document names and is not there is a mistake in the document.
      const auto code = error.code() == ErrorCode::missing ? ErrorCode::invalid : error.code();
      Error wrong(code, fmt::format("include '{}': {}", path.text, error.message()));
      throw wrong.at(path.place()).hint(error.hint()).cause(error.cause());
    }
    bytes_ += text.size();
    if (bytes_ > kMaxDocumentBytes)
      throw path.error(fmt::format("the document and what it includes are larger than {} MiB",
                                   kMaxDocumentBytes >> 20));
    const auto shown = fs::path(name).is_absolute() ? fs::path(name) : folder_ / name;
    Value root = parse_yaml(text, shown.lexically_normal().string());
    if (root.kind != Value::Kind::map)
      throw_wrong_type(root, fmt::format("the included file '{}'", name),
                       "a map of a document's keys");
    return root;
  }

  // Files of components lie beside the file that names them.
  static void adopt_component_files(Value& root, const std::string& name) {
    auto* const components = find(root, "components");
    if (components == nullptr) return;
    for (auto& [key, value] : components->map)
      if (value.kind == Value::Kind::string && !value.text.starts_with(kLibrary))
        value.text = seen_from_document(name, value.text);
  }

  const fs::path folder_;
  size_t bytes_;
  const ReadFile& read_file_;
  const std::function<void(const Value&)>& check_;
  std::vector<std::string> open_;  // from the document to the file that is merged
  size_t files_ = 0;
};

}  // namespace

Value with_includes(Value root, const std::string& file, size_t bytes, const ReadFile& read_file,
                    const std::function<void(const Value&)>& check) {
  return Includer(file, bytes, read_file, check).merged(std::move(root));
}

}  // namespace geoloom::workflow
