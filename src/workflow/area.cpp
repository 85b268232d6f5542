// SPDX-License-Identifier: Apache-2.0
#include "workflow/area.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "catalog/scene_search.h"
#include "raster/asset.h"

namespace geoloom::workflow {
namespace {

struct TilesParameter {
  std::string size = "1024 px";
  void declare(Parameters& p) {
    p.add("size", &size, "Edge of a square tile in pixels of the area's grid, as in '1024 px'")
        .main();
  }
};

struct GridParameter {
  std::string crs;
  std::vector<double> origin, resolution;
  std::vector<int64_t> size;
  void declare(Parameters& p) {
    p.add("crs", &crs, "EPSG code or WKT").required();
    p.add("origin", &origin, "x and y of the outer corner of the upper left pixel").required();
    p.add("resolution", &resolution, "Pixel width (and height) in CRS units").required();
    p.add("size", &size, "Width and height in pixels").required();
  }
};

struct AreaParameters {
  std::vector<std::string> same_grid_as;
  std::optional<std::string> band;
  std::optional<GridParameter> grid;
  std::vector<int64_t> window;
  TilesParameter tiles;
  void declare(Parameters& p) {
    p.add("same_grid_as", &same_grid_as, "Scenes whose first one gives the pixel grid")
        .meaning(Meaning::path);
    p.add("band", &band, "The band whose grid is meant, where bands differ; default: the finest");
    p.add("grid", &grid, "The pixel grid in numbers");
    p.add("window", &window, "Part of the grid: x, y, width, height in pixels");
    p.add("tiles", &tiles, "How the area is cut into items");
  }
};

geo::Grid grid_of(const GridParameter& given, const Value& value) {
  if (given.origin.size() != 2 || given.size.size() != 2 || given.resolution.empty() ||
      given.resolution.size() > 2)
    throw value.error(
        "area.grid needs origin: [x, y], resolution: r or [rx, ry] and size: [width, height]");
  geo::Grid grid;
  grid.crs = geo::Crs::parse(given.crs);
  grid.origin_x = given.origin[0];
  grid.origin_y = given.origin[1];
  grid.pixel_width = given.resolution.front();
  grid.pixel_height = given.resolution.back();
  grid.width = given.size[0];
  grid.height = given.size[1];
  if (grid.width <= 0 || grid.height <= 0 || !(grid.pixel_width > 0) || !(grid.pixel_height > 0))
    throw value.error("area.grid: size and resolution must be positive");
  return grid;
}

geo::Grid grid_of_file(const std::string& path, const std::string& scene) {
  const auto info = raster::describe_asset(path).info;
  if (!info->grid) {
    Error error(ErrorCode::invalid, "the scene has no north-up pixel grid: " + info->why_no_grid);
    throw error.at({.scene = scene}).hint("give the grid in numbers with area: {grid: ...}");
  }
  return *info->grid;
}

// The grid of the first scene: of the named band's asset, else of the finest asset.
geo::Grid grid_of_scenes(const AreaParameters& parameters) {
  catalog::SceneQuery query;
  query.from = parameters.same_grid_as;
  const auto scenes = catalog::find_scenes(query).scenes;
  if (scenes.empty()) throw Error(ErrorCode::invalid, "area.same_grid_as names no scene");
  const auto& scene = scenes.front();
  if (parameters.band) {
    const auto place = catalog::find_band(scene, *parameters.band);
    return grid_of_file(scene.assets[place.asset].path, scene.id);
  }
  std::optional<geo::Grid> finest;
  for (const auto& asset : scene.assets) {
    auto grid = grid_of_file(asset.path, scene.id);
    if (!finest || grid.pixel_width < finest->pixel_width) finest = std::move(grid);
  }
  if (!finest)
    throw Error(ErrorCode::invalid, "the scene has no raster asset").at({.scene = scene.id});
  return *finest;
}

int64_t pixels_of(const std::string& text, const Value& value) {
  int64_t pixels = 0;
  const auto* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, pixels);
  const std::string_view rest(end, static_cast<size_t>(last - end));
  const bool unit_ok = rest.empty() || rest == "px" || rest == " px";
  if (error != std::errc() || !unit_ok || pixels < 16 || pixels > 65536)
    throw value.error(fmt::format("'{}' is no tile size", text))
        .hint("write a whole number of pixels from 16 to 65536, like '1024 px'");
  return pixels;
}

geo::Grid cut(const geo::Grid& grid, const std::vector<int64_t>& window, const Value& value) {
  if (window.empty()) return grid;
  if (window.size() != 4) throw value.error("area.window needs four numbers: x, y, width, height");
  const geo::Window wanted{window[0], window[1], window[2], window[3]};
  if (wanted.empty() || !grid.window().contains(wanted))
    throw value.error(fmt::format("area.window {} does not lie in the grid of {} x {} pixels",
                                  wanted.text(), grid.width, grid.height));
  return grid.sub(wanted);
}

void coarsen(Area& area, double resolution) {
  auto& tiling = area.tiling;
  auto& grid = area.zones.front().grid;
  const double ratio = resolution / grid.pixel_width;
  const auto factor = static_cast<int64_t>(std::llround(ratio));
  if (factor < 1 || std::abs(ratio - static_cast<double>(factor)) > 1e-9 * ratio)
    throw Error(ErrorCode::invalid,
                fmt::format("--resolution {} is not a whole multiple of the grid's {}", resolution,
                            grid.pixel_width))
        .hint(fmt::format("such as --resolution {}", 2 * grid.pixel_width));
  if (factor == 1) return;
  if (tiling.tile_width % factor != 0 || tiling.tile_height % factor != 0)
    throw Error(
        ErrorCode::invalid,
        fmt::format("a tile of {} pixels is not a whole number of pixels at --resolution {}",
                    tiling.tile_width, resolution))
        .hint(fmt::format("use a resolution of {} times a divisor of {}", grid.pixel_width,
                          tiling.tile_width));
  area.coarsening = factor;
  // Coarse pixels whose centre lies over the right or lower edge are invalid.
  grid = grid.coarsened(factor);
  tiling.tile_width /= factor;
  tiling.tile_height /= factor;
}

// `tiles: 1024` and `tiles: {size: 1024}` lack the unit, which "quote it" would not tell.
void check_tile_unit(const Value& area) {
  const auto* size = area.find("tiles");
  if (size && size->kind == Value::Kind::map) size = size->find("size");
  if (size && size->kind == Value::Kind::integer)
    throw size->error(fmt::format("area.tiles: {} of what?", size->text))
        .hint(fmt::format("say `tiles: {} px`", size->text));
}

}  // namespace

Area resolve_area(const Value& value, std::optional<double> trial_resolution) {
  check_tile_unit(value);
  AreaParameters given;
  Parameters parameters;
  given.declare(parameters);
  parameters.bind(value, "area");
  if (given.same_grid_as.empty() == !given.grid.has_value())
    throw value.error("area needs either same_grid_as or grid");
  Area area;
  Zone zone{"all", {}};
  try {
    zone.grid = given.grid ? grid_of(*given.grid, value) : grid_of_scenes(given);
  } catch (Error& error) {
    const auto* key = value.find("same_grid_as");
    error.at(key ? key->place() : value.place());
    throw;
  }
  zone.grid = cut(zone.grid, given.window, value);
  area.zones.push_back(std::move(zone));
  const auto* tiles = value.find("tiles");
  area.tiling.tile_width = area.tiling.tile_height =
      pixels_of(given.tiles.size, tiles ? *tiles : value);
  if (trial_resolution) coarsen(area, *trial_resolution);
  return area;
}

Json grid_to_json(const geo::Grid& grid) {
  return {{"crs", grid.crs.code().empty() ? grid.crs.wkt() : grid.crs.code()},
          {"origin", {grid.origin_x, grid.origin_y}},
          {"pixel", {grid.pixel_width, grid.pixel_height}},
          {"size", {grid.width, grid.height}}};
}

geo::Grid grid_from_json(const Json& json) {
  geo::Grid grid;
  const auto crs = json.at("crs").get<std::string>();
  if (!crs.empty()) grid.crs = geo::Crs::parse(crs);
  grid.origin_x = json.at("origin").at(0).get<double>();
  grid.origin_y = json.at("origin").at(1).get<double>();
  grid.pixel_width = json.at("pixel").at(0).get<double>();
  grid.pixel_height = json.at("pixel").at(1).get<double>();
  grid.width = json.at("size").at(0).get<int64_t>();
  grid.height = json.at("size").at(1).get<int64_t>();
  return grid;
}

Json area_to_json(const Area& area) {
  Json zones = Json::array();
  for (const auto& zone : area.zones)
    zones.push_back({{"name", zone.name}, {"grid", grid_to_json(zone.grid)}});
  return {{"zones", zones},
          {"tile", {area.tiling.tile_width, area.tiling.tile_height}},
          {"coarsening", area.coarsening}};
}

Area area_from_json(const Json& json) {
  Area area;
  for (const auto& zone : json.at("zones"))
    area.zones.push_back({zone.at("name").get<std::string>(), grid_from_json(zone.at("grid"))});
  area.tiling.tile_width = json.at("tile").at(0).get<int64_t>();
  area.tiling.tile_height = json.at("tile").at(1).get<int64_t>();
  area.coarsening = json.at("coarsening").get<int64_t>();
  return area;
}

}  // namespace geoloom::workflow
