// SPDX-License-Identifier: Apache-2.0
#include "workflow/tile_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "catalog/href.h"
#include "gdal/vector_file.h"

namespace geoloom::workflow {
namespace {

// Beyond this a list of tiles does not fit a machine's memory.
constexpr int64_t kMaxTiles = 50'000'000;
constexpr double kWholeTolerance = 1e-6;

int64_t pixels_along(double length, double pixel, const char* what) {
  const double count = length / pixel;
  const double whole = std::round(count);
  if (whole >= 1 && std::abs(count - whole) <= kWholeTolerance * whole)
    return static_cast<int64_t>(whole);
  throw Error(ErrorCode::invalid,
              fmt::format("{} of {} is not a whole number of pixels of {}", what, length, pixel))
      .hint("choose another `resolution`, or another size of tiles");
}

int64_t pixel_at(double position, double origin, double pixel) {
  return std::llround((position - origin) / pixel);
}

// Grows to hold boxes; becomes the grid of a zone.
struct Extent {
  geo::Box box;
  bool any = false;
  void add(const geo::Box& b) {
    if (!any) box = b;
    any = true;
    box = {std::min(box.min_x, b.min_x), std::min(box.min_y, b.min_y), std::max(box.max_x, b.max_x),
           std::max(box.max_y, b.max_y)};
  }
  geo::Grid grid(const std::string& crs_code, const TilePixels& pixels,
                 const TileGrid& tiles) const {
    geo::Grid out;
    out.crs = geo::Crs::parse(crs_code);
    out.pixel_width = pixels.width;
    out.pixel_height = pixels.height;
    out.origin_x = box.min_x - static_cast<double>(tiles.buffer_x) * pixels.width;
    out.origin_y = box.max_y + static_cast<double>(tiles.buffer_y) * pixels.height;
    out.width = pixel_at(box.max_x, box.min_x, pixels.width) + 2 * tiles.buffer_x;
    out.height = pixel_at(box.max_y, box.min_y, pixels.height) + 2 * tiles.buffer_y;
    return out;
  }
};

// Where a box lies between the pixels of a grid through (0, 0), in thousandths of CRS units.
std::pair<int64_t, int64_t> phase_of(const geo::Box& box, const TilePixels& pixels) {
  const auto phase = [](double position, double pixel) {
    const double rest = position - std::floor(position / pixel + kWholeTolerance) * pixel;
    return std::llround(std::max(0.0, rest) * 1000);
  };
  return {phase(box.min_x, pixels.width), phase(box.max_y, pixels.height)};
}

std::string zone_name(const std::string& name, const std::pair<int64_t, int64_t>& phase) {
  if (phase.first == 0 && phase.second == 0) return name;
  return fmt::format("{}_{}_{}", name, static_cast<double>(phase.first) / 1000,
                     static_cast<double>(phase.second) / 1000);
}

void check_pixels(const TileGrid& grid, const geo::Box& cell, const TilePixels& pixels) {
  const int64_t width = pixels_along(cell.max_x - cell.min_x, pixels.width, "a tile's width");
  const int64_t height = pixels_along(cell.max_y - cell.min_y, pixels.height, "a tile's height");
  if (width % grid.split_x == 0 && height % grid.split_y == 0) return;
  throw Error(ErrorCode::invalid,
              fmt::format("a tile of {} x {} pixels cannot be split into {} x {} equal parts",
                          width, height, grid.split_x, grid.split_y));
}

// Which zones of the area a zone of the scheme becomes, with their cells.
class ZoneMaker {
 public:
  ZoneMaker(TileGrid& grid, const geo::TilingScheme& scheme, const TilePixels& pixels)
      : grid_(grid), scheme_(scheme), pixels_(pixels) {}

  void add(size_t scheme_zone, const std::vector<geo::CellRun>& cells) {
    if (cells.empty()) return;
    for (const auto& run : cells) count_ += run.count();
    if (count_ * grid_.split_x * grid_.split_y > kMaxTiles)
      throw Error(ErrorCode::resource, fmt::format("more than {} tiles", kMaxTiles))
          .hint("use larger tiles, or divide the area");
    check_pixels(grid_, scheme_.cell_box(scheme_zone, cells[0].column, cells[0].first_row),
                 pixels_);
    if (scheme_.ordered_by_name()) return add_by_phase(scheme_zone, cells);
    Extent extent;
    for (const auto& run : cells)
      for (const int64_t row : {run.first_row, run.last_row})
        extent.add(scheme_.cell_box(scheme_zone, run.column, row));
    finish(scheme_zone, scheme_.zones()[scheme_zone].name, extent, cells);
  }
  std::vector<Zone> take() { return std::move(zones_); }

 private:
  void add_by_phase(size_t scheme_zone, const std::vector<geo::CellRun>& cells) {
    std::map<std::pair<int64_t, int64_t>, std::pair<Extent, std::vector<geo::CellRun>>> phases;
    for (const auto& run : cells) {
      for (int64_t row = run.first_row; row <= run.last_row; ++row) {
        const geo::Box box = scheme_.cell_box(scheme_zone, run.column, row);
        auto& [extent, runs] = phases[phase_of(box, pixels_)];
        extent.add(box);
        if (!runs.empty() && runs.back().column == run.column && runs.back().last_row + 1 == row)
          runs.back().last_row = row;
        else
          runs.push_back({run.column, row, row});
      }
    }
    for (const auto& [phase, found] : phases)
      finish(scheme_zone, zone_name(scheme_.zones()[scheme_zone].name, phase), found.first,
             found.second);
  }
  void finish(size_t scheme_zone, std::string name, const Extent& extent,
              const std::vector<geo::CellRun>& cells) {
    zones_.push_back(
        {std::move(name), extent.grid(scheme_.zones()[scheme_zone].crs_code, pixels_, grid_)});
    grid_.zones.push_back({scheme_zone, cells, {}});
  }

  TileGrid& grid_;
  const geo::TilingScheme& scheme_;
  const TilePixels& pixels_;
  std::vector<Zone> zones_;
  int64_t count_ = 0;
};

geo::Box without_edge(const geo::Box& box, double edge_x, double edge_y) {
  return {box.min_x + edge_x, box.min_y + edge_y, box.max_x - edge_x, box.max_y - edge_y};
}

// The cells of a zone that a shape in its CRS takes. Where `touching` does not count, an overlap of
// less than a billionth of a cell is none: an area that ends where a cell begins leaves it out.
std::vector<geo::CellRun> cells_under(const geo::TilingScheme& scheme, size_t zone,
                                      const gdal::Geometry& shape, bool touching) {
  if (shape.empty()) return {};
  const gdal::PreparedGeometry prepared(shape);
  const auto range = scheme.range_over(zone, shape.bounds());
  if (range.empty()) return {};
  const geo::Box cell = scheme.cell_box(zone, range.first_column, range.first_row);
  const double share = touching ? 0 : 1e-9;
  const double edge_x = share * (cell.max_x - cell.min_x),
               edge_y = share * (cell.max_y - cell.min_y);
  return geo::cover(scheme, zone, range, [&](const geo::Box& box) {
    return prepared.overlap(without_edge(box, edge_x, edge_y));
  });
}

void refuse_outside(const AreaOfInterest& aoi, const geo::Box& defined, const char* where) {
  if (aoi.drop_outside) return;
  const auto rest = aoi.lon_lat.difference(gdal::Geometry::box(defined));
  if (rest.area() <= 1e-12 * aoi.lon_lat.area()) return;
  throw Error(ErrorCode::invalid, fmt::format("{:.3g} % of the area of interest lies {}",
                                              100 * rest.area() / aoi.lon_lat.area(), where))
      .hint("leave it out with `outside: drop` in aoi, or choose a grid that is defined there");
}

// The area divided by the strips of the zones; vertices are transformed one by one, as eo-grow does
// it, so that the same cells are found.
std::vector<geo::CellRun> cells_of_strip(const geo::TilingScheme& scheme, size_t zone,
                                         const AreaOfInterest& aoi) {
  const auto& strip = *scheme.zones()[zone].strip;
  if (!aoi.lon_lat.bounds().intersects(strip.strip_box())) return {};
  const auto piece = aoi.lon_lat.intersection(gdal::Geometry::polygon(strip.strip()));
  if (piece.area() == 0) return {};
  const auto operation = geo::CoordinateOperation::between(geo::Crs::parse("EPSG:4326"),
                                                           geo::Crs::parse(strip.crs_code()));
  return cells_under(scheme, zone, piece.transformed(operation), true);
}

// Squares reach over the border of their zone by up to 9 degrees near the poles.
std::vector<geo::CellRun> cells_on_squares(const geo::TilingScheme& scheme, size_t zone,
                                           const AreaOfInterest& aoi) {
  constexpr double kReach = 9, kStep = 0.05;
  const auto& strip = *scheme.zones()[zone].strip;
  const geo::Box wide{strip.west() - kReach, strip.north ? -0.2 : geo::kUtmSouth - 0.5,
                      strip.west() + 6 + kReach, strip.north ? geo::kUtmNorth + 0.5 : 0.2};
  std::vector<gdal::Geometry> pieces;
  for (const double turn : {-360.0, 0.0, 360.0}) {
    geo::Box bounds = aoi.lon_lat.bounds();
    bounds.min_x += turn;
    bounds.max_x += turn;
    if (!bounds.intersects(wide)) continue;
    pieces.push_back(aoi.lon_lat.moved(turn, 0).intersection(gdal::Geometry::box(wide)));
  }
  const auto piece = gdal::Geometry::united(pieces);
  if (piece.area() == 0) return {};
  const auto operation = geo::CoordinateOperation::between(geo::Crs::parse("EPSG:4326"),
                                                           geo::Crs::parse(strip.crs_code()));
  return cells_under(scheme, zone, piece.densified(kStep).transformed(operation), false);
}

std::vector<geo::CellRun> cells_of_plane(const geo::TilingScheme& scheme,
                                         const AreaOfInterest& aoi) {
  const auto crs = geo::Crs::parse(scheme.zones()[0].crs_code);
  if (crs.code() != "EPSG:3857") return cells_under(scheme, 0, aoi.in(crs), false);
  // The web's Mercator map is a square that ends where latitude does not.
  constexpr double kWebNorth = 85.0511287798066;
  const geo::Box square{-180, -kWebNorth, 180, kWebNorth};
  refuse_outside(aoi, square, "beyond 85.05 degrees of latitude, where the web's map ends");
  AreaOfInterest inside = aoi;
  inside.crs = geo::Crs::parse("EPSG:4326");
  inside.lon_lat = inside.shape = aoi.lon_lat.intersection(gdal::Geometry::box(square));
  return inside.lon_lat.empty() ? std::vector<geo::CellRun>()
                                : cells_under(scheme, 0, inside.in(crs), false);
}

// Polygons of a file that lie on one pixel grid.
struct ListedZone {
  std::string crs_code;
  Extent extent;
  std::vector<std::pair<std::string, geo::Box>> tiles;
};

geo::Window window_of(const geo::Box& box, const geo::Grid& zone, const TileGrid& grid) {
  const int64_t x = pixel_at(box.min_x, zone.origin_x, zone.pixel_width) - grid.buffer_x;
  const int64_t y = pixel_at(zone.origin_y, box.max_y, zone.pixel_height) - grid.buffer_y;
  return {x, y, pixel_at(box.max_x, box.min_x, zone.pixel_width) + 2 * grid.buffer_x,
          pixel_at(box.max_y, box.min_y, zone.pixel_height) + 2 * grid.buffer_y};
}

void check_listed(const gdal::VectorLayer& layer, const GridFile& file) {
  if (layer.crs.known()) return;
  Place place;
  place.file = file.path;
  throw Error(ErrorCode::invalid, fmt::format("layer '{}' of the grid does not tell its coordinate "
                                              "reference system",
                                              layer.name))
      .at(place)
      .hint("write it as GeoPackage, or with a .prj beside the Shapefile");
}

}  // namespace

std::shared_ptr<const geo::TilingScheme> scheme_of(const Json& recipe) {
  if (recipe.contains("utm")) {
    const auto& utm = recipe.at("utm");
    return geo::utm_tiling(utm.at(0).get<double>(), utm.at(1).get<double>(),
                           utm.at(2).get<double>(), utm.at(3).get<double>());
  }
  if (recipe.contains("batch")) return geo::batch_tiling(recipe.at("batch").get<int64_t>());
  if (recipe.contains("granules")) return geo::granule_tiling();
  if (recipe.contains("web_mercator"))
    return geo::web_mercator_tiling(recipe.at("web_mercator").get<int64_t>());
  const auto& lattice = recipe.at("lattice");
  return geo::lattice_tiling(
      {lattice.at("crs").get<std::string>(), lattice.at("origin").at(0).get<double>(),
       lattice.at("origin").at(1).get<double>(), lattice.at("tile").at(0).get<double>(),
       lattice.at("tile").at(1).get<double>()});
}

std::vector<Zone> take_cells(TileGrid& grid, const AreaOfInterest& aoi, const TilePixels& pixels) {
  const auto scheme = scheme_of(grid.scheme);
  ZoneMaker maker(grid, *scheme, pixels);
  grid.zones.clear();
  if (scheme->zones().front().strip)
    refuse_outside(aoi, {-180, geo::kUtmSouth, 180, geo::kUtmNorth},
                   "north of 84 or south of 80 degrees, where UTM is not defined");
  for (size_t zone = 0; zone < scheme->zones().size(); ++zone) {
    if (scheme->divides_area_by_strip())
      maker.add(zone, cells_of_strip(*scheme, zone, aoi));
    else if (scheme->zones()[zone].strip)
      maker.add(zone, cells_on_squares(*scheme, zone, aoi));
    else
      maker.add(zone, cells_of_plane(*scheme, aoi));
  }
  auto zones = maker.take();
  if (zones.empty())
    throw Error(ErrorCode::invalid,
                fmt::format("no tile of the grid meets the area of interest ({})", aoi.source))
        .hint("the area may be outside of where the grid is defined");
  return zones;
}

std::vector<Zone> take_listed(TileGrid& grid, const GridFile& file,
                              const std::optional<AreaOfInterest>& aoi, const TilePixels& pixels) {
  Place place;
  place.file = file.path;
  const auto layers = gdal::read_vectors(
      catalog::gdal_path(file.path),
      {.layer = file.layer.value_or(""), .where = "", .columns = {file.name_column}});
  std::map<std::pair<std::string, std::pair<int64_t, int64_t>>, ListedZone> found;
  std::set<std::string> names;
  for (const auto& layer : layers) {
    if (layer.features.empty()) continue;
    check_listed(layer, file);
    const std::string crs_code = layer.crs.name();
    std::optional<gdal::PreparedGeometry> wanted;
    if (aoi) wanted.emplace(aoi->in(layer.crs));
    for (const auto& feature : layer.features) {
      const auto& name = feature.values[0];
      const geo::Box box = feature.geometry.bounds();
      if (wanted && wanted->overlap(box) == geo::Overlap::none) continue;
      if (!usable_as_name(name))
        throw Error(ErrorCode::invalid, fmt::format("'{}' cannot name a tile (feature {} of '{}')",
                                                    name, feature.id, layer.name))
            .at(place)
            .hint("names are file names: up to 100 letters, digits, '_' and '-'");
      if (!names.insert(name).second)
        throw Error(ErrorCode::invalid, fmt::format("two tiles are called '{}'", name))
            .at(place)
            .hint("name a column whose values are unique");
      try {
        check_pixels(grid, box, pixels);
      } catch (Error& error) {
        place.item = name;
        throw error.at(place);
      }
      auto& zone = found[{crs_code, phase_of(box, pixels)}];
      zone.crs_code = crs_code;
      zone.extent.add(box);
      zone.tiles.emplace_back(name, box);
    }
  }
  if (found.empty())
    throw Error(ErrorCode::invalid,
                aoi ? "no tile of the grid meets the area of interest" : "the grid holds no tiles")
        .at(place);
  grid.zones.clear();
  std::vector<Zone> zones;
  for (const auto& [key, listed] : found) {
    const auto crs = geo::Crs::parse(listed.crs_code);
    const auto base = crs.code().empty() ? std::string("grid") : crs.code();
    zones.push_back(
        {zone_name(base, key.second), listed.extent.grid(listed.crs_code, pixels, grid)});
    TileGrid::ZoneTiles tiles;
    for (const auto& [name, box] : listed.tiles)
      tiles.listed.push_back({name, window_of(box, zones.back().grid, grid)});
    grid.zones.push_back(std::move(tiles));
  }
  return zones;
}

}  // namespace geoloom::workflow
