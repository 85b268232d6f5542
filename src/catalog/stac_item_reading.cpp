// SPDX-License-Identifier: Apache-2.0
// One STAC item as a scene: scene_of_item() of stac_item.h.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <tuple>

#include "catalog/href.h"
#include "catalog/stac_item.h"
#include "gdal/array_address.h"

namespace geoloom::catalog {
namespace {

using Roles = std::vector<JsonView>;

bool has_role(const Roles& roles, std::string_view role) {
  return std::any_of(roles.begin(), roles.end(),
                     [role](const JsonView& each) { return each.text() == role; });
}

bool is_image(JsonView asset, const Roles& roles, const std::string& href) {
  for (const char* role : {"metadata", "thumbnail", "overview"}) {
    if (has_role(roles, role)) return false;
  }
  // Others of these formats are left to who can read them over a network.
  if (gdal::names_array_file(href)) return !is_remote(href);
  const auto type = asset["type"].text();
  if (type.empty()) return is_image_name(without_query(href));
  for (const char* known :
       {"image/tiff", "image/jp2", "image/vnd.stac.geotiff", "image/x.geotiff"}) {
    if (type.starts_with(known)) return true;
  }
  return false;
}

// CRS as text that geo::Crs understands: proj:code, proj:epsg, proj:wkt2, proj:projjson; "" where
// none is given.
std::string declared_crs(JsonView holder) {
  if (const auto code = holder["proj:code"].text(); !code.empty()) return std::string(code);
  if (const auto epsg = holder["proj:epsg"].number(); epsg && *epsg > 0 && *epsg < 1e9) {
    return fmt::format("EPSG:{}", static_cast<int64_t>(*epsg));
  }
  if (const auto wkt = holder["proj:wkt2"].text(); !wkt.empty()) return std::string(wkt);
  const JsonView projjson = holder["proj:projjson"];
  return projjson.is_object() ? projjson.tree().dump() : "";
}

std::vector<double> numbers_of(JsonView list, size_t most) {
  const auto elements = list.elements();
  std::vector<double> numbers;
  if (elements.size() > most) return numbers;
  for (const JsonView& element : elements) {
    if (!element.is_number()) return {};
    numbers.push_back(*element.number());
  }
  return numbers;
}

DeclaredGrid grid_in(JsonView holder) {
  return {declared_crs(holder), numbers_of(holder["proj:transform"], 9),
          numbers_of(holder["proj:shape"], 2)};
}

// What an item says once for all its assets.
struct ItemDefaults {
  explicit ItemDefaults(JsonView properties)
      : scale(properties["raster:scale"].number()),
        offset(properties["raster:offset"].number()),
        nodata(properties["nodata"].number()),
        grid(grid_in(properties)) {}

  std::optional<double> scale, offset, nodata;
  DeclaredGrid grid;
};

// The lists that describe an asset's bands.
struct BandLists {
  explicit BandLists(JsonView asset)
      : bands(asset["bands"].elements()),
        eo(asset["eo:bands"].elements()),
        raster(asset["raster:bands"].elements()) {}

  static JsonView at(const std::vector<JsonView>& list, size_t index) {
    return index < list.size() ? list[index] : JsonView();
  }
  size_t count() const { return std::max({size_t{1}, bands.size(), eo.size(), raster.size()}); }

  std::vector<JsonView> bands, eo, raster;
};

std::string_view first_text(std::string_view a, std::string_view b) {
  return a.empty() ? b : a;
}

std::vector<AssetBand> bands_of(const std::string& key, JsonView asset, const BandLists& lists,
                                const ItemDefaults& item) {
  const auto or_else = [](const std::optional<double>& own, const std::optional<double>& other) {
    return own ? own : other;
  };
  const size_t count = lists.count();
  std::vector<AssetBand> result(std::min<size_t>(count, 65'535));
  for (size_t i = 0; i < result.size(); ++i) {
    const JsonView band = BandLists::at(lists.bands, i), eo = BandLists::at(lists.eo, i),
                   raster = BandLists::at(lists.raster, i);
    AssetBand& to = result[i];
    to.number = static_cast<int>(i) + 1;
    to.name = first_text(band["name"].text(), eo["name"].text());
    if (to.name.empty()) to.name = count == 1 ? key : fmt::format("{}_{}", key, i + 1);
    to.common_name = first_text(band["eo:common_name"].text(), eo["common_name"].text());
    to.scale =
        or_else(first_number({{band, "raster:scale"}, {raster, "scale"}, {asset, "raster:scale"}}),
                item.scale);
    to.offset = or_else(
        first_number({{band, "raster:offset"}, {raster, "offset"}, {asset, "raster:offset"}}),
        item.offset);
    to.nodata = or_else(first_number({{band, "nodata"}, {raster, "nodata"}, {asset, "nodata"}}),
                        item.nodata);
  }
  return result;
}

// Of the asset, else of the item. Assets with one grid share its description: `known` has those of
// the item so far.
std::shared_ptr<const DeclaredGrid> declared_grid(
    JsonView asset, const ItemDefaults& item,
    std::vector<std::shared_ptr<const DeclaredGrid>>& known) {
  DeclaredGrid grid = grid_in(asset);
  if (grid.crs.empty()) grid.crs = item.grid.crs;
  if (grid.transform.empty()) grid.transform = item.grid.transform;
  if (grid.shape.empty()) grid.shape = item.grid.shape;
  if (grid.transform.size() < 6) grid.transform.clear();
  if (grid.shape.size() < 2) grid.shape.clear();
  if (grid == DeclaredGrid{}) return nullptr;
  for (const auto& other : known)
    if (*other == grid) return other;
  return known.emplace_back(std::make_shared<const DeclaredGrid>(std::move(grid)));
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

AssetRank rank_of(const std::string& key, JsonView asset, const Roles& roles,
                  const BandLists& lists) {
  const JsonView band = BandLists::at(lists.bands, 0);
  const auto resolution = first_number({{asset, "gsd"},
                                        {asset, "raster:spatial_resolution"},
                                        {band, "raster:spatial_resolution"},
                                        {band, "gsd"},
                                        {BandLists::at(lists.raster, 0), "spatial_resolution"}});
  return {has_role(roles, "visual"),
          resolution && *resolution > 0 ? *resolution : std::numeric_limits<double>::max(), key};
}

// The bands of a file that holds many variables are its variables of these names.
std::vector<Asset> by_variable(Asset asset) {
  const auto format = gdal::array_format_of_name(asset.path);
  if (!format || (asset.bands.size() == 1 && asset.bands[0].name == asset.key))
    return {std::move(asset)};
  std::vector<Asset> assets(asset.bands.size(), asset);
  for (size_t i = 0; i < assets.size(); ++i) {
    Asset& each = assets[i];
    each.key = fmt::format("{}:{}", asset.key, asset.bands[i].name);
    each.bands = {asset.bands[i]};
    each.bands[0].number = 1;
    const gdal::ArrayAddress address{
        .format = *format, .file = asset.path, .variable = each.bands[0].name};
    each.href = each.path = address.text();
  }
  return assets;
}

std::vector<Asset> assets_of(JsonView item, const std::string& document,
                             const std::string& pointer) {
  const ItemDefaults defaults(item["properties"]);
  std::vector<std::shared_ptr<const DeclaredGrid>> grids;
  std::vector<std::pair<AssetRank, Asset>> ranked;
  for (const auto& [name, from] : item["assets"].members()) {
    const std::string key(name), href(from["href"].text());
    if (href.empty()) {
      throw Error(ErrorCode::invalid, fmt::format("asset '{}' has no href", key))
          .at(in_file(document, pointer + "/assets/" + key));
    }
    const Roles roles = from["roles"].elements();
    if (!is_image(from, roles, href)) continue;
    const BandLists lists(from);
    Asset asset;
    asset.key = key;
    asset.href = resolve_href(document, href);
    asset.path = gdal_path(asset.href);
    asset.bands = bands_of(key, from, lists, defaults);
    asset.declared = declared_grid(from, defaults, grids);
    asset.checksum = from["file:checksum"].text();
    if (const auto size = from["file:size"].number(); size && *size >= 0 && *size < 9e15) {
      asset.size = static_cast<int64_t>(*size);
    }
    for (Asset& each : by_variable(std::move(asset)))
      ranked.emplace_back(rank_of(key, from, roles, lists), std::move(each));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Asset> result;
  result.reserve(ranked.size());
  for (auto& [rank, asset] : ranked) result.push_back(std::move(asset));
  return result;
}

// `datetime`, or the start of the item's period.
std::optional<geo::TimeMs> time_of(JsonView properties, const Place& place) {
  for (const char* key : {"datetime", "start_datetime"}) {
    const JsonView value = properties[key];
    if (!value) continue;
    const auto time = value.is_text() ? geo::parse_time(std::string(value.text())) : std::nullopt;
    if (!time) {
      Place at = place;
      at.key += fmt::format("/properties/{}", key);
      throw Error(ErrorCode::invalid, "this is not a time").cause(value.tree().dump()).at(at);
    }
    return time;
  }
  return std::nullopt;
}

// [w, s, e, n] or [w, s, low, e, n, high]. West of east means across the antimeridian: unknown, so
// that nothing is left out by mistake.
std::optional<geo::Box> bbox_of(JsonView item) {
  const auto n = numbers_of(item["bbox"], 6);
  if (n.size() != 4 && n.size() != 6) return {};
  const size_t half = n.size() / 2;
  if (n[half] < n[0] || n[half + 1] < n[1]) return {};
  return geo::Box{n[0], n[1], n[half], n[half + 1]};
}

}  // namespace

Scene scene_of_item(JsonView item, const std::string& document, const std::string& pointer) {
  const Place place = in_file(document, pointer);
  Scene scene;
  try {
    scene.id = item["id"].text();
    if (scene.id.empty()) throw Error(ErrorCode::invalid, "a STAC item needs an id");
    const JsonView properties = item["properties"];
    if (!properties.is_object()) {
      throw Error(ErrorCode::invalid, "a STAC item needs properties");
    }
    scene.collection = item["collection"].text();
    scene.time = time_of(properties, place);
    scene.updated = properties["updated"].text();
    for (const auto& [key, value] : properties.members()) {
      if (value.is_primitive()) scene.properties[std::string(key)] = value.tree();
    }
    scene.assets = assets_of(item, document, pointer);
    scene.bbox_lonlat = bbox_of(item);
  } catch (Error& e) {
    Place at = place;
    at.scene = scene.id;
    e.at(at);
    throw;
  }
  return scene;
}

}  // namespace geoloom::catalog
