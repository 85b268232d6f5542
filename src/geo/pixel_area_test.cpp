// SPDX-License-Identifier: Apache-2.0
#include "geo/pixel_area.h"

#include <gtest/gtest.h>

#include <numbers>

namespace geoloom::geo {
namespace {

Grid grid_of(const char* crs, double x, double y, double pixel) {
  Grid grid;
  grid.crs = Crs::parse(crs);
  grid.origin_x = x;
  grid.origin_y = y;
  grid.pixel_width = grid.pixel_height = pixel;
  grid.width = grid.height = 10000;
  return grid;
}

// The surface of the WGS84 ellipsoid is 510 065 621.724 km2.
TEST(PixelArea, TheWholeEarth) {
  EXPECT_NEAR(4 * std::numbers::pi * area_below_latitude(90), 510065621724e3, 1e6);
  const auto grid = grid_of("EPSG:4326", -180, 90, 1);
  const PixelAreas areas(grid);
  double sum = 0;
  for (int64_t y = 0; y < 180; ++y)
    for (const double area : areas.row(y, 0, 360)) sum += area;
  EXPECT_NEAR(sum, 510065621724e3, 1e6);
}

// On its central meridian UTM shrinks lengths by 0.9996.
TEST(PixelArea, UtmOnItsCentralMeridian) {
  const PixelAreas areas(grid_of("EPSG:32631", 500000, 5000000, 10));
  EXPECT_NEAR(areas.row(0, 0, 1)[0], 100 / (0.9996 * 0.9996), 1e-6);
  // 300 km to the east lengths are about 0.9996 * (1 + 300^2 / (2 * 6378^2)).
  EXPECT_NEAR(areas.row(0, 30000, 1)[0], 100 / (1.000706 * 1.000706), 2e-3);
}

// Between the nodes it is as at them.
TEST(PixelArea, InterpolationIsFine) {
  const auto grid = grid_of("EPSG:32631", 600000, 5000000, 10);
  const auto row = PixelAreas(grid).row(31, 5, 100);
  for (const int64_t x : {5, 37, 63, 64, 104}) {
    auto here = grid;  // a grid with a node at the pixel
    here.origin_x += static_cast<double>(x) * 10;
    here.origin_y -= 31 * 10.0;
    EXPECT_NEAR(row[static_cast<size_t>(x - 5)], PixelAreas(here).row(0, 0, 1)[0], 1e-6);
  }
}

TEST(PixelArea, EqualAreaGridsHaveTheAreaOfTheirPixels) {
  EXPECT_NEAR(PixelAreas(grid_of("EPSG:6933", 1000000, 3000000, 10)).row(70, 70, 1)[0], 100, 1e-4);
  EXPECT_NEAR(PixelAreas(grid_of("EPSG:3035", 4000000, 3000000, 20)).row(7, 7, 1)[0], 400, 1e-3);
}

// At 60 degrees the web's Mercator stretches lengths about twice.
TEST(PixelArea, WebMercatorIsStretched) {
  EXPECT_NEAR(PixelAreas(grid_of("EPSG:3857", 2000000, 8399738, 10)).row(0, 0, 1)[0], 25, 0.2);
}

TEST(PixelArea, AcrossTheAntimeridian) {
  const PixelAreas areas(grid_of("EPSG:32601", 166000, 5, 10));
  EXPECT_GT(areas.row(0, 0, 1)[0], 99);
  EXPECT_LT(areas.row(0, 0, 1)[0], 101);
}

}  // namespace
}  // namespace geoloom::geo
