// SPDX-License-Identifier: Apache-2.0
// One STAC item as a scene: scene_of_item() of stac_item.h.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "catalog/href.h"
#include "catalog/json_member.h"
#include "catalog/stac_item.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;

bool has_role(const json& asset, std::string_view role) {
  const json* roles = member(asset, "roles");
  return roles != nullptr && roles->is_array() &&
         std::any_of(roles->begin(), roles->end(),
                     [role](const json& r) { return r.is_string() && r == role; });
}

bool is_image(const json& asset, const std::string& href) {
  for (const char* role : {"metadata", "thumbnail", "overview"}) {
    if (has_role(asset, role)) return false;
  }
  const std::string type = text_of(asset, "type");
  if (type.empty()) return is_image_name(without_query(href));
  for (const char* known :
       {"image/tiff", "image/jp2", "image/vnd.stac.geotiff", "image/x.geotiff"}) {
    if (type.starts_with(known)) return true;
  }
  return false;
}

std::vector<AssetBand> bands_of(const std::string& key, const json& asset, const json& properties) {
  const json* bands = member(asset, "bands");
  const json* eo = member(asset, "eo:bands");
  const json* raster = member(asset, "raster:bands");
  size_t count = 1;
  for (const json* list : {bands, eo, raster}) {
    if (list != nullptr && list->is_array()) count = std::max(count, list->size());
  }
  std::vector<AssetBand> result;
  for (size_t i = 0; i < std::min<size_t>(count, 65'535); ++i) {
    const json* band = element(bands, i);
    const json* eo_band = element(eo, i);
    const json* raster_band = element(raster, i);
    AssetBand to;
    to.number = static_cast<int>(i) + 1;
    if (band != nullptr) to.name = text_of(*band, "name");
    if (to.name.empty() && eo_band != nullptr) to.name = text_of(*eo_band, "name");
    if (to.name.empty()) to.name = count == 1 ? key : fmt::format("{}_{}", key, i + 1);
    if (band != nullptr) to.common_name = text_of(*band, "eo:common_name");
    if (to.common_name.empty() && eo_band != nullptr) {
      to.common_name = text_of(*eo_band, "common_name");
    }
    to.scale = first_number({{band, "raster:scale"},
                             {raster_band, "scale"},
                             {&asset, "raster:scale"},
                             {&properties, "raster:scale"}});
    to.offset = first_number({{band, "raster:offset"},
                              {raster_band, "offset"},
                              {&asset, "raster:offset"},
                              {&properties, "raster:offset"}});
    to.nodata = first_number(
        {{band, "nodata"}, {raster_band, "nodata"}, {&asset, "nodata"}, {&properties, "nodata"}});
    result.push_back(std::move(to));
  }
  return result;
}

// CRS as text that geo::Crs understands: proj:code, proj:epsg, proj:wkt2, proj:projjson; "" where
// none is given.
std::string declared_crs(const json& holder) {
  if (const std::string code = text_of(holder, "proj:code"); !code.empty()) return code;
  if (const auto epsg = number_at(&holder, "proj:epsg"); epsg && *epsg > 0 && *epsg < 1e9) {
    return fmt::format("EPSG:{}", static_cast<int64_t>(*epsg));
  }
  if (std::string wkt = text_of(holder, "proj:wkt2"); !wkt.empty()) return wkt;
  const json* projjson = member(holder, "proj:projjson");
  return projjson != nullptr && projjson->is_object() ? projjson->dump() : "";
}

std::vector<double> numbers_at(const json& holder, const char* key, size_t most) {
  std::vector<double> numbers;
  const json* list = member(holder, key);
  if (list == nullptr || !list->is_array() || list->size() > most) return numbers;
  for (const json& number : *list) {
    if (!number.is_number()) return {};
    numbers.push_back(number.get<double>());
  }
  return numbers;
}

// Of the asset, else of the item.
std::optional<DeclaredGrid> declared_grid(const json& asset, const json& properties) {
  DeclaredGrid grid;
  for (const json* holder : {&asset, &properties}) {
    if (grid.crs.empty()) grid.crs = declared_crs(*holder);
    if (grid.transform.empty()) grid.transform = numbers_at(*holder, "proj:transform", 9);
    if (grid.shape.empty()) grid.shape = numbers_at(*holder, "proj:shape", 2);
  }
  if (grid.transform.size() < 6) grid.transform.clear();
  if (grid.shape.size() < 2) grid.shape.clear();
  if (grid == DeclaredGrid{}) return std::nullopt;
  return grid;
}

// Pictures last, then fine before coarse: the first asset with a band's name is the one to take.
struct AssetRank {
  bool picture;
  double resolution;
  std::string key;
  friend bool operator<(const AssetRank& a, const AssetRank& b) {
    return std::tie(a.picture, a.resolution, a.key) < std::tie(b.picture, b.resolution, b.key);
  }
};

AssetRank rank_of(const std::string& key, const json& asset) {
  const json* band = element(member(asset, "bands"), 0);
  const auto resolution =
      first_number({{&asset, "gsd"},
                    {&asset, "raster:spatial_resolution"},
                    {band, "raster:spatial_resolution"},
                    {band, "gsd"},
                    {element(member(asset, "raster:bands"), 0), "spatial_resolution"}});
  return {has_role(asset, "visual"),
          resolution && *resolution > 0 ? *resolution : std::numeric_limits<double>::max(), key};
}

std::vector<Asset> assets_of(const json& item, const std::string& document,
                             const std::string& pointer) {
  static const json nothing = json::object();
  const json* properties = member(item, "properties");
  const json* assets = member(item, "assets");
  if (assets == nullptr || !assets->is_object()) return {};
  std::vector<std::pair<AssetRank, Asset>> ranked;
  for (const auto& [key, from] : assets->items()) {
    const std::string href = text_of(from, "href");
    if (href.empty()) {
      throw Error(ErrorCode::invalid, fmt::format("asset '{}' has no href", key))
          .at(in_file(document, pointer + "/assets/" + key));
    }
    if (!is_image(from, href)) continue;
    Asset asset;
    asset.key = key;
    asset.href = resolve_href(document, href);
    asset.path = gdal_path(asset.href);
    asset.bands = bands_of(key, from, properties == nullptr ? nothing : *properties);
    asset.declared = declared_grid(from, properties == nullptr ? nothing : *properties);
    asset.checksum = text_of(from, "file:checksum");
    if (const auto size = number_at(&from, "file:size"); size && *size >= 0 && *size < 9e15) {
      asset.size = static_cast<int64_t>(*size);
    }
    ranked.emplace_back(rank_of(key, from), std::move(asset));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Asset> result;
  for (auto& [rank, asset] : ranked) result.push_back(std::move(asset));
  return result;
}

// `datetime`, or the start of the item's period.
std::optional<geo::TimeMs> time_of(const json& properties, const Place& place) {
  for (const char* key : {"datetime", "start_datetime"}) {
    const json* value = member(properties, key);
    if (value == nullptr) continue;
    const auto time =
        value->is_string() ? geo::parse_time(value->get_ref<const std::string&>()) : std::nullopt;
    if (!time) {
      Place at = place;
      at.key += fmt::format("/properties/{}", key);
      throw Error(ErrorCode::invalid, "this is not a time").cause(value->dump()).at(at);
    }
    return time;
  }
  return std::nullopt;
}

// [w, s, e, n] or [w, s, low, e, n, high]. West of east means across the antimeridian: unknown, so
// that nothing is left out by mistake.
std::optional<geo::Box> bbox_of(const json& item) {
  const json* from = member(item, "bbox");
  if (from == nullptr || !from->is_array() || (from->size() != 4 && from->size() != 6)) return {};
  std::vector<double> n;
  for (const json& number : *from) {
    if (!number.is_number()) return {};
    n.push_back(number.get<double>());
  }
  const size_t half = n.size() / 2;
  if (n[half] < n[0] || n[half + 1] < n[1]) return {};
  return geo::Box{n[0], n[1], n[half], n[half + 1]};
}

}  // namespace

Scene scene_of_item(const json& item, const std::string& document, const std::string& pointer) {
  const Place place = in_file(document, pointer);
  Scene scene;
  try {
    scene.id = text_of(item, "id");
    if (scene.id.empty()) throw Error(ErrorCode::invalid, "a STAC item needs an id");
    const json* properties = member(item, "properties");
    if (properties == nullptr || !properties->is_object()) {
      throw Error(ErrorCode::invalid, "a STAC item needs properties");
    }
    scene.collection = text_of(item, "collection");
    scene.time = time_of(*properties, place);
    scene.updated = text_of(*properties, "updated");
    for (const auto& [key, value] : properties->items()) {
      if (value.is_primitive() && !value.is_null()) scene.properties[key] = value;
    }
    scene.assets = assets_of(item, document, pointer);
    scene.bbox_lonlat = bbox_of(item);
    scene.identity = identity_of(scene);
  } catch (Error& e) {
    Place at = place;
    at.scene = scene.id;
    e.at(at);
    throw;
  }
  return scene;
}

}  // namespace geoloom::catalog
