// SPDX-License-Identifier: Apache-2.0
// Shapes with values onto a window of pixels: the rules of `rasterize` where shapes overlap.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gdal/geometry.h"
#include "geo/grid.h"

namespace geoloom::ops {

// What a pixel of several shapes gets. All but `conflict` are the same for one shape.
enum class Overlap { last, first, highest, lowest, sum, count, conflict };

struct BurnedShape {
  gdal::Geometry geometry;  // in the grid's CRS
  double value = 0;
  std::string identity;  // of shape and value
};

struct BurnRules {
  Overlap overlap = Overlap::last;
  double conflict_value = 0;  // of pixels that shapes of different values cover
  bool all_touched = false;
};

// The pixels that a shape can cover, cut to the grid; a pixel more on all sides than its bounds.
geo::Window reach_of(const gdal::Geometry& geometry, const geo::Grid& grid);

// Burns shapes, in their order, on a window of a grid: `values` and `covered` (1 or 0) are dense
// rows of the window; values are 0 where nothing covers a pixel. The order matters to `first` and
// `last`, and to the last bits of sums.
void burn_shapes(const std::vector<const BurnedShape*>& shapes, const BurnRules& rules,
                 const geo::Grid& grid, const geo::Window& window, std::span<double> values,
                 std::span<uint8_t> covered);

}  // namespace geoloom::ops
