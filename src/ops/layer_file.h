// SPDX-License-Identifier: Apache-2.0
// Reading back what `save` and `mosaic` wrote: one slice of a layer's file onto a grid.
#pragma once

#include <vector>

#include "raster/asset_pool.h"
#include "raster/cube.h"
#include "workflow/op.h"

namespace geoloom::ops {

// Fills slice `block_slice` of a block, whose window lies on `grid`, with slice `file_slice` of the
// file: band i of the block from band bands[i] of the layer's schema. Pixels outside of the file
// become invalid. Throws Error with the layer's item as place.
void read_layer_file(const workflow::LayerFile& file, const geo::Grid& grid, size_t file_slice,
                     const std::vector<size_t>& bands, raster::Block& block, size_t block_slice,
                     raster::AssetPool& pool);

// 0, 1, ... count - 1: all bands.
std::vector<size_t> all_bands(size_t count);

}  // namespace geoloom::ops
