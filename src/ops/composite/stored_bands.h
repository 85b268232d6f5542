// SPDX-License-Identifier: Apache-2.0
// Blocks as the kernels see them that weigh whole observations, and what ops that use these kernels
// check and plan.
#pragma once

#include <fmt/format.h>

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "error/error.h"
#include "kernels/observations.h"
#include "raster/cube.h"

namespace geoloom::ops {

// Bands of slices [first, first + count) of a block that holds the whole axis.
inline std::vector<kernels::StoredBand> stored_bands(const raster::Block& block,
                                                     const raster::CubeSchema& schema,
                                                     std::span<const size_t> bands, size_t first,
                                                     size_t count) {
  const size_t stride = block.plane_stride();
  const size_t planes = block.validity_per_band() ? block.bands() : 1;
  std::vector<kernels::StoredBand> out;
  for (const size_t band : bands) {
    kernels::StoredBand stored;
    raster::visit(block.type(band), [&]<class T>(T) {
      stored.samples = kernels::Samples<T>{block.plane<T>(band, first).data(), stride, count};
    });
    stored.valid = {block.validity(first, band).data(), stride * planes};
    stored.scale = schema.bands[band].scale;
    stored.offset = schema.bands[band].offset;
    out.push_back(stored);
  }
  return out;
}

// What these kernels need beside their input, shared out over the pixels of a block of the usual
// size: they work on a tile of pixels at a time, whose samples they hold as floats, twice.
inline size_t kernel_bytes_per_pixel(size_t slices, const raster::CubeSchema& used) {
  constexpr size_t kUsualPixels = 16384;
  const kernels::ObservationTile tile(0, used.bands.size());
  const size_t bytes = slices * (used.bands.size() + 4) * sizeof(float) * tile.stride;
  return 2 * bytes / kUsualPixels + 1;
}

inline void require_few_slices(const raster::CubeSchema& input, std::string_view op) {
  if (input.slices.size() <= kernels::kMaxSlices) return;
  throw Error(ErrorCode::invalid, fmt::format("{}: takes at most {} slices, got {}", op,
                                              kernels::kMaxSlices, input.slices.size()))
      .hint("load a shorter period");
}

inline void require_distinct_bands(const raster::CubeSchema& output, std::string_view op) {
  std::set<std::string> seen;
  for (const auto& band : output.bands)
    if (!seen.insert(band.name).second)
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: there would be two bands '{}'", op, band.name))
          .hint("load the band by another name, or leave out what is added");
}

}  // namespace geoloom::ops
