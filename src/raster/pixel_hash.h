// SPDX-License-Identifier: Apache-2.0
// The pixel hash: an identity of a raster's pixels that knows nothing of codecs, tiles and nodata.
//
// Version 2. A cell is 16 x 16 pixels, cut off at the raster's edge; cells lie on a grid that
// begins at its corner. Of each cell and band the XXH3-128 is taken of: the cell's number in row
// order and the band's number from 0 (64 bits each), the values row by row (0 where invalid),
// validity row by row (bytes, 1 or 0); numbers are little-endian. The low and the high halves of
// all these hashes are summed, modulo 2^64 each, so that cells can come in any order and by any
// threads. The pixel hash is the XXH3-128 of the text "pixels 2 <width> <height> <type of each
// band>..." and the two sums.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "geo/grid.h"
#include "raster/cube.h"

namespace geoloom::raster {

class PixelHasher {
 public:
  static constexpr int64_t kCell = 16;

  PixelHasher(int64_t width, int64_t height) : width_(width), height_(height) {}

  // Adds whole cells: the window begins at multiples of kCell, and ends at such or at the raster's
  // edge. `values` and `valid` (1 or 0) begin at its first pixel and have rows of `stride` pixels;
  // values are unspecified where invalid.
  template <class T>
  void add(const geo::Window& window, size_t band, const T* values, const uint8_t* valid,
           size_t stride);
  void merge(const PixelHasher& other);
  // Of all bands of the raster, once every cell was added.
  std::string hex(const std::vector<PixelType>& types) const;

 private:
  int64_t width_, height_;
  uint64_t low_ = 0, high_ = 0;
};

}  // namespace geoloom::raster
