// SPDX-License-Identifier: Apache-2.0
// The only includes of simdjson. What it refuses is read again by a slower reader that tells where.
#include "catalog/json_document.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <type_traits>

namespace geoloom::catalog {
namespace {

using nlohmann::json;
namespace fast = simdjson::dom;
using fast::element_type;

// A text that only the slower reader takes is written anew, a little deeper at most.
constexpr size_t kDeepestRewritten = kDeepestJson + 8;

json tree_of(const fast::element& element) {
  switch (element.type()) {
    case element_type::OBJECT: {
      json tree = json::object();
      for (const auto& [key, value] : fast::object(element))
        tree[std::string(key)] = tree_of(value);
      return tree;
    }
    case element_type::ARRAY: {
      json tree = json::array();
      for (const fast::element value : fast::array(element)) tree.push_back(tree_of(value));
      return tree;
    }
    case element_type::STRING:
      return std::string(std::string_view(element));
    case element_type::INT64:
      return int64_t(element);
    case element_type::UINT64:
      return uint64_t(element);
    case element_type::DOUBLE:
      return double(element);
    case element_type::BOOL:
      return bool(element);
    case element_type::NULL_VALUE:
      break;
  }
  return nullptr;
}

Place line_of(const std::string& file, const std::string& text, size_t byte) {
  Place place = in_file(file);
  const std::string_view before = std::string_view(text).substr(0, byte > 0 ? byte - 1 : 0);
  place.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  place.column = static_cast<int>(before.size() - (before.rfind('\n') + 1)) + 1;
  return place;
}

json parse_with_places(const std::string& text, const std::string& path) {
  const auto guard = [&](int depth, json::parse_event_t, json&) {
    if (depth > kDeepestJson) {
      throw Error(ErrorCode::invalid, "JSON is nested too deeply").at(in_file(path));
    }
    return true;
  };
  try {
    return json::parse(text, guard);
  } catch (const json::parse_error& e) {
    throw Error(ErrorCode::invalid, "this is not JSON")
        .cause(e.what())
        .at(line_of(path, text, e.byte));
  } catch (const json::out_of_range& e) {  // a number that no double can hold
    throw Error(ErrorCode::invalid, "this JSON holds a number that is too large")
        .cause(e.what())
        .at(in_file(path));
  }
}

}  // namespace

// Elements are two words, and hidden so that others need not see simdjson.
struct JsonView::Access {
  static_assert(sizeof(fast::element) == sizeof(JsonView::place_));
  static_assert(std::is_trivially_copyable_v<fast::element>);

  static fast::element of(const JsonView& view) {
    return std::bit_cast<fast::element>(view.place_);
  }
  static JsonView view(const fast::element& element) {
    JsonView view;
    if (!element.is_null()) view.place_ = std::bit_cast<decltype(view.place_)>(element);
    return view;
  }
};

bool JsonView::is_object() const {
  return *this && Access::of(*this).is_object();
}

bool JsonView::is_array() const {
  return *this && Access::of(*this).is_array();
}

bool JsonView::is_text() const {
  return *this && Access::of(*this).is_string();
}

bool JsonView::is_number() const {
  return *this && Access::of(*this).is_number();
}

bool JsonView::is_primitive() const {
  return *this && !is_object() && !is_array();
}

bool JsonView::is_true() const {
  return *this && Access::of(*this).is_bool() && bool(Access::of(*this));
}

std::string_view JsonView::text() const {
  return is_text() ? std::string_view(Access::of(*this)) : std::string_view();
}

std::optional<double> JsonView::number() const {
  if (is_number()) return double(Access::of(*this));
  return is_text() ? number_of_word(text()) : std::nullopt;
}

JsonView JsonView::operator[](std::string_view name) const {
  if (!is_object()) return {};
  JsonView found;
  const fast::object object(Access::of(*this));
  for (auto member = object.begin(); member != object.end(); ++member)
    if (member.key_equals(name)) found = Access::view(member.value());
  return found;
}

std::vector<std::pair<std::string_view, JsonView>> JsonView::members() const {
  std::vector<std::pair<std::string_view, JsonView>> all;
  if (!is_object()) return all;
  const fast::object object(Access::of(*this));
  all.reserve(object.size());
  for (const auto& [name, value] : object) all.emplace_back(name, Access::view(value));
  const auto out_of_order = std::adjacent_find(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first >= b.first; });
  if (out_of_order == all.end()) return all;
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::pair<std::string_view, JsonView>> last;
  for (const auto& member : all) {
    if (!last.empty() && last.back().first == member.first)
      last.back() = member;
    else
      last.push_back(member);
  }
  return last;
}

std::vector<JsonView> JsonView::elements() const {
  std::vector<JsonView> all;
  if (!is_array()) return all;
  const fast::array array(Access::of(*this));
  all.reserve(array.size());
  for (const fast::element value : array) all.push_back(Access::view(value));
  return all;
}

json JsonView::tree() const {
  return *this ? tree_of(Access::of(*this)) : json();
}

std::optional<double> first_number(
    std::initializer_list<std::pair<JsonView, std::string_view>> places) {
  for (const auto& [object, name] : places)
    if (const auto value = object[name].number()) return value;
  return std::nullopt;
}

struct JsonDocument::Parser {
  fast::parser parser;

  // False when the text is refused.
  bool read(const std::string& text, size_t deepest, JsonView& root) {
    const bool room = parser.capacity() >= text.size() && parser.max_depth() == deepest;
    if (!room && parser.allocate(text.size(), deepest) != simdjson::SUCCESS) return false;
    fast::element element;
    if (parser.parse(text).get(element) != simdjson::SUCCESS) return false;
    root = JsonView::Access::view(element);
    return true;
  }
};

JsonDocument::JsonDocument() : parser_(std::make_unique<Parser>()) {}
JsonDocument::JsonDocument(const std::string& text, const std::string& file) : JsonDocument() {
  read(text, file);
}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

void JsonDocument::read(const std::string& text, const std::string& file) {
  root_ = JsonView();
  if (!parser_) parser_ = std::make_unique<Parser>();
  if (parser_->read(text, kDeepestJson, root_)) return;
  // Whole numbers beyond 64 bits become doubles, as in most readers; a byte order mark is skipped.
  const auto rewritten = parse_with_places(text, file).dump();
  if (!parser_->read(rewritten, kDeepestRewritten, root_))
    throw Error(ErrorCode::invalid, "this JSON cannot be read").at(in_file(file));
}

}  // namespace geoloom::catalog
