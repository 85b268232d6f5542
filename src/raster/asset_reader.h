// SPDX-License-Identifier: Apache-2.0
// Reads bands of one raster file onto a target grid of the same CRS by nearest neighbour: cell by
// cell where grids are equal, repeated where the file is coarser, picked where it is finer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "raster/asset.h"
#include "raster/cube.h"

namespace geoloom::raster {

struct AssetBand {
  int number = 1;  // 1-based in the file
  PixelType type = PixelType::uint8;
  // Declared by the document, the item or the file; compared with raw samples, so a value the type
  // cannot hold never matches.
  std::optional<double> nodata;
};

// Where a window's pixels come from: computed once per (file, target grid).
struct AssetPlacement {
  geo::NearestMapping mapping;
  geo::Window raster;  // the whole file, in its own pixels
  // The file's internal blocks, in its own pixels.
  int block_width = 0;
  int block_height = 0;
  // By band of the file: a mask band or an alpha band says what is valid.
  std::vector<bool> masked;
  // Above 1: the pixels are those of an overview, this many times as large as the file's, whose
  // size is a multiple of theirs. `mapping` takes each as it is, and no band is masked.
  int64_t overview = 1;
};
// Throws Error(invalid) that says why the grids do not match (other CRS, shifted, not north-up).
AssetPlacement place_asset(const gdal::RasterInfo& info, const geo::Grid& target);

// Fills planes[i] (window.pixels() values of bands[i].type, dense rows) for a window of the target
// grid, and valid[i] with 1 where the file has a valid sample there: inside the raster, not nodata,
// not NaN, and where the file's own mask band (if any) says so. Bands may share one validity plane:
// it then holds 1 where all of them are valid. planes[i] outside of the raster is untouched,
// valid[i] is always written. Scratch memory is bounded by about scratch_bytes, beside one row of
// source indices. Throws Error(corrupt|unavailable|...).
void read_asset(const Asset& asset, const AssetPlacement& placement, const geo::Window& window,
                const std::vector<AssetBand>& bands, const std::vector<void*>& planes,
                const std::vector<uint8_t*>& valid, size_t scratch_bytes = size_t{4} << 20);

}  // namespace geoloom::raster
