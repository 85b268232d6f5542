// SPDX-License-Identifier: Apache-2.0
#include "ops/load/zone_placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error/error.h"

namespace geoloom::ops {
namespace {

using raster::Resampling;

Resampling method_for(const BandResampling& band, const geo::PixelScale& scale) {
  if (band.masks) return Resampling::nearest;
  if (band.asked) return *band.asked;
  if (band.classes) return Resampling::nearest;
  const bool finer = std::sqrt(scale.columns * scale.rows) > kernels::kSamePixelSize;
  return finer ? Resampling::average : Resampling::bilinear;
}

// A window of the zone that holds the file. A file that goes beyond the zone on all sides may be
// too large for its own corners to have a place in the zone's CRS.
geo::Window on_zone(const FrozenFile& file, const geo::Grid& zone,
                    const geo::CoordinateOperation& to_file,
                    const geo::CoordinateOperation& to_zone) {
  const auto needed =
      geo::PixelMapping(zone, file.grid, to_file).rough_source_window(zone.window());
  const geo::Window image = file.grid.window();
  if (needed.intersect(image).empty()) return {};
  if (image.contains(needed)) return zone.window();
  return geo::PixelMapping(file.grid, zone, to_zone)
      .rough_source_window(image)
      .intersect(zone.window());
}

}  // namespace

bool lies_in(const FrozenFile& file, size_t zone, const geo::Grid& grid) {
  if (file.warp_for(zone) != nullptr) return true;
  return geo::why_not_nested(grid, file.grid).empty() && !geo::nearest_mapping(grid, file.grid)
                                                              .source_window(grid.window())
                                                              .intersect(file.grid.window())
                                                              .empty();
}

bool ZonePlacement::place(FrozenFile& file, const std::vector<BandResampling>& bands) {
  bool touches = false;
  for (size_t zone = 0; zone < zones_.size(); ++zone) {
    const bool nests = geo::why_not_nested(zones_[zone].grid, file.grid).empty();
    touches |= nests ? place_nested(file, zone, bands) : place_warped(file, zone, bands);
  }
  return touches;
}

bool ZonePlacement::place_overview(FrozenFile& file, const std::vector<BandResampling>& bands,
                                   const std::vector<std::pair<int64_t, int64_t>>& sizes) {
  double finest = HUGE_VAL;  // pixels of the file per pixel of a zone
  for (size_t zone = 0; zone < zones_.size(); ++zone) {
    if (!lies_in(file, zone, zones_[zone].grid)) continue;
    const auto* warp = file.warp_for(zone);
    const bool weighted = warp != nullptr && std::all_of(warp->methods.begin(), warp->methods.end(),
                                                         [](Resampling method) {
                                                           return raster::is_weighted(method);
                                                         });
    if (!weighted) return false;
    finest = std::min({finest, warp->scale.columns, warp->scale.rows});
  }
  const auto plain = [](const std::vector<bool>& masked) {
    return std::find(masked.begin(), masked.end(), true) == masked.end();
  };
  if (!plain(file.masked) || std::any_of(bands.begin(), bands.end(),
                                         [](const BandResampling& band) { return band.masks; }))
    return false;
  int64_t times = 1;
  for (const auto& [width, height] : sizes) {
    if (width < 1 || height < 1 || file.grid.width % width != 0) continue;
    const int64_t larger = file.grid.width / width;
    if (height * larger == file.grid.height && static_cast<double>(larger) <= finest * (1 + 1e-6))
      times = std::max(times, larger);
  }
  if (times == 1) return false;
  file.grid = file.grid.coarsened(times);
  file.overview = times;
  file.bytes /= times * times;
  file.warps.clear();
  return place(file, bands);
}

bool ZonePlacement::place_nested(FrozenFile& file, size_t zone,
                                 const std::vector<BandResampling>& bands) {
  const geo::Grid& grid = zones_[zone].grid;
  const auto mapping = geo::nearest_mapping(grid, file.grid);
  if (mapping.source_window(grid.window()).intersect(file.grid.window()).empty()) return false;
  const bool resized = mapping.column_scale != 1 || mapping.row_scale != 1;
  const bool asked = std::any_of(bands.begin(), bands.end(), [](const BandResampling& band) {
    return band.asked && *band.asked != Resampling::nearest && !band.masks;
  });
  // Pixels that nest are picked or repeated, as they always were, unless something else is asked
  // for.
  if (!resized || !asked) return true;
  FrozenWarp warp{zone, {}, geo::PixelMapping(grid, file.grid, {}).scale(), {}, {}};
  warp.on_zone = on_zone(file, grid, {}, {});
  for (const auto& band : bands)
    warp.methods.push_back(band.masks ? Resampling::nearest
                                      : band.asked.value_or(Resampling::nearest));
  file.warps.push_back(std::move(warp));
  return true;
}

bool ZonePlacement::place_warped(FrozenFile& file, size_t zone,
                                 const std::vector<BandResampling>& bands) {
  const geo::Grid& grid = zones_[zone].grid;
  if (!grid.crs.known() || !file.grid.crs.known())
    throw Error(ErrorCode::invalid, fmt::format("the raster's pixels do not fall on the grid: {}",
                                                geo::why_not_nested(grid, file.grid)))
        .at({.file = file.path})
        .hint("without a coordinate reference system on both sides nothing can be warped");
  const auto& to_file = operation(grid.crs, file.grid.crs);
  const geo::Window place = on_zone(file, grid, to_file, operation(file.grid.crs, grid.crs));
  if (place.empty()) return false;
  FrozenWarp warp{zone, to_file, geo::PixelMapping(grid, file.grid, to_file).scale(), place, {}};
  for (const auto& band : bands) warp.methods.push_back(method_for(band, warp.scale));
  file.warps.push_back(std::move(warp));
  return true;
}

const geo::CoordinateOperation& ZonePlacement::operation(const geo::Crs& from, const geo::Crs& to) {
  const auto key = std::pair(from.name(), to.name());
  const auto found = operations_.find(key);
  if (found != operations_.end()) return found->second;
  return operations_.emplace(key, geo::CoordinateOperation::between(from, to)).first->second;
}

}  // namespace geoloom::ops
