// SPDX-License-Identifier: Apache-2.0
#include "ops/load/series_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "catalog/href.h"
#include "error/error.h"
#include "ops/load/pixel_reason.h"
#include "ops/load/series_freezer.h"
#include "ops/load/zone_placement.h"
#include "store/checksum.h"
#include "tiff/image_reader.h"
#include "workflow/schema_json.h"

namespace geoloom::ops {
namespace {

// The share of a file's pixels that a window of the zone needs, about; 0: it does not touch it.
double share_in_window(const PlacedFile& file, const geo::Window& window) {
  const auto& placement = file.placement;
  const auto all = static_cast<double>(std::max<int64_t>(1, placement.raster.pixels()));
  if (file.warp == nullptr) {
    const auto part = placement.mapping.source_window(window).intersect(placement.raster);
    return static_cast<double>(part.pixels()) / all;
  }
  const auto part = static_cast<double>(window.intersect(file.warp->on_zone).pixels());
  return std::min(1.0, part * file.warp->scale.columns * file.warp->scale.rows / all);
}

// A file's internal blocks on the area's grid: blocks start at origin + k * size.
struct Blocks {
  int64_t width, height, x, y;
  auto operator<=>(const Blocks&) const = default;
};

Blocks blocks_on_area(const PlacedFile& file) {
  const auto size = [](int pixels, double scale) {
    return std::max<int64_t>(1, std::llround(pixels / scale));
  };
  const auto origin = [](double offset, double scale, int64_t length) {
    const int64_t start = std::llround(-offset / scale) % length;
    return start < 0 ? start + length : start;
  };
  const auto& placement = file.placement;
  Blocks blocks{};
  if (file.warp != nullptr) {  // about: rows of blocks do not stay rows
    const auto& warp = *file.warp;
    blocks.width = size(placement.block_width, warp.scale.columns);
    blocks.height = size(placement.block_height, warp.scale.rows);
    blocks.x = warp.on_zone.x % blocks.width;
    blocks.y = warp.on_zone.y % blocks.height;
    return blocks;
  }
  const auto& m = placement.mapping;
  blocks.width = size(placement.block_width, m.column_scale);
  blocks.height = size(placement.block_height, m.row_scale);
  blocks.x = origin(m.column_offset, m.column_scale, blocks.width);
  blocks.y = origin(m.row_offset, m.row_scale, blocks.height);
  return blocks;
}

// A block as it is stored and as it is decoded.
size_t scratch_bytes_of(const FrozenFile& file) {
  size_t sample = 1;
  for (const auto& band : file.bands) sample = std::max(sample, raster::byte_size(band.type));
  const size_t bands = file.share < 1 ? 1 : file.band_count;
  return 2 * static_cast<size_t>(file.block_width) * static_cast<size_t>(file.block_height) *
         bands * sample;
}

// The most common blocks; of equally common ones the largest, in which the others mostly nest.
Blocks most_common(const std::map<Blocks, size_t>& counts) {
  const auto rank = [](const auto& entry) {
    return std::pair(entry.second, entry.first.width * entry.first.height);
  };
  return std::max_element(counts.begin(), counts.end(),
                          [&](const auto& a, const auto& b) { return rank(a) < rank(b); })
      ->first;
}

raster::Slice slice_of(const FrozenScene& scene) {
  raster::Slice slice;
  slice.timed = scene.scene.time.has_value();
  if (slice.timed) slice.period = {*scene.scene.time, *scene.scene.time};
  slice.label = scene.label;
  return slice;
}

workflow::Json warp_identity(const FrozenWarp& warp) {
  workflow::Json methods = workflow::Json::array();
  for (const auto method : warp.methods) methods.push_back(raster::name(method));
  return {warp.operation.text(), warp.scale.columns, warp.scale.rows, methods};
}

// A scene's bytes and what is made of them: other scenes of the series, and metadata beside the
// files, may change the latter.
std::string identity_of(const FrozenScene& scene, const std::vector<raster::Band>& series,
                        size_t zone) {
  raster::CubeSchema schema;
  schema.bands = series;
  workflow::Json bands = workflow::Json::array();
  for (const auto& file : scene.files)
    for (const auto& band : file.bands)
      bands.push_back({band.target == kMaskTarget ? -1 : static_cast<int>(band.target), band.number,
                       band.gain, band.shift,
                       band.nodata ? workflow::number_to_json(*band.nodata) : workflow::Json()});
  workflow::Json identity{{"scene", scene.scene.identity},
                          {"time", scene.scene.time ? workflow::Json(*scene.scene.time) : nullptr},
                          {"read", bands},
                          {"as", store::sha256_hex(workflow::schema_to_json(schema).dump())}};
  for (const auto& file : scene.files)
    if (const auto* warp = file.warp_for(zone)) identity["warps"].push_back(warp_identity(*warp));
  return identity.dump();
}

}  // namespace

SeriesSource::SeriesSource(FrozenSeries series, LoadParameters parameters,
                           const std::vector<workflow::Zone>& zones)
    : series_(std::move(series)), parameters_(std::move(parameters)), zones_(zones) {
  if (!parameters_.source.empty()) {
    std::vector<const catalog::Scene*> scenes;
    for (const auto& scene : series_.scenes) scenes.push_back(&scene.scene);
    access_ = access_rules(parameters_.source, scenes);
  }
  for (size_t z = 0; z < zones_.size(); ++z) {
    const geo::Grid& grid = zones_[z].grid;
    auto& placed = placed_.emplace_back();
    for (size_t s = 0; s < series_.scenes.size(); ++s) {
      const auto& files = series_.scenes[s].files;
      const bool lies = std::all_of(files.begin(), files.end(),
                                    [&](const auto& file) { return lies_in(file, z, grid); });
      if (!lies) continue;
      auto& scene =
          placed.emplace_back(PlacedScene{s, identity_of(series_.scenes[s], series_.bands, z), {}});
      for (const auto& file : files) scene.files.push_back(placed_file(file, z, grid));
    }
  }
}

workflow::SourceItem SeriesSource::plan(const workflow::Item& item, const workflow::Layers*) const {
  workflow::SourceItem plan;
  plan.zone = item.zone;
  plan.schema.bands = series_.bands;
  plan.dropped = series_.dropped;
  for (const auto& each : excluded_near(item))
    plan.dropped.push_back({each->id, "excluded: " + each->reason});
  std::map<Blocks, size_t> blocks;
  double bytes = 0;
  bool warped = false;
  const auto& placed = placed_.at(item.zone);
  for (size_t p = 0; p < placed.size(); ++p) {
    const auto& files = placed[p].files;
    const auto& scene = series_.scenes[placed[p].scene];
    double scene_bytes = 0;
    bool touches = true;
    for (size_t f = 0; f < scene.files.size() && touches; ++f) {
      const double share = share_in_window(files[f], item.window);
      touches = share > 0;
      scene_bytes += static_cast<double>(scene.files[f].bytes) * scene.files[f].share * share;
    }
    if (!touches) continue;  // nowhere valid: a pixel needs all files
    bytes += scene_bytes;
    for (size_t f = 0; f < scene.files.size(); ++f) {
      if (!scene.files[f].only_mask()) ++blocks[blocks_on_area(files[f])];
      size_t scratch = scratch_bytes_of(scene.files[f]);
      if (files[f].warp != nullptr) {
        scratch += warp_scratch_bytes(scene.files[f]);
        warped = true;
      }
      plan.scratch_bytes = std::max(plan.scratch_bytes, scratch);
    }
    plan.schema.slices.push_back(slice_of(scene));
    plan.members.push_back(p);
    plan.identities.push_back(placed[p].identity);
  }
  plan.stored_bytes = static_cast<uint64_t>(bytes);
  plan.remote = remote();
  // What one request brings, as the answer and as the blocks to decode.
  if (plan.remote && !plan.members.empty())
    plan.scratch_bytes +=
        2 * std::min<size_t>(tiff::kMostRequestedBytes, plan.stored_bytes / plan.members.size());
  plan.scratch_bytes_per_pixel =
      1 + 4 * parameters_.mask.bands().size() + (warped ? raster::kWarpBytesPerTargetPixel + 8 : 0);
  if (blocks.empty()) return plan;
  const Blocks common = most_common(blocks);
  plan.block_width = common.width;
  plan.block_height = common.height;
  plan.block_origin_x = common.x;
  plan.block_origin_y = common.y;
  return plan;
}

// Those left out by the user that could have been of use here.
std::vector<const catalog::ExcludedScene*> SeriesSource::excluded_near(
    const workflow::Item& item) const {
  std::vector<const catalog::ExcludedScene*> near;
  if (series_.excluded.empty()) return near;
  const auto box = lonlat_box(item.grid);
  for (const auto& each : series_.excluded)
    if (!box || !each.bbox_lonlat || box->intersects(*each.bbox_lonlat)) near.push_back(&each);
  return near;
}

bool SeriesSource::remote() const {
  return std::any_of(series_.scenes.begin(), series_.scenes.end(), [](const auto& scene) {
    return std::any_of(scene.files.begin(), scene.files.end(),
                       [](const auto& file) { return catalog::is_remote(file.path); });
  });
}

workflow::ReadCounts SeriesSource::read(const workflow::SourceItem& plan, size_t member,
                                        raster::Block& block, size_t slice,
                                        raster::AssetPool& pool) const {
  const auto& place = placed(plan, member);
  const auto& scene = series_.scenes[place.scene];
  const geo::Grid& grid = zones_.at(plan.zone).grid;
  try {
    return SceneReader(scene, place.files, parameters_, plan.zone, grid, block, slice).read(pool);
  } catch (Error& error) {
    error.at({.scene = scene.label});
    throw;
  }
}

workflow::PixelReport SeriesSource::explain(const workflow::SourceItem& plan, size_t index,
                                            int64_t x, int64_t y, raster::AssetPool& pool) const {
  const auto& place = placed(plan, plan.members.at(index));
  const auto& scene = series_.scenes[place.scene];
  const geo::Grid& grid = zones_.at(plan.zone).grid;
  try {
    return explain_pixel({scene, place.files, series_.bands, parameters_, plan.zone, grid}, x, y,
                         pool);
  } catch (Error& error) {
    error.at({.scene = scene.label});
    throw;
  }
}

}  // namespace geoloom::ops
