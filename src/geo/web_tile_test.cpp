// SPDX-License-Identifier: Apache-2.0
#include "geo/web_tile.h"

#include <gtest/gtest.h>

namespace geoloom::geo {
namespace {

TEST(WebTile, TheWorldIsOneTile) {
  const auto world = web_mercator_world(0, 256);
  EXPECT_EQ(world.width, 256);
  EXPECT_DOUBLE_EQ(world.pixel_width, 156543.03392804097);
  const auto corner = to_lon_lat(world.crs, world.origin_x, world.origin_y);
  EXPECT_NEAR(corner.lon, -180, 1e-9);
  EXPECT_NEAR(corner.lat, kWebMercatorLatitude, 1e-9);
}

// Tile 12/2103/1425 has its north-western corner at 4.833984375 E, 47.93106634750977 N.
TEST(WebTile, LiesWhereTheWebsMapHasIt) {
  const WebTile tile{12, 2103, 1425};
  const auto box = tile.box();
  const auto corner = to_lon_lat(web_mercator_world(0, 1).crs, box.min_x, box.max_y);
  EXPECT_NEAR(corner.lon, 2103.0 / 4096 * 360 - 180, 1e-9);
  EXPECT_NEAR(corner.lat, 47.93106634750977, 1e-9);
  EXPECT_EQ(tile.window(512), (Window{2103 * 512, 1425 * 512, 512, 512}));
}

TEST(WebTile, SomeDoNotExist) {
  EXPECT_TRUE((WebTile{0, 0, 0}).exists());
  EXPECT_TRUE((WebTile{kMostZoom, (1 << kMostZoom) - 1, 0}).exists());
  EXPECT_FALSE((WebTile{0, 1, 0}).exists());
  EXPECT_FALSE((WebTile{3, 0, -1}).exists());
  EXPECT_FALSE((WebTile{3, 8, 0}).exists());
  EXPECT_FALSE((WebTile{-1, 0, 0}).exists());
  EXPECT_FALSE((WebTile{kMostZoom + 1, 0, 0}).exists());
}

}  // namespace
}  // namespace geoloom::geo
