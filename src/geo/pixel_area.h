// SPDX-License-Identifier: Apache-2.0
// How large pixels are on the Earth: areas on the WGS84 ellipsoid, which every map projection but
// the equal-area ones distorts. For tables of areas; nothing of it reaches pixels.
#pragma once

#include <vector>

#include "geo/coordinate_operation.h"
#include "geo/grid.h"

namespace geoloom::geo {

// Of the ellipsoid between the equator and a latitude, per radian of longitude, in square metres;
// negative in the south. Snyder, "Map projections: a working manual" (1987), equation 3-12.
double area_below_latitude(double latitude_degrees);

// Thread-safe.
class PixelAreas {
 public:
  // Throws Error(invalid) for a grid without a CRS.
  explicit PixelAreas(const Grid& grid);

  // The areas of the pixels of a row, columns x .. x + width - 1, in square metres. Of grids in
  // degrees they are exact. Of others, those of every kNode-th pixel of every kNode-th row are
  // taken from where its corners lie on the Earth, and those between by bilinear interpolation: to
  // about 1e-7 of an area on grids whose projection is meant for the place. NaN where a corner lies
  // nowhere.
  std::vector<double> row(int64_t y, int64_t x, int64_t width) const;

  static constexpr int64_t kNode = 64;

 private:
  std::vector<double> at_nodes(int64_t node_row, int64_t first_node, size_t count) const;
  Grid grid_;
  CoordinateOperation to_lon_lat_;
};

}  // namespace geoloom::geo
