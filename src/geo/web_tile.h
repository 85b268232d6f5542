// SPDX-License-Identifier: Apache-2.0
// Tiles z/x/y of the web's Mercator map (EPSG:3857): the square of the world, halved `zoom` times,
// rows counted from the north.
#pragma once

#include <cstdint>

#include "geo/grid.h"

namespace geoloom::geo {

inline constexpr int kMostZoom = 24;
// Half the side of the square, metres: pi times the radius of WGS84's equator.
inline constexpr double kWebMercatorHalf_m = 20037508.342789244;
// The latitude where the square ends, degrees.
inline constexpr double kWebMercatorLatitude = 85.0511287798066;

struct WebTile {
  int zoom = 0;
  int64_t column = 0, row = 0;

  // 0 <= zoom <= kMostZoom, and the column and row are there.
  bool exists() const;
  // In the pixels of web_mercator_world(zoom, tile_pixels).
  Window window(int64_t tile_pixels) const;
  Box box() const;  // EPSG:3857
};

// All tiles of a zoom as one grid of pixels.
Grid web_mercator_world(int zoom, int64_t tile_pixels);

}  // namespace geoloom::geo
