// SPDX-License-Identifier: Apache-2.0
// The tiles of an image and of its overviews, uncompressed: what a writer fills in, and what it
// makes the next level from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "geo/grid.h"
#include "raster/cube.h"

namespace geoloom::raster {

// What all tiles of one file have in common.
struct TileShape {
  PixelType type = PixelType::uint8;
  size_t bands = 1;
  bool mask = false;   // a plane that says what is valid, instead of nodata
  int64_t size = 512;  // pixels of a side, a multiple of 16
  std::optional<double> nodata;

  size_t plane_pixels() const { return static_cast<size_t>(size * size); }
  size_t bytes() const { return plane_pixels() * (bands * byte_size(type) + (mask ? 1 : 0)); }
  // What stands where nothing is valid.
  double fill() const { return nodata.value_or(0); }
};

// Planes of size x size pixels, band after band, then the mask (1 valid, 0 not).
class Tile {
 public:
  // Nothing in it is valid. `window` is its part of the image of its level; `memory` may be that of
  // a tile of the same shape which is done with.
  Tile(const TileShape& shape, const geo::Window& window, std::unique_ptr<std::byte[]> memory = {});

  template <class T>
  T* plane(size_t band) {
    return reinterpret_cast<T*>(bytes_.get()) + band * pixels_;
  }
  const std::byte* raw_plane(size_t band) const {
    return bytes_.get() + band * pixels_ * sample_bytes_;
  }
  uint8_t* mask() {
    return reinterpret_cast<uint8_t*>(bytes_.get()) + bands_ * pixels_ * sample_bytes_;
  }
  // Pixels of the image; the others of a tile at its right and lower edge are padding.
  const geo::Window& window() const { return window_; }
  size_t width() const { return static_cast<size_t>(window_.width); }
  size_t height() const { return static_cast<size_t>(window_.height); }
  std::span<std::byte> bytes() { return {bytes_.get(), size_}; }
  std::unique_ptr<std::byte[]> take_memory() { return std::move(bytes_); }

  // Repeats the last column and row into the padding, which costs least when compressed.
  void pad(const TileShape& shape);

 private:
  geo::Window window_;
  size_t bands_, pixels_, sample_bytes_, size_;
  std::unique_ptr<std::byte[]> bytes_;
};

// Sizes and tile numbers of an image (level 0) and its overviews: each has half the columns and
// rows of the one before, rounded up, and the last fits one tile. Tiles are numbered level after
// level, row by row.
class Pyramid {
 public:
  struct Level {
    int64_t width = 0, height = 0;  // pixels
    int64_t across = 0, down = 0;   // tiles
    size_t first = 0;               // number of the first tile
    size_t tiles() const { return static_cast<size_t>(across * down); }
  };
  struct Position {
    size_t level = 0;
    int64_t column = 0, row = 0;
  };

  Pyramid(int64_t width, int64_t height, int64_t tile_size);
  const std::vector<Level>& levels() const { return levels_; }
  size_t tiles() const { return levels_.back().first + levels_.back().tiles(); }
  size_t number(const Position& position) const;
  Position position(size_t number) const;
  geo::Window window(const Position& position) const;

 private:
  int64_t tile_size_;
  std::vector<Level> levels_;
};

enum class Halving { average, mode, nearest };

// Fills the part of `parent`, a tile of the next level, that lies under `child`: each pixel from
// 2 x 2 pixels of the child (fewer at the image's edge). Invalid pixels do not count; where all are
// invalid the result is. With a mask a pixel is valid for all bands or for none.
//   average  their mean, integers rounded half up; floats summed in double, row by row. A mean that
//            would be nodata becomes the next higher value.
//   mode     the most frequent value, of equals the first in row order
//   nearest  the first pixel, valid or not
void halve_into(Tile& parent, Tile& child, const TileShape& shape, Halving halving);

}  // namespace geoloom::raster
