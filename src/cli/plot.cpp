// SPDX-License-Identifier: Apache-2.0
// geoloom plot: a place over time, of a layer or of the scenes a document loads, as a line chart
// and as a table.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <numeric>

#include "catalog/href.h"
#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/line_chart.h"
#include "cli/quantities.h"
#include "cli/raster_input.h"
#include "cli/scene_node.h"
#include "error/error.h"
#include "error/spelling.h"
#include "gdal/dataset.h"
#include "gdal/geotiff_writer.h"
#include "gdal/shape_mask.h"
#include "gdal/vector_file.h"
#include "ops/load/shape_placement.h"

namespace geoloom::cli {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 24;  // of a polygon's window

struct PlotArguments {
  std::string at, polygon, where, svg, png, csv, title, layer, store, step;
  std::vector<std::string> bands;
  int64_t width = 800, height = 400;
  bool spread = false;
  DocumentArguments document;

  void add_to(CLI::App& command) {
    auto* const place = command.add_option("--at", at, "LON,LAT in degrees: the pixel there");
    command
        .add_option("--polygon", polygon,
                    "A vector file: the mean of the pixels whose centres its shapes hold")
        ->excludes(place);
    command.add_option("--where", where, "Which features of the file, as in SQL: \"name = 'a'\"");
    command.add_option("--bands", bands, "Default: all that hold measures")->delimiter(',');
    command.add_option("--svg", svg, "Write the chart as SVG");
    command.add_option("--png", png, "Write the chart as PNG");
    command.add_option("--csv", csv, "Write the numbers");
    command.add_option("--title", title, "Default: what is shown, and where");
    command.add_flag("--spread", spread, "Draw a deviation above and below the means of a polygon");
    command.add_option("--width", width, "Of the chart in pixels; default: 800")
        ->check(CLI::Range(200, 8000));
    command.add_option("--height", height, "Default: 400")->check(CLI::Range(120, 8000));
  }
  std::string place() const { return at.empty() ? catalog::file_name_of(polygon) : at; }
};

// The pixels of one grid that a place has there.
struct Pixels {
  geo::Window window;
  std::vector<uint8_t> inside;  // 1 or 0
  size_t count() const {
    return static_cast<size_t>(std::count(inside.begin(), inside.end(), uint8_t{1}));
  }
};

Pixels pixel_at(const std::string& text, const geo::Grid& grid) {
  const auto place = parse_pair(text, "a place LON,LAT");
  const auto xy = geo::from_lon_lat(grid.crs, place.first, place.second);
  const auto position = grid.position(xy.x, xy.y);
  const geo::Window pixel{static_cast<int64_t>(std::floor(position.column)),
                          static_cast<int64_t>(std::floor(position.row)), 1, 1};
  if (!grid.window().contains(pixel)) return {};
  return {pixel, {1}};
}

void add_shape(const gdal::Geometry& shape, const geo::Grid& grid, Pixels& to) {
  const auto& window = to.window;
  const auto cell_of = [](int64_t pixel) {
    return pixel - (pixel % gdal::kMaskCell + gdal::kMaskCell) % gdal::kMaskCell;
  };
  std::vector<uint8_t> mask;
  for (int64_t y = cell_of(window.y); y < window.bottom(); y += gdal::kMaskCell) {
    for (int64_t x = cell_of(window.x); x < window.right(); x += gdal::kMaskCell) {
      const auto part = geo::Window{x, y, gdal::kMaskCell, gdal::kMaskCell}.intersect(window);
      mask.assign(static_cast<size_t>(part.pixels()), 0);
      gdal::mask_of_shape(shape, grid, part, false, mask);
      for (int64_t i = 0; i < part.pixels(); ++i) {
        const int64_t row = part.y + i / part.width - window.y;
        const int64_t column = part.x + i % part.width - window.x;
        auto& pixel = to.inside[static_cast<size_t>(row * window.width + column)];
        pixel = static_cast<uint8_t>(pixel | mask[static_cast<size_t>(i)]);
      }
    }
  }
}

// The shapes of a file on a grid, and the window around them.
Pixels pixels_of(const PlotArguments& arguments, const geo::Grid& grid) {
  const auto path = catalog::gdal_path(arguments.polygon);
  gdal::VectorQuery query;
  query.where = arguments.where;
  std::vector<gdal::Geometry> shapes;
  std::optional<geo::Box> bounds;
  for (const auto& layer : gdal::read_vectors(path, query)) {
    const ops::ShapePlacement placement(
        gdal::crs_of(layer, "", arguments.polygon, "a file that tells it"), grid, 0);
    for (const auto& feature : layer.features) {
      if (!placement.may_touch(feature.geometry)) continue;
      const auto& shape = feature.geometry;
      const auto valid =
          shape.all_polygons() && !shape.why_invalid().empty() ? shape.repaired() : shape;
      auto placed = placement.placed(placement.cut(valid));
      if (placed.empty()) continue;
      const auto box = placed.bounds();
      bounds =
          bounds ? geo::Box{std::min(bounds->min_x, box.min_x), std::min(bounds->min_y, box.min_y),
                            std::max(bounds->max_x, box.max_x), std::max(bounds->max_y, box.max_y)}
                 : box;
      shapes.push_back(std::move(placed));
    }
  }
  if (!bounds) return {};
  const auto from = grid.position(bounds->min_x, bounds->max_y);
  const auto to = grid.position(bounds->max_x, bounds->min_y);
  const auto x = static_cast<int64_t>(std::floor(from.column)),
             y = static_cast<int64_t>(std::floor(from.row));
  Pixels pixels;
  pixels.window = geo::Window{x, y, static_cast<int64_t>(std::floor(to.column)) + 1 - x,
                              static_cast<int64_t>(std::floor(to.row)) + 1 - y}
                      .intersect(grid.window());
  if (pixels.window.empty()) return {};
  if (pixels.window.pixels() > kMostPixels)
    throw Error(ErrorCode::invalid,
                fmt::format("{} spans {} x {} pixels, more than this command reads",
                            arguments.polygon, pixels.window.width, pixels.window.height))
        .hint("the op `statistics` measures whole layers");
  pixels.inside.assign(static_cast<size_t>(pixels.window.pixels()), 0);
  for (const auto& shape : shapes) add_shape(shape, grid, pixels);
  return pixels.count() > 0 ? pixels : Pixels{};
}

Pixels place_on(const PlotArguments& arguments, const geo::Grid& grid) {
  return arguments.at.empty() ? pixels_of(arguments, grid) : pixel_at(arguments.at, grid);
}

// What one band of one slice holds at a place.
struct Sample {
  raster::Slice slice;
  std::string band;
  size_t pixels = 0, valid = 0;                  // valid: with a finite value
  double mean = 0, sd = 0, least = 0, most = 0;  // of valid pixels
};

Sample sample_of(const raster::Block& block, const raster::Band& band, size_t index,
                 const raster::Slice& slice, const Pixels& pixels) {
  Sample sample{.slice = slice, .band = band.name, .pixels = pixels.count()};
  std::vector<double> values;
  const auto valid = block.validity(0, index);
  raster::visit(block.type(index), [&]<class T>(T) {
    const auto plane = block.plane<T>(index, 0);
    for (size_t i = 0; i < plane.size(); ++i) {
      if (pixels.inside[i] == 0 || valid[i] == 0) continue;
      const double value = static_cast<double>(plane[i]) * band.scale + band.offset;
      // Formulas leave infinities, of which there is no mean and no place on a chart.
      if (std::isfinite(value)) values.push_back(value);
    }
  });
  sample.valid = values.size();
  if (values.empty()) return sample;
  const auto n = static_cast<double>(values.size());
  sample.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  for (const double value : values) sample.sd += (value - sample.mean) * (value - sample.mean);
  sample.sd = values.size() > 1 ? std::sqrt(sample.sd / (n - 1)) : 0;
  sample.least = *std::min_element(values.begin(), values.end());
  sample.most = *std::max_element(values.begin(), values.end());
  return sample;
}

// Checks --bands and leaves out classes, of which there is no mean.
std::vector<size_t> chosen_bands(const std::vector<raster::Band>& bands,
                                 const std::vector<std::string>& asked) {
  std::vector<size_t> out;
  std::vector<std::string> names;
  for (const auto& band : bands) names.push_back(band.name);
  for (const auto& name : asked) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw Error(ErrorCode::invalid, fmt::format("--bands: there is no band '{}'", name))
          .hint(spelling_hint(name, names));
    out.push_back(static_cast<size_t>(found - names.begin()));
  }
  for (size_t i = 0; i < bands.size() && asked.empty(); ++i)
    if (bands[i].kind != raster::BandKind::category) out.push_back(i);
  for (const size_t i : out)
    if (bands[i].kind == raster::BandKind::category)
      throw Error(
          ErrorCode::invalid,
          fmt::format("--bands: '{}' holds classes, of which no line can be drawn", names[i]));
  if (out.empty()) throw Error(ErrorCode::invalid, "there is no band of measures to plot");
  return out;
}

Error outside(const PlotArguments& arguments) {
  return {ErrorCode::invalid, fmt::format("{} lies outside of the area", arguments.place())};
}

std::vector<Sample> samples_of_layer(const PlotArguments& arguments,
                                     const workflow::Registry& registry) {
  const auto input = RasterInput::open(arguments.layer, arguments.store, registry);
  raster::AssetPool pool(64);
  for (const auto& zone : input.zones()) {
    const auto pixels = place_on(arguments, zone.grid);
    if (pixels.window.empty() || zone.planes.empty()) continue;
    std::vector<raster::Band> bands;
    for (const auto& plane : zone.planes)
      if (plane.slice == zone.planes.front().slice) bands.push_back(plane.band);
    std::vector<std::string> names;
    for (const size_t band : chosen_bands(bands, arguments.bands))
      names.push_back(bands[band].name);
    std::vector<Sample> samples;
    for (const auto& plane : zone.planes)
      if (std::find(names.begin(), names.end(), plane.band.name) != names.end())
        samples.push_back(
            sample_of(zone.read(plane, pixels.window, pool), plane.band, 0, plane.slice, pixels));
    return samples;
  }
  throw outside(arguments);
}

std::vector<Sample> samples_of_scenes(const PlotArguments& arguments,
                                      const workflow::Registry& registry) {
  const auto run = arguments.document.create_run(registry);
  const auto where = scene_node(*run, arguments.step);
  raster::AssetPool pool(64);
  const auto zones = workflow::zone_items(run->zones());
  bool inside = false;
  for (auto item : zones) {
    const auto pixels = place_on(arguments, item.grid);
    if (pixels.window.empty()) continue;
    inside = true;
    item.labels =
        std::make_shared<const workflow::AxisLabels>(where.step->chains.front().chain->labels);
    const auto plan = where.step->plan(item, nullptr);
    if (plan.empty()) continue;
    const auto& source = plan.nodes[where.node].source;
    const auto& reader = *where.step->chains.front().sources[where.node];
    const auto bands = chosen_bands(source.schema.bands, arguments.bands);
    std::vector<Sample> samples;
    for (size_t i = 0; i < source.members.size(); ++i) {
      raster::Block block(source.schema, pixels.window, i, 1);
      (void)reader.read(source, source.members[i], block, 0, pool);
      for (const size_t band : bands)
        samples.push_back(
            sample_of(block, source.schema.bands[band], band, source.schema.slices[i], pixels));
    }
    return samples;
  }
  if (inside) return {};  // in the area, but no scene there
  throw outside(arguments);
}

LineChart chart_of(const std::vector<Sample>& samples, const PlotArguments& arguments,
                   const std::string& what) {
  LineChart chart;
  chart.title =
      arguments.title.empty() ? fmt::format("{} at {}", what, arguments.place()) : arguments.title;
  chart.width = arguments.width;
  chart.height = arguments.height;
  for (const auto& sample : samples) {
    auto line = std::find_if(chart.lines.begin(), chart.lines.end(),
                             [&](const auto& known) { return known.name == sample.band; });
    if (line == chart.lines.end()) line = chart.lines.insert(line, {sample.band, {}});
    if (sample.valid == 0) continue;
    const auto& period = sample.slice.period;
    line->points.push_back({period.start + (period.end - period.start) / 2, sample.mean,
                            arguments.spread ? sample.sd : 0});
  }
  for (auto& line : chart.lines)
    std::stable_sort(line.points.begin(), line.points.end(),
                     [](const auto& a, const auto& b) { return a.time < b.time; });
  return chart;
}

std::string csv_of(const std::vector<Sample>& samples) {
  std::string text = "start,end,label,band,pixels,valid,mean,sd,min,max\n";
  for (const auto& s : samples) {
    text +=
        fmt::format("{},{},\"{}\",{},{},{},", geo::format_time(s.slice.period.start),
                    geo::format_time(s.slice.period.end), s.slice.label, s.band, s.pixels, s.valid);
    text += s.valid == 0 ? std::string(",,,\n")
                         : fmt::format("{},{},{},{}\n", format_number(s.mean),
                                       s.valid > 1 ? format_number(s.sd) : "",
                                       format_number(s.least), format_number(s.most));
  }
  return text;
}

void write_plot(const std::vector<Sample>& samples, const PlotArguments& arguments,
                const std::string& what, const Commands& commands) {
  for (const auto& sample : samples)
    if (!sample.slice.timed)
      throw Error(ErrorCode::invalid,
                  fmt::format("'{}' of {} has no time", sample.slice.label, what))
          .hint("plots are over time; `geoloom pixel` shows single values");
  const auto chart = chart_of(samples, arguments, what);
  if (!arguments.csv.empty()) gdal::write_file(arguments.csv, csv_of(samples));
  if (!arguments.svg.empty()) gdal::write_file(arguments.svg, svg_of(chart));
  if (!arguments.png.empty()) {
    const auto picture = picture_of(chart);
    std::vector<const uint8_t*> planes;
    for (const auto& plane : picture.planes) planes.push_back(plane.data());
    gdal::write_png(arguments.png, picture.width, picture.height, planes);
  }
  auto lines = workflow::OrderedJson::array();
  for (const auto& line : chart.lines)
    lines.push_back({{"band", line.name}, {"dates", line.points.size()}});
  if (commands.json) {
    std::cout << workflow::OrderedJson{{"svg", arguments.svg},
                                       {"png", arguments.png},
                                       {"csv", arguments.csv},
                                       {"pixels", samples.front().pixels},
                                       {"bands", lines}}
                     .dump(1)
              << "\n";
    return;
  }
  for (const auto* file : {&arguments.svg, &arguments.png, &arguments.csv})
    if (!file->empty()) std::cout << *file << "\n";
  if (arguments.svg.empty() && arguments.png.empty() && arguments.csv.empty())
    std::cout << csv_of(samples);
}

void plot(const PlotArguments& arguments, bool layer, const Commands& commands) {
  if (arguments.at.empty() && arguments.polygon.empty())
    throw Error(ErrorCode::invalid, "a plot needs a place: --at LON,LAT or --polygon FILE");
  const auto samples = layer ? samples_of_layer(arguments, commands.registry)
                             : samples_of_scenes(arguments, commands.registry);
  if (samples.empty())
    throw Error(ErrorCode::empty, fmt::format("there is {} at {}", layer ? "nothing" : "no scene",
                                              arguments.place()));
  write_plot(samples, arguments,
             layer ? arguments.layer : catalog::file_name_of(arguments.document.workflow),
             commands);
}

}  // namespace

void add_plot(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand("plot", "A place over time as a line chart and a table");
  command->require_subcommand(1);
  const auto layer = std::make_shared<PlotArguments>(), scenes = std::make_shared<PlotArguments>();
  auto* of_layer = command->add_subcommand("layer", "Of what a run made");
  of_layer->add_option("LAYER", layer->layer, "LAYER or LAYER@RUN")->required();
  of_layer->add_option("--store", layer->store, "Default: that of the last run");
  layer->add_to(*of_layer);
  of_layer->add_flag("--json", commands.json, "As JSON");
  of_layer->callback([layer, &commands] { plot(*layer, true, commands); });
  auto* of_scenes =
      command->add_subcommand("scenes", "Of the scenes that a document loads, masked as it says");
  scenes->document.add_document_to(*of_scenes);
  of_scenes->add_option("--step", scenes->step,
                        "Whose scenes; default: the first step that loads some");
  scenes->add_to(*of_scenes);
  of_scenes->add_flag("--json", commands.json, "As JSON");
  of_scenes->callback([scenes, &commands] { plot(*scenes, false, commands); });
}

}  // namespace geoloom::cli
