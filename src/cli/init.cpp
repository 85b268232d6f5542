// SPDX-License-Identifier: Apache-2.0
// geoloom init: a starter document for a kind of product, or for an archive.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "catalog/stac_api.h"
#include "cli/commands.h"
#include "cli/starters.h"
#include "error/spelling.h"
#include "http/url.h"
#include "workflow/sensor_file.h"

namespace geoloom::cli {
namespace {

struct InitArguments {
  std::string kind;
  std::string stac, collection, period = "2023-06..2023-08", sensor, output, name = "first-map";
  std::vector<double> bbox;
  std::vector<std::string> bands;
};

// The sensor whose name the collection's begins with or holds; "generic" if none.
std::string sensor_for(const std::string& collection) {
  std::string lower = collection;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::replace(lower.begin(), lower.end(), '_', '-');
  for (const auto& name : workflow::sensor_names())
    if (lower.find(name) != std::string::npos) return name;
  const std::vector<std::pair<std::string, std::string>> others{
      {"sentinel-2-c1-l2a", "sentinel-2-l2a"},
      {"s2-l2a", "sentinel-2-l2a"},
      {"s2-l1c", "sentinel-2-l1c"},
      {"landsat-8-c2", "landsat-c2-l2"},
      {"landsat-c2", "landsat-c2-l2"},
      {"modis-13q1", "modis-13q1"},
      {"modis-09", "modis-09a1"},
      {"cop-dem", "cop-dem"}};
  for (const auto& [part, sensor] : others)
    if (lower.find(part) != std::string::npos) return sensor;
  return "generic";
}

// A north-up UTM grid around a box, its edges on whole multiples of 60 m.
struct StarterGrid {
  std::string crs;
  double min_x = 0, max_y = 0, resolution = 10;
  int64_t width = 0, height = 0;
};

StarterGrid grid_around(const std::vector<double>& bbox, double resolution) {
  const double lon = (bbox[0] + bbox[2]) / 2, lat = (bbox[1] + bbox[3]) / 2;
  const int zone = std::clamp(static_cast<int>(std::floor((lon + 180) / 6)) + 1, 1, 60);
  StarterGrid grid;
  grid.crs = fmt::format("EPSG:{}", (lat >= 0 ? 32600 : 32700) + zone);
  grid.resolution = resolution;
  const auto crs = geo::Crs::parse(grid.crs);
  double min_x = 1e30, min_y = 1e30, max_x = -1e30, max_y = -1e30;
  for (const double x : {bbox[0], lon, bbox[2]})
    for (const double y : {bbox[1], lat, bbox[3]}) {
      const auto at = geo::from_lon_lat(crs, x, y);
      min_x = std::min(min_x, at.x);
      max_x = std::max(max_x, at.x);
      min_y = std::min(min_y, at.y);
      max_y = std::max(max_y, at.y);
    }
  const double step = std::max(60.0, resolution);
  grid.min_x = std::floor(min_x / step) * step;
  grid.max_y = std::ceil(max_y / step) * step;
  grid.width = static_cast<int64_t>(std::ceil((max_x - grid.min_x) / step) * step / resolution);
  grid.height = static_cast<int64_t>(std::ceil((grid.max_y - min_y) / step) * step / resolution);
  return grid;
}

std::vector<std::string> starter_bands(const catalog::Sensor& sensor) {
  std::vector<std::string> bands;
  for (const char* name : {"red", "green", "blue"})
    if (sensor.find(name)) bands.emplace_back(name);
  if (bands.empty() && !sensor.bands.empty()) bands.push_back(sensor.bands.front().name);
  if (bands.empty()) bands.emplace_back("NAME");
  return bands;
}

double resolution_of(const catalog::Sensor& sensor, const std::vector<std::string>& bands) {
  double finest = 0;
  for (const auto& name : bands) {
    const auto* band = sensor.find(name);
    if (band && band->resolution_m && (finest == 0 || *band->resolution_m < finest))
      finest = *band->resolution_m;
  }
  return finest == 0 ? 10 : finest;
}

// What the mask keeps away, by number, where the sensor has a class band.
std::string mask_line(const catalog::Sensor& sensor) {
  for (const auto& mask : sensor.masks) {
    if (mask.kind != catalog::SensorBandKind::classes) continue;
    std::vector<int64_t> drop;
    for (const auto& each : mask.classes)
      if (std::find(mask.usual.begin(), mask.usual.end(), each.name) != mask.usual.end())
        drop.insert(drop.end(), each.values.begin(), each.values.end());
    std::sort(drop.begin(), drop.end());
    return fmt::format("    mask: {{band: {}, drop: [{}]}}   # {}\n", mask.band,
                       fmt::join(drop, ", "), fmt::join(mask.usual, ", "));
  }
  return "";
}

std::string document_of(const InitArguments& arguments, const std::string& title,
                        std::optional<size_t> items) {
  const auto sensor = workflow::find_sensor(arguments.sensor);
  const auto bands = arguments.bands.empty() ? starter_bands(sensor) : arguments.bands;
  const auto grid = grid_around(arguments.bbox, resolution_of(sensor, bands));
  std::string text = fmt::format(
      "# A starter document. `geoloom plan FILE` tells what it would do, `geoloom run FILE` does "
      "it.\ngeoloom: 1\nname: {}\nparams:\n  period:  {{type: period, default: \"{}\"}}\n"
      "  results: {{type: path, default: out/{}}}\nstore: $results\n",
      arguments.name, arguments.period, arguments.name);
  text += fmt::format(
      "area:\n  # Around west {}, south {}, east {}, north {}.\n"
      "  grid: {{crs: \"{}\", origin: [{}, {}], resolution: {}, size: [{}, {}]}}\n"
      "  tiles: 1024 px\n",
      arguments.bbox[0], arguments.bbox[1], arguments.bbox[2], arguments.bbox[3], grid.crs,
      grid.min_x, grid.max_y, grid.resolution, grid.width, grid.height);
  text += fmt::format(
      "sources:\n  archive:{}{}\n    stac: {}\n    collection: {}\n"
      "    sensor: {}   # `geoloom sensors {}`\n    where: {{eo:cloud_cover: \"< 60\"}}\n{}",
      title.empty() ? "" : "   # " + title,
      items ? fmt::format("; {} items in this area and period", *items) : "", arguments.stac,
      arguments.collection, arguments.sensor, arguments.sensor, mask_line(sensor));
  text += fmt::format(
      "    # exclude: bad-scenes.csv          # id, reason\n"
      "    # auth: {{bearer: {{secret: TOKEN}}}}  # and `secrets: [TOKEN]` above\n"
      "steps:\n  composite:\n    over: tiles\n    do:\n"
      "      - load: {{source: archive, period: $period, bands: [{}]}}\n"
      "      - reduce: {{stat: median}}\n      - save: {{layer: composite}}\n"
      "  map:\n    do:\n      - mosaic: {{layer: composite, as: map}}\n",
      fmt::join(bands, ", "));
  return text;
}

void check_bbox(const std::vector<double>& bbox) {
  const bool good = bbox.size() == 4 && bbox[0] < bbox[2] && bbox[1] < bbox[3] && bbox[0] >= -180 &&
                    bbox[2] <= 180 && bbox[1] > -84 && bbox[3] < 84;
  if (!good)
    throw Error(ErrorCode::invalid, "--bbox needs west,south,east,north in degrees")
        .hint("such as --bbox 3.1,50.7,3.3,50.9; west below east");
}

void write_out(const std::string& text, const std::string& path) {
  if (path.empty()) {
    std::cout << text;
    return;
  }
  if (std::filesystem::exists(path))
    throw Error(ErrorCode::invalid, "the file exists already").at({.file = path});
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush())
    throw Error(ErrorCode::denied, "the file cannot be written").at({.file = path});
  std::cerr << fmt::format("wrote {}; next: geoloom plan {}\n", path, path);
}

// "A cloud-free composite of a season: ..." of a starter's first comment.
std::string_view first_line(std::string_view text) {
  const auto line = text.substr(0, text.find('\n'));
  return line.substr(std::min(line.size(), line.find_first_not_of("# ")));
}

void list_kinds() {
  for (const auto& [name, text] : starter_table())
    std::cout << fmt::format("{:<12} {}\n", name, first_line(text));
  std::cerr << "next: geoloom init KIND -o FILE, or --stac ADDRESS --bbox W,S,E,N for an archive\n";
}

void write_starter(const InitArguments& arguments) {
  std::vector<std::string> known;
  for (const auto& [name, text] : starter_table()) {
    if (name == arguments.kind) return write_out(std::string(text), arguments.output);
    known.emplace_back(name);
  }
  throw Error(ErrorCode::invalid, fmt::format("there is no starter '{}'", arguments.kind))
      .hint(spelling_hint(arguments.kind, known));
}

void initialise_document(InitArguments arguments) {
  check_bbox(arguments.bbox);
  catalog::ArchiveAccess access;
  catalog::ArchiveClient client(access);
  catalog::StacApi api(arguments.stac, client);
  if (arguments.collection.empty()) {
    const auto known = api.collection_ids();
    throw Error(ErrorCode::invalid, "which collection? Say --collection NAME")
        .hint(fmt::format("there are: {}", fmt::join(known, ", ")));
  }
  const auto collection = api.collection(arguments.collection);
  if (arguments.sensor.empty()) arguments.sensor = sensor_for(arguments.collection);
  catalog::StacSearch search;
  search.collections = {arguments.collection};
  search.period = geo::parse_period(arguments.period);
  search.bbox =
      geo::Box{arguments.bbox[0], arguments.bbox[1], arguments.bbox[2], arguments.bbox[3]};
  const auto title = collection.find("title");
  const bool titled = title != collection.end() && title->is_string();
  auto name = titled ? title->get<std::string>() : std::string();
  std::replace(name.begin(), name.end(), '\n', ' ');
  write_out(document_of(arguments, name, api.count(search)), arguments.output);
}

void initialise(const InitArguments& arguments) {
  const bool archive = !arguments.stac.empty();
  if (archive && !arguments.kind.empty())
    throw Error(ErrorCode::invalid, "init writes a starter for a kind, or for an archive")
        .hint("give KIND or --stac");
  if (archive) return initialise_document(arguments);
  if (!arguments.bbox.empty())
    throw Error(ErrorCode::invalid, "--bbox belongs to an archive").hint("name it with --stac");
  arguments.kind.empty() ? list_kinds() : write_starter(arguments);
}

}  // namespace

void add_init(CLI::App& app, Commands&) {
  auto* command = app.add_subcommand(
      "init", "Write a starter document: for a kind of product, or for an archive");
  const auto arguments = std::make_shared<InitArguments>();
  command->add_option("KIND", arguments->kind, "Kind of product; without it: which there are");
  command->add_option("--stac", arguments->stac, "Address of a STAC API's landing page");
  command->add_option("--bbox", arguments->bbox, "west,south,east,north in degrees")
      ->delimiter(',')
      ->expected(4);
  command->add_option("--collection", arguments->collection, "Collection; without it: which");
  command->add_option("--period", arguments->period, "Such as 2023 or 2023-06..2023-08")
      ->capture_default_str();
  command->add_option("--bands", arguments->bands, "Bands by name or common name")->delimiter(',');
  command->add_option("--sensor", arguments->sensor, "See `geoloom sensors`; default: by name");
  command->add_option("--name", arguments->name, "Name of the workflow")->capture_default_str();
  command->add_option("-o,--output", arguments->output, "File to write; default: standard output");
  command->callback([arguments] { initialise(*arguments); });
}

}  // namespace geoloom::cli
