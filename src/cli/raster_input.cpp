// SPDX-License-Identifier: Apache-2.0
#include "cli/raster_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/href.h"
#include "cli/layer_dates.h"
#include "error/error.h"
#include "gdal/dataset.h"
#include "ops/layer_file.h"
#include "raster/asset.h"

namespace geoloom::cli {
namespace {

raster::Band band_of(const gdal::BandInfo& info, size_t index) {
  raster::Band band;
  band.name = info.name.empty() ? fmt::format("band{}", index + 1) : info.name;
  band.type = raster::pixel_type_of(info.type);
  if (!info.colours.empty() || !info.class_names.empty()) band.kind = raster::BandKind::category;
  band.scale = info.scale;
  band.offset = info.offset;
  band.unit = info.unit;
  band.nodata = info.nodata;
  for (const auto& colour : info.colours) band.colours.push_back(colour);
  band.class_names = info.class_names;
  return band;
}

}  // namespace

std::string RasterPlane::text() const {
  return slice.label.empty() ? band.name : band.name + " " + slice.label;
}

raster::Block RasterZone::read(const RasterPlane& plane, const geo::Window& window,
                               raster::AssetPool& pool) const {
  raster::CubeSchema schema;
  schema.bands = {plane.band};
  schema.slices.resize(1);
  raster::Block block(schema, window, 0, 1);
  for (const auto& part : plane.parts) {
    const auto& file = files[part.file];
    const auto inside = window.intersect(file.item.window);
    if (inside.empty()) continue;
    raster::Block piece(schema, inside, 0, 1);
    ops::read_layer_file(file, grid, part.slice, {part.band}, piece, 0, pool);
    block.copy_from(piece);
  }
  return block;
}

RasterInput RasterInput::open(const std::string& name, const std::string& store,
                              const workflow::Registry& registry) {
  RasterInput input;
  input.name_ = name;
  const auto path = catalog::gdal_path(name);
  if (gdal::is_remote(path) || gdal::file_status(path))
    input.open_file(path);
  else if (name.find('/') != std::string::npos || name.ends_with(".tif"))
    throw Error(ErrorCode::missing, fmt::format("there is no file '{}'", name))
        .hint("layers are named without '/': LAYER or LAYER@RUN");
  else
    input.open_layer(store, registry);
  return input;
}

void RasterInput::open_file(const std::string& path) {
  const auto described = raster::describe_asset(path);
  const auto& info = *described.info;
  if (!info.grid)
    throw Error(ErrorCode::invalid, "pixels have no place: " + info.why_no_grid)
        .at({.file = name_});
  auto& zone = zones_.emplace_back();
  zone.grid = *info.grid;
  auto& file = zone.files.emplace_back();
  file.path = path;
  file.grid = zone.grid;
  file.item.window = zone.grid.window();
  file.item.grid = zone.grid;
  file.schema.slices.resize(1);
  file.schema.slices.front().timed = false;
  for (size_t b = 0; b < info.bands.size(); ++b) {
    file.schema.bands.push_back(band_of(info.bands[b], b));
    zone.planes.push_back({file.schema.bands.back(), file.schema.slices.front(), {{0, 0, b}}});
  }
}

void RasterInput::open_layer(const std::string& store, const workflow::Registry& registry) {
  of_layer_ = true;
  const size_t at = name_.find('@');
  const auto layer = name_.substr(0, at);
  const auto id = at == std::string::npos ? std::string() : name_.substr(at + 1);
  const auto opened = open_run_with_layer(store, id, layer, registry);
  const auto& areas = opened.run->zones();
  for (size_t z = 0; z < areas.size(); ++z) {
    const auto content = layer_content(opened, layer, z);
    const auto& items = opened.run->steps()[content.step].items;
    auto& zone = zones_.emplace_back();
    zone.name = areas[z].name;
    zone.grid = areas[z].grid;
    std::map<size_t, size_t> file_of;  // by item
    for (const auto& date : content.dates) {
      const size_t first = zone.planes.size();
      for (const auto& part : date.parts) {
        const auto known = file_of.emplace(part.item, zone.files.size());
        if (known.second)
          zone.files.push_back(opened.state->files(layer, items[part.item], {}).front());
        const auto& bands = zone.files[known.first->second].schema.bands;
        for (size_t b = 0; b < bands.size(); ++b) {
          if (first + b == zone.planes.size()) zone.planes.push_back({bands[b], date.slice, {}});
          zone.planes[first + b].parts.push_back({known.first->second, part.slice, b});
        }
      }
    }
  }
  const bool made = std::any_of(zones_.begin(), zones_.end(),
                                [](const auto& zone) { return !zone.files.empty(); });
  if (!made)
    throw Error(ErrorCode::missing, fmt::format("layer '{}' has no pixels yet", layer))
        .hint("`geoloom runs missing` tells what is to be made");
}

}  // namespace geoloom::cli
