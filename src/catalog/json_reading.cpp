// SPDX-License-Identifier: Apache-2.0
// Reading JSON of archives: parse_json() of json_member.h.
//
// Answers of 100 000 items are gigabytes. simdjson reads them; what items say and nothing here uses
// does not become a tree. What it refuses is read again by a slower reader that tells where.
#include <simdjson.h>

#include <algorithm>
#include <array>

#include "catalog/json_member.h"
#include "error/error.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;
namespace fast = simdjson::dom;

Place line_of(const std::string& file, const std::string& text, size_t byte) {
  Place place = in_file(file);
  const std::string_view before = std::string_view(text).substr(0, byte > 0 ? byte - 1 : 0);
  place.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  place.column = static_cast<int>(before.size() - (before.rfind('\n') + 1)) + 1;
  return place;
}

// Where in a STAC document a value stands.
enum class Part { document, items, item, assets, asset, bands, band, links, whole };

// What item readers look at, beside all of proj: and raster:.
constexpr std::array<std::string_view, 9> kUsedOfAssets{
    "href", "type", "roles", "bands", "eo:bands", "gsd", "nodata", "file:checksum", "file:size"};
constexpr std::array<std::string_view, 8> kUsedOfBands{
    "name",   "common_name", "eo:common_name", "gsd",
    "nodata", "scale",       "offset",         "spatial_resolution"};

template <size_t N>
bool is_any(std::string_view key, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

json tree_of(const fast::element& element, Part part);

// Items are long for what they link to: the one link that is used is that to the item itself.
json self_of(const fast::array& links) {
  json kept = json::array();
  for (const fast::element link : links) {
    std::string_view relation;
    if (link["rel"].get(relation) == simdjson::SUCCESS && relation == "self")
      kept.push_back(tree_of(link, Part::whole));
  }
  return kept;
}

bool is_unused(Part part, std::string_view key) {
  const bool extension = key.starts_with("proj:") || key.starts_with("raster:");
  switch (part) {
    case Part::item:
      return key == "geometry" || key == "stac_extensions";
    case Part::asset:
      return !extension && !is_any(key, kUsedOfAssets);
    case Part::band:
      return !extension && !is_any(key, kUsedOfBands);
    default:
      return false;
  }
}

Part part_below(Part part, std::string_view key) {
  if (part == Part::document && key == "features") return Part::items;
  if (part == Part::item && key == "assets") return Part::assets;
  if (part == Part::item && key == "links") return Part::links;
  if (part == Part::assets) return Part::asset;
  if (part == Part::asset && key.ends_with("bands")) return Part::bands;
  return Part::whole;
}

json object_of(const fast::object& object, Part part) {
  if (part == Part::document) {
    std::string_view type;
    if (object["type"].get(type) == simdjson::SUCCESS && type == "Feature") part = Part::item;
  }
  json tree = json::object();
  for (const auto& [key, value] : object)
    if (!is_unused(part, key)) tree[std::string(key)] = tree_of(value, part_below(part, key));
  return tree;
}

json array_of(const fast::array& array, Part part) {
  if (part == Part::links) return self_of(array);
  const Part below = part == Part::items   ? Part::item
                     : part == Part::bands ? Part::band
                                           : Part::whole;
  json tree = json::array();
  for (const fast::element value : array) tree.push_back(tree_of(value, below));
  return tree;
}

json tree_of(const fast::element& element, Part part) {
  using fast::element_type;
  switch (element.type()) {
    case element_type::OBJECT:
      return object_of(fast::object(element), part);
    case element_type::ARRAY:
      return array_of(fast::array(element), part);
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

json parse_json(const std::string& text, const std::string& path) {
  fast::parser parser;
  fast::element root;
  const bool room = parser.allocate(text.size(), kDeepestJson) == simdjson::SUCCESS;
  if (room && parser.parse(text).get(root) == simdjson::SUCCESS)
    return tree_of(root, Part::document);
  return parse_with_places(text, path);
}

}  // namespace geoloom::catalog
