// SPDX-License-Identifier: Apache-2.0
// Small pictures of rasters, to look at.
#pragma once

#include <cstdint>
#include <string>

namespace geoloom::gdal {

// The bytes of a PNG of a GeoTIFF or PNG whose longer side has at most `longest_side` pixels, read
// through its overviews by nearest neighbour. Red, green and blue where bands are called so, else
// the first band: by its colour table, or grey. Each band is stretched from the 2nd to the 98th
// percentile of its valid values, but values of pictures of 8 bits with three bands stay; invalid
// pixels are transparent. Throws Error: missing, denied, corrupt, invalid (no raster), resource.
std::string preview_png(const std::string& path, int64_t longest_side);

}  // namespace geoloom::gdal
