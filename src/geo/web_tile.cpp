// SPDX-License-Identifier: Apache-2.0
#include "geo/web_tile.h"

#include <cmath>

namespace geoloom::geo {

bool WebTile::exists() const {
  if (zoom < 0 || zoom > kMostZoom) return false;
  const int64_t tiles = int64_t{1} << zoom;
  return column >= 0 && column < tiles && row >= 0 && row < tiles;
}

Window WebTile::window(int64_t tile_pixels) const {
  return {column * tile_pixels, row * tile_pixels, tile_pixels, tile_pixels};
}

Box WebTile::box() const {
  return web_mercator_world(zoom, 1).box(window(1));
}

Grid web_mercator_world(int zoom, int64_t tile_pixels) {
  static const Crs crs = Crs::parse("EPSG:3857");
  Grid grid;
  grid.crs = crs;
  grid.width = grid.height = tile_pixels << zoom;
  grid.pixel_width = grid.pixel_height = 2 * kWebMercatorHalf_m / static_cast<double>(grid.width);
  grid.origin_x = -kWebMercatorHalf_m;
  grid.origin_y = kWebMercatorHalf_m;
  return grid;
}

}  // namespace geoloom::geo
