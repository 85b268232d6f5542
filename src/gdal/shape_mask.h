// SPDX-License-Identifier: Apache-2.0
// Which pixels a shape covers, as GDAL's rasterizer decides it.
#pragma once

#include <cstdint>
#include <span>

#include "gdal/geometry.h"
#include "geo/grid.h"

namespace geoloom::gdal {

// Cells of a fixed lattice of the grid: whoever asks for a pixel, it is decided in the frame of its
// cell, so that windows do not matter, not even where an edge runs through the centre of a pixel.
inline constexpr int64_t kMaskCell = 512;

// Fills `mask` (window.width x window.height, dense rows; 1 covered, 0 not) for a window that lies
// in one cell, whose corners are multiples of kMaskCell. The shape has the grid's CRS. A pixel is
// covered by a polygon that holds its centre (even-odd, so holes are holes, and shapes that are not
// valid are burned as they are drawn), by a line that passes it as Bresenham's algorithm steps, and
// by a point in it; with `all_touched` by whatever touches it. Coordinates count in steps of 2^-20
// pixels. Throws Error(resource) when memory is short.
void mask_of_shape(const Geometry& shape, const geo::Grid& grid, const geo::Window& window,
                   bool all_touched, std::span<uint8_t> mask);

}  // namespace geoloom::gdal
