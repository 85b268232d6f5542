// SPDX-License-Identifier: Apache-2.0
// geoloom grid: the tiles of an area, counted by zone and written as a vector file.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "gdal/vector_file.h"

namespace geoloom::cli {
namespace {

struct GridArguments {
  DocumentArguments document;
  std::string aoi, grid, pixel, buffer, split, output;
};

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

// "utm: 5000 m" as in a document, a preset's name, or "mgrs".
std::string grid_text(const std::string& grid) {
  if (grid.starts_with('{')) return grid;
  if (grid == "mgrs") return "{mgrs: true}";
  if (grid.find(": ") == std::string::npos) return fmt::format("{{preset: {}}}", quoted(grid));
  return fmt::format("{{{}}}", grid);
}

// Where no pixel is asked for, one that tiles usually are whole numbers of; "" where the grid has
// its own.
std::string usual_pixel(const std::string& grid) {
  for (const char* with_pixels : {"preset:", "web_mercator:", "resolution:"})
    if (grid.find(with_pixels) != std::string::npos) return "";
  return grid.find("batch: 3") != std::string::npos ? "0.0001" : "10";
}

// The `area` that the options spell.
workflow::Value area_of_options(const GridArguments& given) {
  if (given.grid.empty())
    throw Error(ErrorCode::invalid, "geoloom grid needs a workflow, or --aoi and --grid")
        .hint("such as geoloom grid --aoi region.geojson --grid 'utm: 5000 m'");
  const std::string grid = grid_text(given.grid);
  std::string text = fmt::format("grid: {}\n", grid);
  const bool numbers = given.aoi.find(',') != std::string::npos &&
                       given.aoi.find_first_not_of("0123456789+-.eE, ") == std::string::npos;
  if (!given.aoi.empty())
    text += numbers ? fmt::format("aoi: [{}]\n", given.aoi)
                    : fmt::format("aoi: {}\n",
                                  given.aoi.starts_with('{') ? given.aoi : quoted(given.aoi));
  const auto list = [&](const char* key, const std::string& value) {
    if (!value.empty()) text += fmt::format("{}: [{}]\n", key, value);
  };
  const std::string pixel = given.pixel.empty() ? usual_pixel(grid) : given.pixel;
  if (!pixel.empty()) text += fmt::format("resolution: {}\n", pixel);
  list("buffer", given.buffer);
  list("split", given.split);
  return workflow::parse_yaml(text, "command line");
}

workflow::Area area_of(const GridArguments& given) {
  if (given.document.workflow.empty()) return resolve_area(area_of_options(given), std::nullopt);
  if (!given.aoi.empty() || !given.grid.empty())
    throw Error(ErrorCode::invalid, "geoloom grid takes a workflow, or --aoi and --grid, not both");
  const auto document = given.document.load();
  if (document.area.is_null())
    throw Error(ErrorCode::invalid, "the workflow has no area")
        .at({.file = given.document.workflow});
  return resolve_area(document.area, std::nullopt);
}

void write_item(gdal::VectorWriter& writer, const workflow::Item& item, const std::string& zone) {
  constexpr double kPointsPerEdge = 8;
  auto shape = gdal::Geometry::box(item.grid.box());
  if (writer.geojson()) {
    const auto box = item.grid.box();
    shape = shape.densified(std::max(box.max_x - box.min_x, box.max_y - box.min_y) / kPointsPerEdge)
                .to_lon_lat(item.grid.crs);
  }
  writer.add(shape, {item.name, std::to_string(item.index), zone, std::to_string(item.window.width),
                     std::to_string(item.window.height)});
}

// GeoPackage: a layer per CRS, in its own coordinates. GeoJSON: one layer in degrees.
void write_tiles(const std::string& path, const std::vector<workflow::Zone>& zones,
                 const std::vector<workflow::Item>& items) {
  const std::vector<gdal::VectorWriter::Column> columns{
      {"name"}, {"index", true}, {"zone"}, {"width", true}, {"height", true}};
  gdal::VectorWriter writer(path);
  if (writer.geojson()) {
    writer.begin_layer("tiles", geo::Crs::parse("EPSG:4326"), columns);
    for (const auto& item : items) write_item(writer, item, zones[item.zone].name);
  } else {
    std::vector<std::string> order;
    std::map<std::string, std::vector<const workflow::Item*>> layers;
    for (const auto& item : items) {
      auto& layer = layers[item.grid.crs.name()];
      if (layer.empty()) order.push_back(item.grid.crs.name());
      layer.push_back(&item);
    }
    for (const auto& crs : order) {
      const auto known = geo::Crs::parse(crs);
      writer.begin_layer("Grid " + (known.code().empty() ? "tiles" : known.code()), known, columns);
      for (const auto* item : layers[crs]) write_item(writer, *item, zones[item->zone].name);
    }
  }
  writer.close();
}

std::map<size_t, size_t> counts_of(const std::vector<workflow::Item>& items) {
  std::map<size_t, size_t> counts;
  for (const auto& item : items) ++counts[item.zone];
  return counts;
}

void print(const std::vector<workflow::Zone>& zones, const std::vector<workflow::Item>& items,
           size_t all) {
  const auto counts = counts_of(items);
  for (const auto& [zone, count] : counts)
    std::cout << fmt::format("{:<12} {:>9} tiles  {}\n", zones[zone].name, count,
                             zones[zone].grid.text());
  std::cout << fmt::format("{} tile{} in {} zone{}", items.size(), items.size() == 1 ? "" : "s",
                           counts.size(), counts.size() == 1 ? "" : "s");
  if (items.size() < all) std::cout << fmt::format(", of {}", all);
  if (!items.empty())
    std::cout << fmt::format("; from {} to {}", items.front().name, items.back().name);
  std::cout << "\n";
}

void print_json(const std::vector<workflow::Zone>& zones,
                const std::vector<workflow::Item>& items) {
  auto out = workflow::OrderedJson::array();
  for (const auto& [zone, count] : counts_of(items))
    out.push_back(
        {{"name", zones[zone].name}, {"grid", zones[zone].grid.text()}, {"tiles", count}});
  std::cout << workflow::OrderedJson{{"tiles", items.size()}, {"zones", out}}.dump(1) << "\n";
}

}  // namespace

void add_grid(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "grid", "The tiles of an area: counts by zone, and as GeoPackage or GeoJSON");
  const auto arguments = std::make_shared<GridArguments>();
  arguments->document.add_to(*command);
  command->get_option("WORKFLOW")->required(false);
  for (const char* option : {"--only", "--resolution"})
    command->remove_option(command->get_option(option));
  command->add_option("--aoi", arguments->aoi,
                      "Without a workflow: a vector file, or west,south,east,north");
  command->add_option("--grid", arguments->grid,
                      "The grid as in a document: 'utm: 5000 m', 'batch: 0', africa_10, mgrs ...");
  command->add_option("--pixel", arguments->pixel, "Size of a pixel, as in '10 m' or 0.0001");
  command->add_option("--buffer", arguments->buffer, "As in '10 px' or '120 m, 60 m'");
  command->add_option("--split", arguments->split, "Columns and rows, as in '2, 1'");
  command->add_option("-o,--output", arguments->output, "Write them as .gpkg or .geojson");
  command->add_flag("--json", commands.json, "The counts as JSON on stdout");
  command->callback([arguments, &commands] {
    const auto area = area_of(*arguments);
    const auto all = tile_items(area);
    const auto items =
        workflow::select_items(all, {arguments->document.tiles, arguments->document.sample});
    if (!arguments->output.empty()) write_tiles(arguments->output, area.zones, items);
    if (commands.json)
      print_json(area.zones, items);
    else
      print(area.zones, items, all.size());
  });
}

}  // namespace geoloom::cli
