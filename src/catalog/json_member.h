// SPDX-License-Identifier: Apache-2.0
// Members of documents that may be anything: null pointers and empty texts instead of exceptions.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "catalog/json_number.h"
#include "error/error.h"

namespace geoloom::catalog {

// Copying or printing JSON recurses; real documents nest about 10 deep.
inline constexpr int kDeepestJson = 100;

// The value of `key`; null when there is none, or it is null, or `object` is no object.
inline const nlohmann::json* member(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

inline std::string text_of(const nlohmann::json& object, const char* key) {
  const nlohmann::json* value = member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

inline std::optional<double> number_at(const nlohmann::json* object, const char* key) {
  const nlohmann::json* value = object == nullptr ? nullptr : member(*object, key);
  return value == nullptr ? std::nullopt : number_of(*value);
}

inline const nlohmann::json* element(const nlohmann::json* array, size_t index) {
  return array != nullptr && array->is_array() && index < array->size() ? &(*array)[index]
                                                                        : nullptr;
}

// The first of several places that has the number.
inline std::optional<double> first_number(
    std::initializer_list<std::pair<const nlohmann::json*, const char*>> places) {
  for (const auto& [object, key] : places) {
    if (const auto value = number_at(object, key)) return value;
  }
  return std::nullopt;
}

// Parses text from outside: limited depth, errors with file, line and column. Of STAC items what no
// reader here uses is left out: geometries, links but the one to the item, most members of assets.
nlohmann::json parse_json(const std::string& text, const std::string& file);

inline Place in_file(const std::string& file, const std::string& pointer = "") {
  Place place;
  place.file = file;
  place.key = pointer;
  return place;
}

}  // namespace geoloom::catalog
