// SPDX-License-Identifier: Apache-2.0
#include "geo/grid.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "error/error.h"

namespace geoloom::geo {
namespace {

Grid granule(double size, int64_t pixels) {
  Grid grid;
  grid.crs = Crs::parse("EPSG:32631");
  grid.origin_x = 600000;
  grid.origin_y = 4900020;
  grid.pixel_width = grid.pixel_height = size;
  grid.width = grid.height = pixels;
  return grid;
}

TEST(Window, SetOperations) {
  const Window a{10, 20, 30, 40};
  EXPECT_TRUE(a.contains({10, 20, 30, 40}));
  EXPECT_FALSE(a.contains({9, 20, 5, 5}));
  EXPECT_EQ(a.intersect({30, 50, 100, 100}), (Window{30, 50, 10, 10}));
  EXPECT_TRUE(a.intersect({40, 20, 5, 5}).empty());
  EXPECT_EQ(a.intersect({100, 100, 1, 1}).pixels(), 0);
  EXPECT_EQ(a.expanded(2), (Window{8, 18, 34, 44}));
  EXPECT_EQ(a.text(), "10,20,30,40");
}

TEST(Box, TouchingEdgesDoNotIntersect) {
  EXPECT_FALSE((Box{0, 0, 1, 1}).intersects({1, 0, 2, 1}));
  EXPECT_TRUE((Box{0, 0, 1, 1}).intersects({0.5, 0.5, 2, 2}));
}

TEST(Grid, TextIsCanonical) {
  EXPECT_EQ(granule(10, 10980).text(), "EPSG:32631 10x10 at (600000, 4900020), 10980x10980");
}

TEST(Grid, WindowsAreExact) {
  const Grid grid = granule(10, 10980);
  const Grid sub = grid.sub({1024, 2048, 100, 50});
  EXPECT_EQ(sub.origin_x, 610240);
  EXPECT_EQ(sub.origin_y, 4879540);
  EXPECT_EQ(sub.width, 100);
  const Box box = grid.box({1, 1, 2, 3});
  EXPECT_EQ(box.min_x, 600010);
  EXPECT_EQ(box.max_x, 600030);
  EXPECT_EQ(box.max_y, 4900010);
  EXPECT_EQ(box.min_y, 4899980);
  EXPECT_EQ(grid.position(600015, 4900005).column, 1.5);
  EXPECT_EQ(grid.position(600015, 4900005).row, 1.5);
}

TEST(Grid, Coarsened) {
  EXPECT_EQ(granule(10, 10980).coarsened(6), granule(60, 1830));
  EXPECT_EQ(granule(10, 10980).coarsened(7), granule(70, 1569));  // 3 fine pixels over the edge
  EXPECT_THROW(granule(10, 10980).coarsened(0), Error);
}

TEST(NearestMapping, EqualGridsAtAnOffset) {
  const Grid source = granule(10, 10980);
  const Grid target = source.sub({512, 256, 64, 32});
  EXPECT_EQ(why_not_nested(target, source), "");
  const NearestMapping mapping = nearest_mapping(target, source);
  EXPECT_TRUE(mapping.identity_scale());
  EXPECT_EQ(mapping.source_window(target.window()), (Window{512, 256, 64, 32}));
}

TEST(NearestMapping, TakesTheMaskPixelUnderEachBandPixel) {
  const Grid mask = granule(20, 5490);
  const Grid bands = granule(10, 10980);
  const NearestMapping mapping = nearest_mapping(bands, mask);
  for (int64_t c = 0; c < 10; ++c) EXPECT_EQ(mapping.source_column(c), c / 2);
  EXPECT_EQ(mapping.source_window({3, 5, 4, 1}), (Window{1, 2, 3, 1}));
}

TEST(NearestMapping, CoarseOriginMayLieOnAnyFineEdge) {
  Grid mask = granule(30, 100);
  mask.origin_x -= 10;
  mask.origin_y += 20;
  const NearestMapping mapping = nearest_mapping(granule(10, 100), mask);
  for (int64_t c = 0; c < 30; ++c) {
    EXPECT_EQ(mapping.source_column(c), (c + 1) / 3);
    EXPECT_EQ(mapping.source_row(c), (c + 2) / 3);
  }
}

TEST(NearestMapping, CoarseTrialOfAFineSource) {
  const NearestMapping six = nearest_mapping(granule(60, 1830), granule(10, 10980));
  EXPECT_EQ(six.source_column(0), 3);
  EXPECT_EQ(six.source_column(1829), 10977);
  const NearestMapping three = nearest_mapping(granule(30, 3660), granule(10, 10980));
  EXPECT_EQ(three.source_row(0), 1);
}

TEST(NearestMapping, MetadataNoiseMovesNoPixel) {
  const Grid target = granule(10, 10980);
  for (const double noise : {-1e-3, 1e-3, -9e-3, 9e-3}) {
    Grid source = target;
    source.origin_x += noise;
    source.origin_y -= noise;
    source.pixel_width *= 1 + 1e-9;
    ASSERT_EQ(why_not_nested(target, source), "") << noise;
    const NearestMapping mapping = nearest_mapping(target, source);
    EXPECT_TRUE(mapping.identity_scale());
    EXPECT_EQ(mapping.source_window(target.window()), target.window());
    const NearestMapping coarse = nearest_mapping(target.coarsened(2), source);
    EXPECT_EQ(coarse.source_column(5489), 10979);
  }
}

TEST(NearestMapping, RatiosAreExactOverAWholeRow) {
  for (const int64_t ratio : {2, 3, 6, 7, 30, 100}) {
    const NearestMapping mapping =
        nearest_mapping(granule(10, 1000), granule(10.0 * static_cast<double>(ratio), 1000));
    for (int64_t c = 0; c < 20000; ++c) ASSERT_EQ(mapping.source_column(c), c / ratio);
  }
}

TEST(WhyNotNested, SaysWhy) {
  const Grid target = granule(10, 100);
  Grid other = target;
  other.crs = Crs::parse("EPSG:32632");
  EXPECT_NE(why_not_nested(target, other).find("EPSG:32632"), std::string::npos);
  EXPECT_NE(why_not_nested(target, granule(15, 100)).find("do not nest"), std::string::npos);
  other = target;
  other.origin_x += 5;
  EXPECT_NE(why_not_nested(target, other).find("fraction of a pixel"), std::string::npos);
  Grid coarse = granule(20, 100);
  coarse.origin_x += 5;
  EXPECT_NE(why_not_nested(target, coarse).find("fraction of a pixel"), std::string::npos);
  EXPECT_THROW(nearest_mapping(target, other), Error);
  other = target;
  other.crs = Crs();
  EXPECT_NE(why_not_nested(target, other), "");
}

}  // namespace
}  // namespace geoloom::geo
