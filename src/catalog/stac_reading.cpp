// SPDX-License-Identifier: Apache-2.0
// Reading STAC: read_stac() of stac_item.h.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include "catalog/href.h"
#include "catalog/json_number.h"
#include "catalog/stac_item.h"
#include "error/error.h"
#include "gdal/dataset.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;

constexpr size_t kMostItems = 100'000;
constexpr size_t kMostDocuments = 200'000;
constexpr size_t kLargestDocument = size_t{256} << 20;
// Copying or printing JSON recurses; real documents nest about 10 deep.
constexpr int kDeepest = 100;

Place in_file(const std::string& file, const std::string& pointer = "") {
  Place place;
  place.file = file;
  place.key = pointer;
  return place;
}

Place line_of(const std::string& file, const std::string& text, size_t byte) {
  Place place = in_file(file);
  const std::string_view before = std::string_view(text).substr(0, byte > 0 ? byte - 1 : 0);
  place.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  place.column = static_cast<int>(before.size() - (before.rfind('\n') + 1)) + 1;
  return place;
}

json parse(const std::string& path) {
  const std::string text = gdal::read_file(path, kLargestDocument);
  const auto guard = [&](int depth, json::parse_event_t, json&) {
    if (depth > kDeepest) {
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

// Members of documents that may be anything: null pointers and empty texts instead of exceptions.
const json* member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_of(const json& object, const char* key) {
  const json* value = member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

std::optional<double> number_at(const json* object, const char* key) {
  const json* value = object == nullptr ? nullptr : member(*object, key);
  return value == nullptr ? std::nullopt : number_of(*value);
}

const json* element(const json* array, size_t index) {
  return array != nullptr && array->is_array() && index < array->size() ? &(*array)[index]
                                                                        : nullptr;
}

// The first of several places that has the number.
std::optional<double> first_number(
    std::initializer_list<std::pair<const json*, const char*>> places) {
  for (const auto& [object, key] : places) {
    if (const auto value = number_at(object, key)) return value;
  }
  return std::nullopt;
}

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

Scene scene_of(const json& item, const std::string& document, const std::string& pointer) {
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

// Walks documents depth first, in the order of their links.
class Walk {
 public:
  std::vector<Scene> scenes;
  size_t remote_links = 0;
  std::vector<std::string> missing;

  void from(const std::string& first) {
    waiting_.push_back(first);
    while (!waiting_.empty()) {
      const std::string path = std::move(waiting_.back());
      waiting_.pop_back();
      if (!seen_.insert(path).second) continue;
      if (seen_.size() > kMostDocuments) refuse(path, "more than 200 000 documents");
      if (seen_.size() > 1 && !gdal::file_status(path))
        missing.push_back(path);
      else
        read(path);
    }
  }

 private:
  void read(const std::string& path) {
    const json document = parse(path);
    const std::string type = text_of(document, "type");
    if (type == "Feature") {
      add(document, path, "");
    } else if (type == "FeatureCollection") {
      const json* features = member(document, "features");
      if (features == nullptr || !features->is_array()) refuse(path, "features are missing");
      for (size_t i = 0; i < features->size(); ++i) {
        add((*features)[i], path, fmt::format("/features/{}", i));
      }
    } else if (type == "Collection" || type == "Catalog" || member(document, "stac_version")) {
      follow(document, path);
    } else {
      refuse(path, "this is not a STAC item, item collection, collection or catalogue");
    }
  }

  void add(const json& item, const std::string& path, const std::string& pointer) {
    if (scenes.size() >= kMostItems) refuse(path, "more than 100 000 items");
    scenes.push_back(scene_of(item, path, pointer));
  }

  void follow(const json& document, const std::string& path) {
    const json* links = member(document, "links");
    if (links == nullptr || !links->is_array()) return;
    std::vector<std::string> targets;
    for (const json& link : *links) {
      const std::string rel = text_of(link, "rel");
      const std::string href = text_of(link, "href");
      if ((rel != "item" && rel != "child") || href.empty()) continue;
      const std::string target = resolve_href(path, href);
      if (is_remote(target) && !is_remote(path))
        ++remote_links;
      else
        targets.push_back(gdal_path(target));
    }
    waiting_.insert(waiting_.end(), targets.rbegin(), targets.rend());
  }

  [[noreturn]] static void refuse(const std::string& path, const std::string& why) {
    throw Error(ErrorCode::invalid, why).at(in_file(path));
  }

  std::vector<std::string> waiting_;  // the next one last
  std::set<std::string> seen_;
};

}  // namespace

std::vector<Scene> read_stac(const std::string& path, std::vector<std::string>* notes) {
  Walk walk;
  walk.from(gdal_path(absolute_path(path)));
  if (notes != nullptr && walk.remote_links > 0) {
    notes->push_back(fmt::format("{} links of {} lead to the network and were not followed",
                                 walk.remote_links, path));
  }
  if (notes != nullptr && !walk.missing.empty()) {
    notes->push_back(fmt::format("{} linked documents do not exist, the first is {}",
                                 walk.missing.size(), walk.missing.front()));
  }
  return std::move(walk.scenes);
}

}  // namespace geoloom::catalog
