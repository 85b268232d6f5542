// SPDX-License-Identifier: Apache-2.0
// geoloom view: thumbnails of all dates of a layer, or of the scenes a document loads, on one
// sheet.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

#include "cli/commands.h"
#include "cli/contact_sheet.h"
#include "cli/document_arguments.h"
#include "cli/layer_dates.h"
#include "cli/quantities.h"
#include "cli/scene_node.h"
#include "error/error.h"
#include "error/spelling.h"
#include "gdal/geotiff_writer.h"
#include "ops/layer_file.h"

namespace geoloom::cli {
namespace {

struct ViewArguments {
  std::string png, zone;
  std::vector<std::string> bands;
  int64_t size = 160, columns = 0;
  // Of a layer.
  std::string layer, store, run;
  // Of scenes.
  DocumentArguments document;
  std::string step;

  void add_to(CLI::App& command) {
    command.add_option("--png", png, "The picture to write")->required();
    command
        .add_option("--bands", bands,
                    "One band, or three as red, green and blue; default: red,green,blue where "
                    "they are there, else the first")
        ->delimiter(',');
    command.add_option("--size", size, "Longer side of a thumbnail in pixels; default: 160")
        ->check(CLI::Range(16, 2048));
    command.add_option("--columns", columns, "Thumbnails in a row; default: about a square sheet")
        ->check(CLI::Range(1, 1000));
    command.add_option("--zone", zone, "Of an area with several zones; default: the first");
  }
};

size_t zone_of(const std::vector<workflow::Zone>& zones, const std::string& name) {
  if (name.empty()) {
    if (zones.size() > 1)
      std::cerr << fmt::format("zone {} of {}; --zone chooses another\n", zones[0].name,
                               zones.size());
    return 0;
  }
  std::vector<std::string> names;
  for (size_t z = 0; z < zones.size(); ++z) {
    names.push_back(zones[z].name);
    if (zones[z].name == name) return z;
  }
  throw Error(ErrorCode::invalid, fmt::format("--zone: the area has no zone '{}'", name))
      .hint(spelling_hint(name, names));
}

std::vector<size_t> bands_of(const raster::CubeSchema& schema,
                             const std::vector<std::string>& asked) {
  const auto index = [&](const std::string& band) {
    return static_cast<size_t>(schema.band_index(band));
  };
  if (asked.empty()) {
    if (schema.find_band("red") >= 0 && schema.find_band("green") >= 0 &&
        schema.find_band("blue") >= 0)
      return {index("red"), index("green"), index("blue")};
    return {0};
  }
  if (asked.size() != 1 && asked.size() != 3)
    throw Error(ErrorCode::invalid,
                fmt::format("--bands: one band or three, got {}", asked.size()));
  std::vector<size_t> bands;
  for (const auto& band : asked) bands.push_back(index(band));
  return bands;
}

// One slice of the bands to be drawn, each with its own validity.
raster::CubeSchema drawn_schema(const raster::CubeSchema& schema,
                                const std::vector<size_t>& bands) {
  raster::CubeSchema drawn;
  for (const size_t band : bands) drawn.bands.push_back(schema.bands[band]);
  drawn.slices.resize(1);
  drawn.validity_per_band = true;
  return drawn;
}

Thumbnail blank(const geo::Grid& grid, size_t planes) {
  Thumbnail thumbnail{.width = grid.width, .height = grid.height};
  thumbnail.planes.assign(planes, std::vector<float>(static_cast<size_t>(grid.width * grid.height),
                                                     std::numeric_limits<float>::quiet_NaN()));
  return thumbnail;
}

// Puts the valid pixels of a block into a thumbnail whose grid begins at 0, 0.
void draw(const raster::Block& block, const std::vector<size_t>& bands, Thumbnail& thumbnail) {
  const auto& window = block.window();
  const auto part = window.intersect({0, 0, thumbnail.width, thumbnail.height});
  for (size_t i = 0; i < bands.size(); ++i)
    raster::visit(block.type(bands[i]), [&]<class T>(T) {
      const auto values = block.plane<T>(bands[i], 0);
      const auto valid = block.validity(0, block.validity_per_band() ? bands[i] : 0);
      for (int64_t y = part.y; y < part.bottom(); ++y)
        for (int64_t x = part.x; x < part.right(); ++x) {
          const auto from = static_cast<size_t>((y - window.y) * window.width + x - window.x);
          if (valid[from] != 0)
            thumbnail.planes[i][static_cast<size_t>(y * thumbnail.width + x)] =
                static_cast<float>(values[from]);
        }
    });
}

std::string percent_valid(const Thumbnail& thumbnail) {
  size_t valid = 0;
  for (const float value : thumbnail.planes.front()) valid += std::isfinite(value) ? 1 : 0;
  return fmt::format("{:.0f}%", 100.0 * static_cast<double>(valid) /
                                    static_cast<double>(thumbnail.planes.front().size()));
}

int64_t coarsening_for(const geo::Window& window, int64_t size) {
  return std::max<int64_t>(1, (std::max(window.width, window.height) + size - 1) / size);
}

void write_sheet(const std::vector<Thumbnail>& thumbnails, const ViewArguments& arguments,
                 const Commands& commands) {
  const auto sheet = contact_sheet(thumbnails, arguments.columns);
  std::vector<const uint8_t*> planes;
  for (const auto& plane : sheet.planes) planes.push_back(plane.data());
  gdal::write_png(arguments.png, sheet.width, sheet.height, planes);
  if (commands.json) {
    auto dates = workflow::OrderedJson::array();
    for (const auto& thumbnail : thumbnails) dates.push_back(thumbnail.text);
    std::cout << workflow::OrderedJson{{"picture", arguments.png},
                                       {"size", {sheet.width, sheet.height}},
                                       {"thumbnail", {thumbnails[0].width, thumbnails[0].height}},
                                       {"dates", dates}}
                     .dump(1)
              << "\n";
    return;
  }
  std::cout << arguments.png << "\n";
  std::cerr << fmt::format("{} of {} x {} pixels\n", counted(thumbnails.size(), "date"),
                           thumbnails[0].width, thumbnails[0].height);
}

geo::Window bounds_of(const std::vector<workflow::Item>& items, const LayerContent& content) {
  geo::Window bounds;
  for (const auto& date : content.dates)
    for (const auto& part : date.parts) {
      const auto& window = items[part.item].window;
      if (bounds.empty()) bounds = window;
      const auto right = std::max(bounds.right(), window.right());
      const auto bottom = std::max(bounds.bottom(), window.bottom());
      bounds.x = std::min(bounds.x, window.x);
      bounds.y = std::min(bounds.y, window.y);
      bounds.width = right - bounds.x;
      bounds.height = bottom - bounds.y;
    }
  return bounds;
}

void view_layer(const ViewArguments& arguments, const Commands& commands) {
  const auto opened =
      open_run_with_layer(arguments.store, arguments.run, arguments.layer, commands.registry);
  const size_t zone = zone_of(opened.run->zones(), arguments.zone);
  const auto content = layer_content(opened, arguments.layer, zone);
  if (content.dates.empty())
    throw Error(ErrorCode::missing, fmt::format("layer '{}' has no pixels yet", arguments.layer))
        .hint("`geoloom runs missing` tells what is to be made");
  const auto& items = opened.run->steps()[content.step].items;
  const auto bounds = bounds_of(items, content);
  const int64_t factor = coarsening_for(bounds, arguments.size);
  const auto grid = opened.run->zones()[zone].grid.sub(bounds).coarsened(factor);
  raster::AssetPool pool(64);
  std::vector<Thumbnail> thumbnails;
  for (const auto& date : content.dates) {
    for (const auto& part : date.parts) {
      const auto& item = items[part.item];
      const auto file = opened.state->files(arguments.layer, item, {}).front();
      const auto bands = bands_of(file.schema, arguments.bands);
      if (&part == &date.parts.front()) thumbnails.push_back(blank(grid, bands.size()));
      const int64_t x = (item.window.x - bounds.x) / factor,
                    y = (item.window.y - bounds.y) / factor;
      const geo::Window window{x, y, (item.window.right() - bounds.x + factor - 1) / factor - x,
                               (item.window.bottom() - bounds.y + factor - 1) / factor - y};
      raster::Block block(drawn_schema(file.schema, bands), window, 0, 1);
      ops::read_layer_file(file, grid, part.slice, bands, block, 0, pool);
      draw(block, ops::all_bands(bands.size()), thumbnails.back());
    }
    thumbnails.back().text = date.text() + " " + percent_valid(thumbnails.back());
  }
  write_sheet(thumbnails, arguments, commands);
}

// A run at a resolution at which the area is about a thumbnail. Tiles must be whole numbers of its
// pixels, so not every resolution is one.
std::unique_ptr<workflow::Run> coarse_run(ViewArguments& arguments, const Commands& commands) {
  if (!arguments.document.resolution.empty())
    return arguments.document.create_run(commands.registry);
  const auto document = arguments.document.load();
  const auto area = workflow::resolve_area(document.area, std::nullopt);
  const auto& grid = area.zones[zone_of(area.zones, arguments.zone)].grid;
  const int64_t wanted = coarsening_for(grid.window(), arguments.size);
  constexpr int64_t kMostTried = 4;
  for (int64_t factor = wanted; factor > 1 && factor <= kMostTried * wanted; ++factor) {
    const double resolution = grid.pixel_width * static_cast<double>(factor);
    try {
      (void)workflow::resolve_area(document.area, resolution);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid) throw;
      continue;
    }
    arguments.document.resolution = fmt::format("{}", resolution);
    return arguments.document.create_run(commands.registry);
  }
  if (wanted == 1) return arguments.document.create_run(commands.registry);
  throw Error(ErrorCode::invalid,
              fmt::format("the tiles have no coarser resolution at which the area fits {} pixels",
                          arguments.size))
      .hint("name one that tiles are whole numbers of with --resolution, or raise --size");
}

void view_scenes(ViewArguments& arguments, const Commands& commands) {
  const auto run = coarse_run(arguments, commands);
  const auto where = scene_node(*run, arguments.step);
  auto item = workflow::zone_items(run->zones())[zone_of(run->zones(), arguments.zone)];
  item.labels =
      std::make_shared<const workflow::AxisLabels>(where.step->chains.front().chain->labels);
  const auto plan = where.step->plan(item, nullptr);
  if (plan.empty()) throw Error(ErrorCode::empty, "no scene touches the area");
  const auto& source = plan.nodes[where.node].source;
  const auto& reader = *where.step->chains.front().sources[where.node];
  const auto bands = bands_of(source.schema, arguments.bands);
  raster::AssetPool pool(64);
  std::vector<Thumbnail> thumbnails;
  for (size_t i = 0; i < source.members.size(); ++i) {
    auto& thumbnail = thumbnails.emplace_back(blank(item.grid, bands.size()));
    const LayerDate date{source.schema.slices[i], {}, 0, 0};
    try {
      raster::Block block(source.schema, item.grid.window(), i, 1);
      (void)reader.read(source, source.members[i], block, 0, pool);
      draw(block, bands, thumbnail);
      thumbnail.text = date.text() + " " + percent_valid(thumbnail);
    } catch (const Error& error) {
      // One broken scene must not hide the others; it is told, and its picture is empty.
      if (error.code() != ErrorCode::missing && error.code() != ErrorCode::corrupt) throw;
      std::cerr << error.what() << "\n";
      thumbnail.text = date.text() + " broken";
    }
  }
  write_sheet(thumbnails, arguments, commands);
}

}  // namespace

void add_view(CLI::App& app, Commands& commands) {
  auto* command =
      app.add_subcommand("view", "Thumbnails of all dates of a layer or of scenes as one picture");
  command->require_subcommand(1);
  const auto layer = std::make_shared<ViewArguments>(), scenes = std::make_shared<ViewArguments>();
  auto* of_layer = command->add_subcommand("layer", "What a run made");
  of_layer->add_option("LAYER", layer->layer, "Name of the layer")->required();
  of_layer->add_option("--store", layer->store,
                       "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  of_layer->add_option("--run", layer->run, "Run id; default: the last that makes the layer");
  layer->add_to(*of_layer);
  of_layer->add_flag("--json", commands.json, "As JSON");
  of_layer->callback([layer, &commands] { view_layer(*layer, commands); });
  auto* of_scenes = command->add_subcommand(
      "scenes", "What a document loads, masked as it says, at a coarse resolution");
  scenes->document.add_to(*of_scenes);
  of_scenes->add_option("--step", scenes->step,
                        "The step whose scenes are shown; default: the first that loads any");
  scenes->add_to(*of_scenes);
  of_scenes->add_flag("--json", commands.json, "As JSON");
  of_scenes->callback([scenes, &commands] { view_scenes(*scenes, commands); });
}

}  // namespace geoloom::cli
