// SPDX-License-Identifier: Apache-2.0
// Domains and items: what a step is applied to. A domain is a product of axes; an item is one
// member of it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "geo/grid.h"

namespace geoloom::workflow {

// The pixel grid of the area cut into tiles of equal size, row by row; the last ones may be
// smaller.
struct Tiling {
  geo::Grid grid;
  int64_t tile_width = 0;
  int64_t tile_height = 0;
  int64_t columns() const { return (grid.width + tile_width - 1) / tile_width; }
  int64_t rows() const { return (grid.height + tile_height - 1) / tile_height; }
  int64_t count() const { return columns() * rows(); }
};

struct Item {
  std::string name;    // "2048_0" (x and y of its first pixel at full resolution) or "all"
  int64_t index = 0;   // place in the whole domain, whatever is selected
  geo::Window window;  // on the area's grid
  geo::Grid grid;      // of that window
};

// The axes of a step; empty = the single item `all`. This version knows the axis `tiles`.
struct Domain {
  std::vector<std::string> axes;
  bool over_tiles() const { return !axes.empty(); }
  std::string text() const { return axes.empty() ? "all" : axes.front(); }
  friend bool operator==(const Domain&, const Domain&) = default;
};

// Which tiles of a domain take part: all, or a selection made on the command line.
struct Selection {
  std::string tiles;   // "3,10-20,2048_0": indices, ranges, names
  int64_t sample = 0;  // > 0: that many, spread evenly over the domain
  bool everything() const { return tiles.empty() && sample == 0; }
};

// `coarsening` is how many full resolution pixels one pixel of the grid stands for (trial runs):
// names stay those of full resolution.
std::vector<Item> tile_items(const Tiling& tiling, int64_t coarsening);
// Throws Error(invalid) naming the part of the selection that matches nothing.
std::vector<Item> select_items(const std::vector<Item>& items, const Selection& selection);
Item whole_area_item(const geo::Grid& grid);

}  // namespace geoloom::workflow
