// SPDX-License-Identifier: Apache-2.0
// Why a pixel of a scene is used or not, in words: for `geoloom pixel`.
#pragma once

#include <string>
#include <vector>

#include "raster/asset_pool.h"
#include "ops/load/frozen_series.h"
#include "ops/load/load_parameters.h"
#include "raster/asset_reader.h"
#include "workflow/op.h"

namespace geoloom::ops {

// The rules of reading, applied to one pixel of the area's grid; the first that fails is the
// reason.
workflow::PixelReport explain_pixel(const FrozenScene& scene,
                                    const std::vector<raster::AssetPlacement>& placements,
                                    const std::vector<raster::Band>& series,
                                    const LoadParameters& parameters, int64_t x, int64_t y,
                                    raster::AssetPool& pool);

}  // namespace geoloom::ops
