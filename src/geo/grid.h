// SPDX-License-Identifier: Apache-2.0
// Pixel windows and north-up affine grids: where pixels lie. Used by every layer that touches
// pixels. Resampling rules are decided here, once: a pixel belongs to the cell its centre is in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "geo/crs.h"

namespace geoloom::geo {

// A half-open rectangle of pixels: columns x .. x+width-1, rows y .. y+height-1. May lie outside
// of a raster (negative x, y) where a halo reaches over the edge.
struct Window {
  int64_t x = 0;
  int64_t y = 0;
  int64_t width = 0;
  int64_t height = 0;

  int64_t right() const { return x + width; }
  int64_t bottom() const { return y + height; }
  int64_t pixels() const { return width * height; }
  bool empty() const { return width <= 0 || height <= 0; }
  bool contains(const Window& other) const;
  Window intersect(const Window& other) const;  // empty windows have width = height = 0
  Window expanded(int64_t halo_pixels) const;
  std::string text() const;  // "x,y,width,height"
  friend bool operator==(const Window&, const Window&) = default;
};

// A coordinate range in the units of a CRS.
struct Box {
  double min_x = 0, min_y = 0, max_x = 0, max_y = 0;
  bool intersects(const Box& other) const;  // touching edges do not count
};

// A north-up pixel grid: (origin_x, origin_y) is the outer corner of the upper left pixel, x grows
// with columns, y falls with rows. Pixel sizes are positive, in CRS units.
struct Grid {
  Crs crs;
  double origin_x = 0;
  double origin_y = 0;
  double pixel_width = 1;
  double pixel_height = 1;
  int64_t width = 0;
  int64_t height = 0;

  Window window() const { return {0, 0, width, height}; }
  Box box() const { return box(window()); }
  Box box(const Window& w) const;
  // The grid of a window of this grid; exact: origins are origin + index * size, never accumulated.
  Grid sub(const Window& w) const;
  // The grid with pixels `factor` times as large; the last ones may reach over the edges.
  Grid coarsened(int64_t factor) const;
  // Fractional pixel position of a coordinate: (column, row).
  struct PixelPosition {
    double column, row;
  };
  PixelPosition position(double x, double y) const;

  // "EPSG:32631 10x10 at (600000, 4900020), 10980x10980": canonical, part of fingerprints.
  std::string text() const;
  friend bool operator==(const Grid&, const Grid&) = default;
};

// How the cells of `target` find their cells in `source` when both have one CRS and parallel axes:
// source index of target column c = floor(column_offset + (c + 0.5) * column_scale), nearest. The
// offsets are put on the nearest edge of the finer pixel, so that metadata noise cannot move a
// pixel.
struct NearestMapping {
  double column_scale = 1, row_scale = 1;    // source pixels per target pixel
  double column_offset = 0, row_offset = 0;  // target origin in source pixels
  bool identity_scale() const { return column_scale == 1 && row_scale == 1; }
  int64_t source_column(int64_t target_column) const;
  int64_t source_row(int64_t target_row) const;
  Window source_window(const Window& target) const;  // smallest window that holds all sources
};

// Why two grids cannot be matched without warping (other CRS, pixels that do not nest, shifted by a
// fraction of a pixel); empty when they can. Nesting means: pixel sizes in a whole ratio either way
// (relative tolerance 1e-6) and origins a whole number of the finer pixels apart (within 1/1024).
std::string why_not_nested(const Grid& target, const Grid& source);
NearestMapping nearest_mapping(const Grid& target, const Grid& source);

}  // namespace geoloom::geo
