// SPDX-License-Identifier: Apache-2.0
#include "workflow/grid_parameter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace geoloom::workflow {
namespace {

// One length for both directions, or one for each.
std::pair<double, double> two_metres(const std::vector<std::string>& lengths, const Value& value,
                                     const char* key) {
  if (lengths.empty() || lengths.size() > 2)
    throw value.error(fmt::format("area.grid.{} needs one length, or two: along x and y", key));
  return {parse_metres(lengths.front(), value), parse_metres(lengths.back(), value)};
}

Json lattice_recipe(const geo::LatticeDefinition& lattice) {
  return {{"lattice",
           {{"crs", lattice.crs_code},
            {"origin", {lattice.origin_x, lattice.origin_y}},
            {"tile", {lattice.width, lattice.height}}}}};
}

SchemeChoice utm_choice(const UtmGridParameter& utm, const Value& value) {
  const auto [width, height] = two_metres(utm.size, value, "utm.size");
  std::pair<double, double> offset{0, 0};
  if (!utm.offset.empty()) offset = two_metres(utm.offset, value, "utm.offset");
  if (!(width > 0) || !(height > 0)) throw value.error("area.grid.utm.size must be positive");
  SchemeChoice choice;
  choice.recipe = {{"utm", {width, height, offset.first, offset.second}}};
  choice.sequence_names = utm.names == "eo-grow";
  return choice;
}

SchemeChoice lattice_choice(const GridParameter& given, const Value& value) {
  if (given.tile.size() > 2 || (!given.origin.empty() && given.origin.size() != 2))
    throw value.error("area.grid: tile is one or two sizes in CRS units, origin is [x, y]");
  geo::LatticeDefinition lattice;
  lattice.crs_code = *given.crs;
  if (!given.origin.empty()) {
    lattice.origin_x = given.origin[0];
    lattice.origin_y = given.origin[1];
  }
  lattice.width = given.tile.front();
  lattice.height = given.tile.back();
  if (!(lattice.width > 0) || !(lattice.height > 0))
    throw value.error("area.grid.tile must be positive");
  geo::Crs::parse(lattice.crs_code);
  SchemeChoice choice;
  choice.recipe = lattice_recipe(lattice);
  if (!given.resolution.empty())
    choice.pixels = {given.resolution.front(), given.resolution.back()};
  return choice;
}

SchemeChoice preset_choice(const std::string& name) {
  const auto preset = geo::grid_preset(name);
  SchemeChoice choice;
  choice.recipe = lattice_recipe(preset.lattice);
  choice.pixels = {preset.pixel_width, preset.pixel_height};
  choice.pixels_are_fixed = true;
  return choice;
}

SchemeChoice web_mercator_choice(const WebMercatorParameter& given) {
  SchemeChoice choice;
  choice.recipe = {{"web_mercator", given.zoom}};
  const geo::Box tile = geo::web_mercator_tiling(given.zoom)->cell_box(0, 0, 0);
  const double pixel = (tile.max_x - tile.min_x) / static_cast<double>(given.pixels);
  choice.pixels = {pixel, pixel};
  choice.pixels_are_fixed = true;
  return choice;
}

}  // namespace

void UtmGridParameter::declare(Parameters& p) {
  p.add("size", &size, "Width (and height) of a tile, as in '5000 m'").required().main();
  p.add("offset", &offset, "Moves the lattice in x (and y), as in '10 m'");
  p.add("names", &names,
        "`lattice`: zone, column and row, which no other area changes; `eo-grow`: that program's "
        "running numbers")
      .choices({"lattice", "eo-grow"});
}

void WebMercatorParameter::declare(Parameters& p) {
  p.add("zoom", &zoom, "Zoom level").required().main().range(0, 24);
  p.add("pixels", &pixels, "Pixels per tile").range(16, 4096);
}

void GridParameter::declare(Parameters& p) {
  p.add("crs", &crs, "EPSG code or WKT: a grid in numbers, or a lattice of tiles");
  p.add("origin", &origin,
        "In numbers: x and y of the outer corner of the upper left pixel. Of a lattice: a point "
        "where tiles meet, default [0, 0]");
  p.add("resolution", &resolution, "Pixel width (and height) in CRS units");
  p.add("size", &size, "In numbers: width and height in pixels");
  p.add("tile", &tile, "Of a lattice: width (and height) of a tile in CRS units");
  p.add("utm", &utm, "A lattice in each UTM zone");
  p.add(
      "preset", &preset,
      "A grid of Open Data Cube's statistics tools: africa_10, au_20 ..., or 'epsg:6933;10;9600'");
  p.add("batch", &batch, "A grid of Sentinel Hub's batch service: 0, 1, 2, 3, 6 or 7");
  p.add("mgrs", &mgrs, "Sentinel-2's granules");
  p.add("web_mercator", &web_mercator, "Tiles of the web's map");
  p.add("file", &file, "Vector file whose polygons are the tiles").meaning(Meaning::path);
  p.add("name", &name, "Column of the file that names them");
  p.add("layer", &layer, "Of a file with several; default: all");
}

void GridParameter::check(const Value& value) const {
  const std::array kinds{
      crs.has_value(),          utm.has_value(), preset.has_value(), batch.has_value(), mgrs,
      web_mercator.has_value(), file.has_value()};
  if (std::count(kinds.begin(), kinds.end(), true) != 1)
    throw value.error(
        "area.grid needs one of crs, utm, preset, batch, mgrs, web_mercator and file");
  if (!crs && (!origin.empty() || !resolution.empty() || !size.empty() || !tile.empty()))
    throw value.error("area.grid: origin, resolution, size and tile go with crs")
        .hint("the size of pixels is area.resolution");
  if (file.has_value() != name.has_value())
    throw value.error(file ? "area.grid.file needs `name`, the column that names tiles"
                           : "area.grid: name goes with file");
  if (layer && !file) throw value.error("area.grid: layer goes with file");
}

geo::Grid pixel_grid_of(const GridParameter& given, const Value& value) {
  if (given.origin.size() != 2 || given.size.size() != 2 || given.resolution.empty() ||
      given.resolution.size() > 2)
    throw value.error(
        "area.grid needs origin: [x, y], resolution: r or [rx, ry] and size: [width, height]");
  geo::Grid grid;
  grid.crs = geo::Crs::parse(*given.crs);
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

SchemeChoice scheme_choice_of(const GridParameter& given, const Value& value) {
  SchemeChoice choice;
  if (given.utm) return utm_choice(*given.utm, value);
  if (given.crs) return lattice_choice(given, value);
  if (given.preset) return preset_choice(*given.preset);
  if (given.web_mercator) return web_mercator_choice(*given.web_mercator);
  if (given.batch) {
    geo::batch_tiling(*given.batch);
    choice.recipe = {{"batch", *given.batch}};
  } else if (given.mgrs) {
    choice.recipe = {{"granules", true}};
  }
  return choice;
}

}  // namespace geoloom::workflow
