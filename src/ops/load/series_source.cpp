// SPDX-License-Identifier: Apache-2.0
#include "ops/load/series_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "catalog/href.h"
#include "error/error.h"
#include "ops/load/dates.h"
#include "ops/load/pixel_reason.h"
#include "ops/load/series_freezer.h"
#include "ops/load/show_through.h"
#include "ops/load/zone_placement.h"
#include "store/checksum.h"
#include "tiff/image_reader.h"
#include "workflow/schema_json.h"

namespace geoloom::ops {
namespace {

geo::Box box_of(const geo::Window& window) {
  return {static_cast<double>(window.x), static_cast<double>(window.y),
          static_cast<double>(window.right()), static_cast<double>(window.bottom())};
}

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

// Pixels of the zone beyond which a file has none; at most a pixel too large on either side.
geo::Box reach_of(const PlacedFile& file) {
  if (file.warp != nullptr) return box_of(file.warp->on_zone);
  const auto& m = file.placement.mapping;
  const auto& raster = file.placement.raster;
  const auto column = [&](int64_t c) {
    return (static_cast<double>(c) - m.column_offset) / m.column_scale;
  };
  const auto row = [&](int64_t r) { return (static_cast<double>(r) - m.row_offset) / m.row_scale; };
  return {column(raster.x) - 1, row(raster.y) - 1, column(raster.right()) + 1,
          row(raster.bottom()) + 1};
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
  if (scene.sun) identity["sun"] = {scene.sun->azimuth_deg, scene.sun->elevation_deg};
  for (const auto& file : scene.files)
    if (const auto* warp = file.warp_for(zone)) identity["warps"].push_back(warp_identity(*warp));
  return identity.dump();
}

// Blocks are read in squares of that many pixels where conditions are cleaned.
constexpr int64_t kConditionPart = 1024;

geo::Window with_halo(const geo::Window& window, const kernels::CleaningHalo& halo) {
  return {window.x - halo.columns, window.y - halo.rows, window.width + 2 * halo.columns,
          window.height + 2 * halo.rows};
}

// A part of the only slice of a block into a slice of another.
void copy_slice(const raster::Block& from, const geo::Window& part, raster::Block& to,
                size_t slice) {
  const auto& source = from.window();
  const auto& target = to.window();
  const auto copy = [&](const void* bytes, void* into, size_t sample) {
    for (int64_t y = part.y; y < part.bottom(); ++y)
      std::memcpy(
          static_cast<std::byte*>(into) +
              static_cast<size_t>((y - target.y) * target.width + part.x - target.x) * sample,
          static_cast<const std::byte*>(bytes) +
              static_cast<size_t>((y - source.y) * source.width + part.x - source.x) * sample,
          static_cast<size_t>(part.width) * sample);
  };
  for (size_t band = 0; band < to.bands(); ++band)
    copy(from.raw_plane(band, 0), to.raw_plane(band, slice), raster::byte_size(to.type(band)));
  copy(from.validity(0).data(), to.validity(slice).data(), 1);
}

struct Dates : workflow::SourceDetail {
  std::vector<DateScenes> dates;
};

double lon_for_solar_days(const geo::Grid& grid) {
  const auto lon = centre_lon(grid);
  if (!lon)
    throw Error(ErrorCode::invalid, "load.group_by: solar days need a grid whose CRS is known")
        .hint("say group_by: scene");
  return *lon;
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
  shapes_ = std::make_unique<MaskShapes>(parameters_.mask, series_.shapes, zones_);
  terrain_ = std::make_unique<TerrainShadows>(parameters_.mask, series_, zones_);
  for (const auto& zone : zones_)
    conditions_.emplace_back(parameters_.mask, series_.bands, zone.grid);
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
    // A pixel needs all files, so the first one's reach tells where to look.
    std::vector<geo::Box> boxes;
    for (const auto& scene : placed)
      boxes.push_back(scene.files.empty() ? box_of(grid.window()) : reach_of(scene.files.front()));
    placed_boxes_.emplace_back(std::move(boxes));
  }
}

const SeriesSource::PlacedScene& SeriesSource::placed(size_t zone, size_t scene) const {
  const auto& list = placed_.at(zone);
  return *std::lower_bound(list.begin(), list.end(), scene,
                           [](const PlacedScene& p, size_t s) { return p.scene < s; });
}

const std::vector<size_t>& SeriesSource::scenes_of(const workflow::SourceItem& plan,
                                                   size_t member) const {
  const auto* dates = dynamic_cast<const Dates*>(plan.detail.get());
  if (dates == nullptr) throw Error(ErrorCode::internal, "a plan of another source");
  return dates->dates.at(member).scenes;
}

// The scenes with pixels in the item's window, in the order of the series.
std::vector<size_t> SeriesSource::touching(const workflow::Item& item,
                                           const std::vector<workflow::Dropped>& without) const {
  std::vector<size_t> scenes;
  for (const uint32_t index : placed_boxes_.at(item.zone).touching(box_of(item.window))) {
    const auto& place = placed_[item.zone][index];
    const auto& label = series_.scenes[place.scene].label;
    const bool lost = std::any_of(without.begin(), without.end(),
                                  [&](const auto& each) { return each.scene == label; });
    // A pixel needs all files.
    const bool touches = std::all_of(place.files.begin(), place.files.end(), [&](const auto& file) {
      return share_in_window(file, item.window) > 0;
    });
    if (touches && !lost) scenes.push_back(place.scene);
  }
  return scenes;
}

workflow::SourceItem SeriesSource::plan(const workflow::Item& item,
                                        const workflow::Layers* layers) const {
  return plan_without(item, layers, {});
}

workflow::SourceItem SeriesSource::plan_without(
    const workflow::Item& item, const workflow::Layers*,
    const std::vector<workflow::Dropped>& without) const {
  workflow::SourceItem plan;
  plan.zone = item.zone;
  plan.schema.bands = series_.bands;
  plan.dropped = series_.dropped;
  for (const auto& each : excluded_near(item))
    plan.dropped.push_back({each->id, "excluded: " + each->reason});
  const auto scenes = touching(item, without);
  auto dates = std::make_shared<Dates>();
  dates->dates =
      parameters_.by_solar_day()
          ? by_solar_day(series_, scenes, lon_for_solar_days(item.grid), parameters_.period)
          : scene_by_scene(series_, scenes);
  if (item.period.end > item.period.start)
    std::erase_if(dates->dates, [&](const auto& date) {
      return !date.slice.timed || !item.period.contains(date.slice.period.start);
    });
  const auto shapes = shapes_->identity(item.zone) + terrain_->identity(item);
  std::vector<size_t> used;
  size_t most_a_slice = 0;
  for (const auto& date : dates->dates) {
    std::string identity;
    for (const size_t s : date.scenes) {
      identity += (identity.empty() ? "" : " then ") + placed(item.zone, s).identity;
      plan.scenes.push_back(series_.scenes[s].label);
      used.push_back(s);
    }
    plan.members.push_back(plan.members.size());
    if (!date.day_as_told.empty()) identity += " on " + date.day_as_told;
    plan.identities.push_back(identity + shapes);
    plan.schema.slices.push_back(date.slice);
    most_a_slice = std::max(most_a_slice, date.scenes.size());
  }
  plan.detail = std::move(dates);
  add_costs(item, used, most_a_slice, plan);
  return plan;
}

// Bytes to read, memory beside the block, and the blocks that reading should follow.
void SeriesSource::add_costs(const workflow::Item& item, const std::vector<size_t>& scenes,
                             size_t most_a_slice, workflow::SourceItem& plan) const {
  std::map<Blocks, size_t> blocks;
  double bytes = 0;
  bool warped = false;
  for (const size_t s : scenes) {
    const auto& place = placed(item.zone, s);
    const auto& files = series_.scenes[s].files;
    for (size_t f = 0; f < files.size(); ++f) {
      bytes += static_cast<double>(files[f].bytes) * files[f].share *
               share_in_window(place.files[f], item.window);
      if (!files[f].only_mask()) ++blocks[blocks_on_area(place.files[f])];
      size_t scratch = scratch_bytes_of(files[f]);
      if (place.files[f].warp != nullptr) {
        scratch += warp_scratch_bytes(files[f]);
        warped = true;
      }
      plan.scratch_bytes = std::max(plan.scratch_bytes, scratch);
    }
  }
  plan.stored_bytes = static_cast<uint64_t>(bytes);
  plan.remote = remote();
  plan.blocks_lie_across = warped;
  // What one request brings, as the answer and as the blocks to decode.
  if (plan.remote && !scenes.empty())
    plan.scratch_bytes +=
        2 * std::min<size_t>(tiff::kMostRequestedBytes, plan.stored_bytes / scenes.size());
  size_t halo_bytes = 0;
  if (!parameters_.mask.bands().empty())
    for (const size_t s : scenes)
      halo_bytes = std::max(halo_bytes, MaskReader::halo_bytes(series_.scenes[s], parameters_.mask,
                                                               item.zone, item.grid, item.window));
  plan.scratch_bytes += halo_bytes;
  plan.scratch_bytes_per_pixel =
      1 + 4 * parameters_.mask.bands().size() +
      (warped ? raster::kWarpBytesPerTargetPixel + kKeptBytesPerTargetPixel + 8 : 0);
  add_mask_costs(item, plan);
  if (most_a_slice > 1) plan.scratch_bytes_per_pixel += plan.schema.bytes_per_pixel(1);
  if (blocks.empty()) return;
  const Blocks common = most_common(blocks);
  plan.block_width = common.width;
  plan.block_height = common.height;
  plan.block_origin_x = common.x;
  plan.block_origin_y = common.y;
}

void SeriesSource::add_mask_costs(const workflow::Item& item, workflow::SourceItem& plan) const {
  // Of shapes: the windows that are kept, and one that is made.
  if (!shapes_->empty()) {
    plan.scratch_bytes_per_pixel += kBurnedWindows + 2;
    plan.scratch_bytes += shapes_->scratch_bytes(item.zone, item.window);
  }
  if (!terrain_->empty()) plan.scratch_bytes += terrain_->scratch_bytes(item);
  const auto& conditions = conditions_.at(item.zone);
  if (conditions.empty()) return;
  plan.scratch_bytes_per_pixel += 2;
  const auto& halo = conditions.halo();
  if (halo.columns == 0 && halo.rows == 0) return;
  const int64_t columns = std::min(kConditionPart, item.window.width) + 2 * halo.columns;
  const int64_t rows = std::min(kConditionPart, item.window.height) + 2 * halo.rows;
  plan.scratch_bytes += conditions.scratch_bytes(columns, rows) +
                        static_cast<size_t>(columns * rows) * plan.schema.bytes_per_pixel(1);
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

workflow::ReadCounts SeriesSource::read_before_conditions(const workflow::SourceItem& plan,
                                                          size_t s, raster::Block& block,
                                                          size_t slice, const geo::Window& counted,
                                                          raster::AssetPool& pool) const {
  const auto& scene = series_.scenes[s];
  const geo::Grid& grid = zones_.at(plan.zone).grid;
  const ReadScratchPool::Lease scratch(scratch_);
  try {
    SceneReader reader(scene, placed(plan.zone, s).files, parameters_, plan.zone, grid, block,
                       slice);
    reader.count_in(counted);
    return reader.read(pool, *scratch);
  } catch (Error& error) {
    error.at({.scene = scene.label});
    throw;
  }
}

MaskExpressions::Within SeriesSource::shadows_of(size_t zone, size_t s,
                                                 raster::AssetPool& pool) const {
  return [this, zone, s, &pool](size_t rule, const geo::Window& window) {
    const auto& scene = series_.scenes[s];
    try {
      return MaskReader(scene, parameters_.mask, zone, zones_.at(zone).grid, pool)
          .in_shadow(rule, window);
    } catch (Error& error) {
      error.at({.scene = scene.label});
      throw;
    }
  };
}

// Conditions that are cleaned need to see more than the block: it is read in parts with a halo.
workflow::ReadCounts SeriesSource::read_with_conditions(const workflow::SourceItem& plan, size_t s,
                                                        raster::Block& block, size_t slice,
                                                        raster::AssetPool& pool) const {
  const auto& conditions = conditions_.at(plan.zone);
  const auto& halo = conditions.halo();
  const geo::Window& window = block.window();
  if (halo.columns == 0 && halo.rows == 0) {
    const auto counts = read_before_conditions(plan, s, block, slice, window, pool);
    if (!conditions.empty()) conditions.erase(block, slice, shadows_of(plan.zone, s, pool));
    return counts;
  }
  workflow::ReadCounts counts;
  for (int64_t y = window.y; y < window.bottom(); y += kConditionPart)
    for (int64_t x = window.x; x < window.right(); x += kConditionPart) {
      const auto part = geo::Window{x, y, kConditionPart, kConditionPart}.intersect(window);
      raster::Block near(plan.schema, with_halo(part, halo), 0, 1);
      counts.clipped += read_before_conditions(plan, s, near, 0, part, pool).clipped;
      conditions.erase(near, 0, shadows_of(plan.zone, s, pool));
      copy_slice(near, part, block, slice);
    }
  return counts;
}

workflow::ReadCounts SeriesSource::read_scene(const workflow::SourceItem& plan, size_t s,
                                              raster::Block& block, size_t slice,
                                              raster::AssetPool& pool) const {
  const auto counts = read_with_conditions(plan, s, block, slice, pool);
  if (!terrain_->empty())
    terrain_->erase(plan.zone, series_.scenes[s], block.window(), pool,
                    block.validity(slice).data());
  return counts;
}

workflow::ReadCounts SeriesSource::read(const workflow::SourceItem& plan, size_t member,
                                        raster::Block& block, size_t slice,
                                        raster::AssetPool& pool) const {
  const auto& scenes = scenes_of(plan, member);
  auto counts = read_scene(plan, scenes.front(), block, slice, pool);
  for (size_t i = 1; i < scenes.size(); ++i) {
    const auto valid = block.validity(slice);
    if (std::find(valid.begin(), valid.end(), uint8_t{0}) == valid.end()) break;
    raster::Block below(plan.schema, block.window(), 0, 1);
    counts.clipped += read_scene(plan, scenes[i], below, 0, pool).clipped;
    show_through(below, block, slice);
  }
  if (!shapes_->empty()) shapes_->erase(plan.zone, block.window(), block.validity(slice).data());
  return counts;
}

std::string SeriesSource::unmet_condition(const workflow::SourceItem& plan, size_t s, int64_t x,
                                          int64_t y, raster::AssetPool& pool) const {
  const auto& conditions = conditions_.at(plan.zone);
  if (conditions.empty()) return terrain_->reason(plan.zone, series_.scenes[s], x, y, pool);
  const geo::Window pixel{x, y, 1, 1};
  raster::Block near(plan.schema, with_halo(pixel, conditions.halo()), 0, 1);
  read_before_conditions(plan, s, near, 0, pixel, pool);
  const auto reason = conditions.reason(near, shadows_of(plan.zone, s, pool));
  return reason.empty() ? terrain_->reason(plan.zone, series_.scenes[s], x, y, pool) : reason;
}

workflow::PixelReport SeriesSource::explain(const workflow::SourceItem& plan, size_t index,
                                            int64_t x, int64_t y, raster::AssetPool& pool) const {
  const auto& scenes = scenes_of(plan, plan.members.at(index));
  const geo::Grid& grid = zones_.at(plan.zone).grid;
  workflow::PixelReport report;
  std::string reasons;
  for (const size_t s : scenes) {
    const auto& scene = series_.scenes[s];
    try {
      report = explain_pixel(
          {scene, placed(plan.zone, s).files, series_.bands, parameters_, plan.zone, grid}, x, y,
          pool);
    } catch (Error& error) {
      error.at({.scene = scene.label});
      throw;
    }
    if (report.valid) {
      report.reason = unmet_condition(plan, s, x, y, pool);
      report.valid = report.reason.empty();
    }
    if (report.valid) break;
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", scene.label, report.reason);
  }
  if (scenes.size() > 1) report.reason = report.valid ? "" : reasons;
  if (auto outside = shapes_->reason(plan.zone, x, y); report.valid && !outside.empty()) {
    report.valid = false;
    report.reason = std::move(outside);
  }
  return report;
}

}  // namespace geoloom::ops
