// SPDX-License-Identifier: Apache-2.0
// Why a pixel of a scene is used or not, in words: for `geoloom pixel`.
#pragma once

#include <string>
#include <vector>

#include "ops/load/frozen_series.h"
#include "ops/load/load_parameters.h"
#include "ops/load/scene_reader.h"
#include "raster/asset_pool.h"
#include "workflow/op.h"

namespace geoloom::ops {

// A scene as it is read for a zone.
struct ReadScene {
  const FrozenScene& scene;
  const std::vector<PlacedFile>& files;
  const std::vector<raster::Band>& series;
  const LoadParameters& parameters;
  size_t zone;
  const geo::Grid& grid;  // of the zone
};

// The rules of reading, applied to one pixel of the zone's grid; the first that fails is the
// reason.
workflow::PixelReport explain_pixel(const ReadScene& scene, int64_t x, int64_t y,
                                    raster::AssetPool& pool);

}  // namespace geoloom::ops
