// SPDX-License-Identifier: Apache-2.0
#include "workflow/area.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "catalog/scene_search.h"
#include "raster/asset.h"
#include "workflow/area_of_interest.h"
#include "workflow/grid_parameter.h"

namespace geoloom::workflow {
namespace {

struct TilesParameter {
  std::string size = "1024 px";
  void declare(Parameters& p) {
    p.add("size", &size, "Edge of a square tile in pixels of the area's grid, as in '1024 px'")
        .main();
  }
};

struct AreaParameters {
  std::vector<std::string> same_grid_as;
  std::optional<std::string> band;
  std::optional<GridParameter> grid;
  std::vector<int64_t> window;
  TilesParameter tiles;
  std::optional<AreaOfInterestParameter> aoi;
  std::optional<Value> resolution;
  std::vector<std::string> buffer;
  std::vector<int64_t> split;
  void declare(Parameters& p) {
    p.add("same_grid_as", &same_grid_as, "Scenes whose first one gives the pixel grid")
        .meaning(Meaning::path);
    p.add("band", &band, "The band whose grid is meant, where bands differ; default: the finest");
    p.add("grid", &grid, "The pixel grid in numbers, or a grid of tiles");
    p.add("window", &window, "Part of the grid: x, y, width, height in pixels");
    p.add("tiles", &tiles, "How the area is cut into items");
    p.add("aoi", &aoi, "The area of interest: tiles that it does not meet are left out");
    p.add("resolution", &resolution, "Pixel size of a grid of tiles, as in '10 m' or 0.0001");
    p.add(
        "buffer", &buffer,
        "Widens each tile of a grid of tiles on both sides, as in '10 px' or '120 m'; one length, "
        "or two: along x and y");
    p.add("split", &split, "Divides each tile of a grid of tiles: [columns, rows]").range(1, 1000);
  }
};

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

// `aoi: [w, s, e, n]` stands for `aoi: {bbox: [...]}`; a scalar names the file.
Value bbox_spelled_out(const Value& area) {
  Value out = area;
  for (auto& [key, member] : out.map) {
    if (key != "aoi" || member.kind != Value::Kind::list) continue;
    Value map = member;
    map.kind = Value::Kind::map;
    map.list.clear();
    map.map.emplace_back("bbox", member);
    member = std::move(map);
  }
  return out;
}

// Tiles of a pixel grid that meet the shape; rows count from the north.
std::vector<geo::CellRun> kept_tiles(const geo::Grid& grid, const Tiling& tiling,
                                     const AreaOfInterest& aoi, const Value& value) {
  if (!grid.crs.known())
    throw value.error("area: the grid has no coordinate reference system, so an aoi has no place");
  const auto shape = aoi.in(grid.crs).intersection(gdal::Geometry::box(grid.box()));
  if (shape.area() == 0)
    throw value.error(fmt::format("aoi: {} does not meet the grid, {}", aoi.source, grid.text()));
  const double width = static_cast<double>(tiling.tile_width) * grid.pixel_width;
  const double height = static_cast<double>(tiling.tile_height) * grid.pixel_height;
  const auto lattice =
      geo::lattice_tiling({grid.crs.name(), grid.origin_x, grid.origin_y, width, height});
  const gdal::PreparedGeometry prepared(shape);
  const double edge_x = width * 1e-9, edge_y = height * 1e-9;
  auto runs =
      geo::cover(*lattice, 0, lattice->range_over(0, shape.bounds()), [&](const geo::Box& box) {
        return prepared.overlap(
            {box.min_x + edge_x, box.min_y + edge_y, box.max_x - edge_x, box.max_y - edge_y});
      });
  for (auto& run : runs) run = {run.column, -1 - run.last_row, -1 - run.first_row};
  return runs;
}

Area area_of_pixels(const AreaParameters& given, const Value& value,
                    const std::optional<AreaOfInterest>& aoi,
                    std::optional<double> trial_resolution) {
  for (const char* key : {"resolution", "buffer", "split"})
    if (const auto* found = value.find(key))
      throw found->error(fmt::format("area.{} goes with a grid of tiles", key))
          .hint("such as grid: {utm: 5000 m}");
  Area area;
  Zone zone{"all", {}};
  try {
    zone.grid = given.grid ? pixel_grid_of(*given.grid, value) : grid_of_scenes(given);
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
  if (aoi) area.kept = kept_tiles(area.zones[0].grid, area.tiling, *aoi, *value.find("aoi"));
  return area;
}

// Metres per unit of a grid's CRS; of a file of tiles, whose layers may have several, 1.
double unit_of(const Json& recipe) {
  if (recipe.is_null()) return 1;
  return geo::Crs::parse(scheme_of(recipe)->zones().front().crs_code).metres_per_unit();
}

double in_units(double metres, double unit, const Value& value) {
  if (unit > 0) return metres / unit;
  throw value.error("the grid's units are degrees: metres mean nothing there")
      .hint("write pixels as a number of degrees, like 0.0001, and buffers in 'px'");
}

double resolution_of(const Value& value, double unit) {
  if (value.kind == Value::Kind::integer || value.kind == Value::Kind::number) {
    if (value.number > 0) return value.number;
  } else if (value.is_scalar()) {
    const double metres = parse_metres(value.text, value);
    if (metres > 0) return in_units(metres, unit, value);
  }
  throw value.error("area.resolution is the size of a pixel, as in '10 m' or 0.0001");
}

TilePixels pixels_of_tiles(const AreaParameters& given, const SchemeChoice& choice,
                           const Value& value) {
  if (!given.resolution && choice.pixels.width > 0) return choice.pixels;
  if (!given.resolution)
    throw value.error("area.resolution is missing: how large is a pixel?").hint("like '10 m'");
  const double pixel = resolution_of(*given.resolution, unit_of(choice.recipe));
  if (choice.pixels_are_fixed && std::abs(pixel - choice.pixels.width) > 1e-9 * pixel)
    throw given.resolution
        ->error(fmt::format("area.resolution {} differs from the grid's own, {}", pixel,
                            choice.pixels.width))
        .hint("leave it out");
  return choice.pixels_are_fixed ? choice.pixels : TilePixels{pixel, pixel};
}

int64_t buffer_pixels(const std::string& text, double pixel, double unit, const Value& value) {
  const Length length = parse_length(text, value);
  const double count = length.pixels ? length.value : in_units(length.value, unit, value) / pixel;
  const double whole = std::round(count);
  if (whole < 0 || whole > 65536 || std::abs(count - whole) > 1e-6)
    throw value
        .error(fmt::format("a buffer of {} is not a whole number of pixels of {}", text, pixel))
        .hint("give it in pixels, like '10 px'");
  return static_cast<int64_t>(whole);
}

void read_buffer_and_split(const AreaParameters& given, const TilePixels& pixels,
                           const Value& value, TileGrid& grid) {
  if (!given.buffer.empty()) {
    const auto& at = *value.find("buffer");
    const double unit = unit_of(grid.scheme);
    if (given.buffer.size() > 2) throw at.error("area.buffer is one length or two: along x and y");
    grid.buffer_x = buffer_pixels(given.buffer.front(), pixels.width, unit, at);
    grid.buffer_y = buffer_pixels(given.buffer.back(), pixels.height, unit, at);
  }
  if (!given.split.empty()) {
    if (given.split.size() > 2)
      throw value.find("split")->error("area.split is one number or two: columns and rows");
    grid.split_x = given.split.front();
    grid.split_y = given.split.back();
  }
}

// Pixels `factor` times as large: cells stay where they are, a buffer must be whole pixels still.
void coarsen_tiles(TileGrid& grid, TilePixels& pixels, double resolution, int64_t& coarsening) {
  const double ratio = resolution / pixels.width;
  const auto factor = static_cast<int64_t>(std::llround(ratio));
  if (factor < 1 || std::abs(ratio - static_cast<double>(factor)) > 1e-9 * ratio ||
      grid.buffer_x % factor != 0 || grid.buffer_y % factor != 0)
    throw Error(ErrorCode::invalid,
                fmt::format("--resolution {} is not a whole multiple of the grid's {}, or the "
                            "buffer of {} x {} pixels is not whole pixels then",
                            resolution, pixels.width, grid.buffer_x, grid.buffer_y));
  coarsening = factor;
  pixels.width *= static_cast<double>(factor);
  pixels.height *= static_cast<double>(factor);
  grid.buffer_x /= factor;
  grid.buffer_y /= factor;
}

Area area_of_tiles(const AreaParameters& given, const Value& value,
                   const std::optional<AreaOfInterest>& aoi,
                   std::optional<double> trial_resolution) {
  for (const char* key : {"window", "tiles", "band"})
    if (const auto* found = value.find(key))
      throw found
          ->error(fmt::format("area.{} goes with a pixel grid, and this is a grid of tiles", key))
          .hint("`split: [2, 2]` divides tiles");
  const auto& grid_value = *value.find("grid");
  const auto choice = scheme_choice_of(*given.grid, grid_value);
  if (!aoi && !choice.recipe.is_null())
    throw value.error("area needs an aoi: this grid covers the Earth")
        .hint("such as aoi: region.geojson, or aoi: [west, south, east, north]");
  Area area;
  TileGrid grid;
  grid.scheme = choice.recipe;
  grid.sequence_names = choice.sequence_names;
  TilePixels pixels = pixels_of_tiles(given, choice, value);
  read_buffer_and_split(given, pixels, value, grid);
  if (trial_resolution) coarsen_tiles(grid, pixels, *trial_resolution, area.coarsening);
  try {
    area.zones = choice.recipe.is_null()
                     ? take_listed(grid, {*given.grid->file, *given.grid->name, given.grid->layer},
                                   aoi, pixels)
                     : take_cells(grid, *aoi, pixels);
  } catch (Error& error) {
    error.at(grid_value.place());
    throw;
  }
  area.cells = std::move(grid);
  return area;
}

}  // namespace

Area resolve_area(const Value& value, std::optional<double> trial_resolution) {
  check_tile_unit(value);
  const Value with_bbox = bbox_spelled_out(value);
  AreaParameters given;
  Parameters parameters;
  given.declare(parameters);
  parameters.bind(with_bbox, "area");
  if (given.same_grid_as.empty() == !given.grid.has_value())
    throw value.error("area needs either same_grid_as or grid");
  const auto* const grid_value = value.find("grid");
  if (given.grid) given.grid->check(*grid_value);
  std::optional<AreaOfInterest> aoi;
  if (given.aoi) aoi = resolve_area_of_interest(*given.aoi, *value.find("aoi"));
  if (given.grid && !given.grid->in_numbers())
    return area_of_tiles(given, value, aoi, trial_resolution);
  return area_of_pixels(given, value, aoi, trial_resolution);
}

std::vector<Item> tile_items(const Area& area) {
  if (area.cells) return tiles_of(*area.cells, area.zones);
  auto items = tile_items(area.zones, area.tiling, area.coarsening);
  if (!area.kept) return items;
  const int64_t columns = area.tiling.columns(area.zones[0].grid);
  std::vector<bool> kept(items.size(), false);
  for (const auto& run : *area.kept)
    for (int64_t row = run.first_row; row <= run.last_row; ++row)
      kept[static_cast<size_t>(row * columns + run.column)] = true;
  std::vector<Item> out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!kept[i]) continue;
    items[i].index = static_cast<int64_t>(out.size());
    out.push_back(std::move(items[i]));
  }
  return out;
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
  Json json = {{"zones", zones},
               {"tile", {area.tiling.tile_width, area.tiling.tile_height}},
               {"coarsening", area.coarsening}};
  if (area.cells) json["cells"] = tile_grid_to_json(*area.cells);
  if (area.kept) json["kept"] = runs_to_json(*area.kept);
  return json;
}

Area area_from_json(const Json& json) {
  Area area;
  for (const auto& zone : json.at("zones"))
    area.zones.push_back({zone.at("name").get<std::string>(), grid_from_json(zone.at("grid"))});
  area.tiling.tile_width = json.at("tile").at(0).get<int64_t>();
  area.tiling.tile_height = json.at("tile").at(1).get<int64_t>();
  area.coarsening = json.at("coarsening").get<int64_t>();
  if (json.contains("cells")) area.cells = tile_grid_from_json(json.at("cells"));
  if (json.contains("kept")) area.kept = runs_from_json(json.at("kept"));
  return area;
}

}  // namespace geoloom::workflow
