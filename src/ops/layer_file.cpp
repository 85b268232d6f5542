// SPDX-License-Identifier: Apache-2.0
#include "ops/layer_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "error/error.h"
#include "raster/asset_reader.h"
#include "raster/chunked_cube.h"

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

// An item of a cube. Bands of a block that share one validity plane are valid where all of them
// are.
void read_chunked_item(const workflow::LayerFile& file, const geo::Grid& grid, size_t file_slice,
                       const std::vector<size_t>& bands, raster::Block& block, size_t block_slice) {
  const raster::ChunkedItem item{file.path.substr(0, file.path.rfind('/')), file.grid,
                                 *file.chunks};
  std::vector<uint8_t> valid(block.pixels());
  for (size_t i = 0; i < bands.size(); ++i) {
    raster::read_chunks(item, file.schema.bands[bands[i]], file_slice, grid, block.window(),
                        block.raw_plane(i, block_slice), valid.data());
    const auto to = block.validity(block_slice, i);
    if (i == 0 || block.validity_per_band())
      std::copy(valid.begin(), valid.end(), to.begin());
    else
      std::transform(valid.begin(), valid.end(), to.begin(), to.begin(), std::bit_and<>());
  }
}

}  // namespace

void read_layer_file(const workflow::LayerFile& file, const geo::Grid& grid, size_t file_slice,
                     const std::vector<size_t>& bands, raster::Block& block, size_t block_slice,
                     raster::AssetPool& pool) {
  if (file.chunks) {
    try {
      return read_chunked_item(file, grid, file_slice, bands, block, block_slice);
    } catch (Error& error) {
      error.at({.item = file.item.name});
      throw;
    }
  }
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
