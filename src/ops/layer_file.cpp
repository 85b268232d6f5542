// SPDX-License-Identifier: Apache-2.0
#include "ops/layer_file.h"

#include <fmt/format.h>

#include <numeric>

#include "error/error.h"
#include "raster/asset_reader.h"

namespace geoloom::ops {
namespace {

// The file must still be what the receipt says.
void check_file(const gdal::RasterInfo& info, const workflow::LayerFile& file) {
  const size_t expected = file.schema.bands.size() * file.schema.slices.size();
  if (info.bands.size() != expected)
    throw Error(ErrorCode::corrupt, fmt::format("the file has {} bands, its receipt says {}",
                                                info.bands.size(), expected))
        .hint("something else wrote over it; delete it and run again");
}

std::vector<raster::AssetBand> asset_bands(const workflow::LayerFile& file, size_t slice,
                                           const std::vector<size_t>& bands) {
  std::vector<raster::AssetBand> out;
  for (const size_t band : bands) {
    const auto& declared = file.schema.bands[band];
    out.push_back({static_cast<int>(slice * file.schema.bands.size() + band + 1), declared.type,
                   declared.nodata});
  }
  return out;
}

}  // namespace

void read_layer_file(const workflow::LayerFile& file, const geo::Grid& grid, size_t file_slice,
                     const std::vector<size_t>& bands, raster::Block& block, size_t block_slice,
                     raster::AssetPool& pool) {
  std::vector<void*> planes;
  std::vector<uint8_t*> valid;
  for (size_t i = 0; i < bands.size(); ++i) {
    planes.push_back(block.raw_plane(i, block_slice));
    valid.push_back(block.validity(block_slice, i).data());
  }
  try {
    auto lease = pool.lease(file.path);
    try {
      check_file(lease->info(), file);
      const auto placement = raster::place_asset(lease->info(), grid);
      raster::read_asset(*lease, placement, block.window(), asset_bands(file, file_slice, bands),
                         planes, valid);
    } catch (...) {
      lease.discard();
      throw;
    }
  } catch (Error& error) {
    error.at({.file = file.path, .item = file.item.name});
    throw;
  }
}

std::vector<size_t> all_bands(size_t count) {
  std::vector<size_t> bands(count);
  std::iota(bands.begin(), bands.end(), size_t{0});
  return bands;
}

}  // namespace geoloom::ops
