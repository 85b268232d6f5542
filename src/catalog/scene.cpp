// SPDX-License-Identifier: Apache-2.0
#include "catalog/scene.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <tuple>

#include "catalog/href.h"
#include "catalog/json_number.h"
#include "error/error.h"
#include "gdal/array_address.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;

void put(json& to, const char* key, const std::string& text) {
  if (!text.empty()) to[key] = text;
}

void put(json& to, const char* key, const std::optional<double>& value) {
  if (value) to[key] = json_number(*value);
}

json band_json(const AssetBand& band) {
  json result{{"number", band.number}, {"name", band.name}};
  put(result, "common_name", band.common_name);
  put(result, "scale", band.scale);
  put(result, "offset", band.offset);
  put(result, "nodata", band.nodata);
  return result;
}

json asset_json(const Asset& asset) {
  json result{{"key", asset.key}, {"href", asset.href}, {"path", asset.path}};
  result["bands"] = json::array();
  for (const AssetBand& band : asset.bands) result["bands"].push_back(band_json(band));
  put(result, "checksum", asset.checksum);
  if (asset.size) result["size"] = *asset.size;
  return result;
}

std::optional<double> optional_number(const json& from, const char* key) {
  const auto found = from.find(key);
  return found == from.end() ? std::nullopt : number_of(*found);
}

AssetBand band_of(const json& from) {
  AssetBand band;
  band.number = from.at("number").get<int>();
  band.name = from.at("name").get<std::string>();
  band.common_name = from.value("common_name", "");
  band.scale = optional_number(from, "scale");
  band.offset = optional_number(from, "offset");
  band.nodata = optional_number(from, "nodata");
  return band;
}

Asset asset_of(const json& from) {
  Asset asset;
  asset.key = from.at("key").get<std::string>();
  asset.href = from.at("href").get<std::string>();
  asset.path = from.at("path").get<std::string>();
  for (const json& band : from.at("bands")) asset.bands.push_back(band_of(band));
  asset.checksum = from.value("checksum", "");
  if (from.contains("size")) asset.size = from.at("size").get<int64_t>();
  return asset;
}

Scene scene_of(const json& from) {
  Scene scene;
  scene.id = from.at("id").get<std::string>();
  scene.collection = from.value("collection", "");
  if (from.contains("time")) scene.time = from.at("time").get<geo::TimeMs>();
  scene.updated = from.value("updated", "");
  scene.source = from.value("source", size_t{0});
  for (const json& asset : from.at("assets")) scene.assets.push_back(asset_of(asset));
  scene.identity = from.at("identity").get<std::string>();
  if (from.contains("bbox")) {
    const auto box = from.at("bbox").get<std::vector<double>>();
    if (box.size() != 4) throw Error(ErrorCode::invalid, "a scene's bbox needs 4 numbers");
    scene.bbox_lonlat = geo::Box{box[0], box[1], box[2], box[3]};
  }
  return scene;
}

// As JSON writes it. File names are bytes, not always UTF-8.
void add_quoted(std::string& to, const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
  });
  if (plain)
    to.append(1, '"').append(text).append(1, '"');
  else
    to += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// `"key":` with what separates it from what is before.
std::string& add_key(std::string& to, const char* key) {
  if (to.back() != '{') to += ',';
  return to.append(1, '"').append(key).append("\":");
}

void add_identity(std::string& to, const Asset& asset) {
  std::optional<int64_t> size, modified_ms;
  if (asset.checksum.empty()) size = asset.size;
  struct stat status {};
  if (!is_remote(asset.path) && stat(gdal::file_of(asset.path).c_str(), &status) == 0) {
    size = static_cast<int64_t>(status.st_size);
    modified_ms = static_cast<int64_t>(status.st_mtim.tv_sec) * 1000 +
                  static_cast<int64_t>(status.st_mtim.tv_nsec) / 1000000;
  }
  to += '{';
  if (!asset.checksum.empty()) add_quoted(add_key(to, "checksum"), asset.checksum);
  add_quoted(add_key(to, "href"), without_query(asset.href));
  if (modified_ms) add_key(to, "modified_ms") += std::to_string(*modified_ms);
  if (size) add_key(to, "size") += std::to_string(*size);
  to += '}';
}

}  // namespace

json Scene::to_json() const {
  json result{{"id", id}, {"identity", identity}};
  put(result, "collection", collection);
  put(result, "updated", updated);
  if (time) result["time"] = *time;
  if (source > 0) result["source"] = source;
  result["assets"] = json::array();
  for (const Asset& asset : assets) result["assets"].push_back(asset_json(asset));
  if (bbox_lonlat) {
    result["bbox"] = {bbox_lonlat->min_x, bbox_lonlat->min_y, bbox_lonlat->max_x,
                      bbox_lonlat->max_y};
  }
  return result;
}

Scene Scene::from_json(const json& json) {
  try {
    return scene_of(json);
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::invalid, "this is not a scene record").cause(e.what());
  }
}

// Written without a tree: this is done for every item of an archive. Keys are in order.
std::string identity_of(const Scene& scene) {
  std::string identity = R"({"assets":[)";
  for (const Asset& asset : scene.assets) {
    if (&asset != &scene.assets.front()) identity += ',';
    add_identity(identity, asset);
  }
  identity += ']';
  if (!scene.collection.empty()) add_quoted(add_key(identity, "collection"), scene.collection);
  add_quoted(add_key(identity, "id"), scene.id);
  if (!scene.updated.empty()) add_quoted(add_key(identity, "updated"), scene.updated);
  return identity + '}';
}

void sort_scenes(std::vector<Scene>& scenes) {
  std::stable_sort(scenes.begin(), scenes.end(), [](const Scene& a, const Scene& b) {
    if (!a.time || !b.time) return !a.time && b.time;
    return std::tie(*a.time, a.collection, a.id) < std::tie(*b.time, b.collection, b.id);
  });
}

}  // namespace geoloom::catalog
