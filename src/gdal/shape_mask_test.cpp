// SPDX-License-Identifier: Apache-2.0
#include "gdal/shape_mask.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

namespace geoloom::gdal {
namespace {

geo::Grid grid() {
  return {geo::Crs::parse("EPSG:32631"), 500'000, 5'000'000, 10, 10, 3000, 2000};
}

std::vector<uint8_t> mask(const Geometry& shape, const geo::Window& window, bool touched = false) {
  std::vector<uint8_t> out(static_cast<size_t>(window.pixels()), 7);
  mask_of_shape(shape, grid(), window, touched, out);
  return out;
}

// The pixels of a shape as a drawing.
std::string drawn(const std::string& wkt, bool touched = false) {
  const geo::Window window{0, 0, 6, 4};
  const auto pixels = mask(Geometry::from_wkt(wkt), window, touched);
  std::string text;
  for (size_t i = 0; i < pixels.size(); ++i) {
    text += pixels[i] == 1 ? '#' : pixels[i] == 0 ? '.' : '?';
    if (i % 6 == 5) text += '\n';
  }
  return text;
}

TEST(ShapeMask, PolygonsCoverPixelsWhoseCentresTheyHold) {
  EXPECT_EQ(drawn("POLYGON ((500004 4999996, 500026 4999996, 500026 4999974, 500004 4999974, "
                  "500004 4999996))"),
            "###...\n"
            "###...\n"
            "###...\n"
            "......\n");
  EXPECT_EQ(drawn("POLYGON ((500006 4999994, 500024 4999994, 500024 4999976, 500006 4999976, "
                  "500006 4999994))"),
            "......\n"
            ".#....\n"
            "......\n"
            "......\n");
}

TEST(ShapeMask, HolesAreHoles) {
  EXPECT_EQ(
      drawn("POLYGON ((500000 5000000, 500050 5000000, 500050 4999960, 500000 4999960, 500000 "
            "5000000),"
            "(500010 4999990, 500030 4999990, 500030 4999970, 500010 4999970, 500010 4999990))"),
      "#####.\n"
      "#..##.\n"
      "#..##.\n"
      "#####.\n");
}

TEST(ShapeMask, PointsAndLines) {
  EXPECT_EQ(drawn("MULTIPOINT ((500015 4999985), (500059 4999961))"),
            "......\n"
            ".#....\n"
            "......\n"
            ".....#\n");
  EXPECT_EQ(drawn("LINESTRING (500005 4999995, 500045 4999995, 500045 4999965)"),
            "#####.\n"
            "....#.\n"
            "....#.\n"
            "....#.\n");
}

TEST(ShapeMask, AllTouchedTakesWhatIsTouched) {
  EXPECT_EQ(drawn("POLYGON ((500008 4999992, 500022 4999992, 500022 4999978, 500008 4999978, "
                  "500008 4999992))",
                  true),
            "###...\n"
            "###...\n"
            "###...\n"
            "......\n");
}

TEST(ShapeMask, WindowsDoNotMatterWhereverEdgesRun) {
  // Slopes through centres of pixels, across the borders of cells.
  const auto shape = Geometry::from_wkt(
      "POLYGON ((504105 4995895, 506135 4994885, 505125 4993875, 504105 4995895))");
  for (const bool touched : {false, true}) {
    const geo::Window cell{512, 512, 512, 512};
    const auto whole = mask(shape, cell, touched);
    EXPECT_GT(std::accumulate(whole.begin(), whole.end(), 0), 1000);
    for (const int64_t size : {1, 7, 100}) {
      for (int64_t y = 512; y < 1024; y += size * 13)
        for (int64_t x = 512; x < 1024; x += size * 5) {
          const auto window = geo::Window{x, y, size, size}.intersect(cell);
          const auto part = mask(shape, window, touched);
          for (int64_t row = 0; row < window.height; ++row)
            for (int64_t column = 0; column < window.width; ++column)
              ASSERT_EQ(part[static_cast<size_t>(row * window.width + column)],
                        whole[static_cast<size_t>((y - 512 + row) * 512 + x - 512 + column)]);
        }
    }
  }
}

TEST(ShapeMask, NothingCoversNothing) {
  const auto pixels = mask({}, {0, 0, 4, 4});
  EXPECT_EQ(std::accumulate(pixels.begin(), pixels.end(), 0), 0);
  const auto far = mask(Geometry::from_wkt("POINT (0 0)"), {0, 0, 4, 4});
  EXPECT_EQ(std::accumulate(far.begin(), far.end(), 0), 0);
}

}  // namespace
}  // namespace geoloom::gdal
