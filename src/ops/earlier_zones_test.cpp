// SPDX-License-Identifier: Apache-2.0
#include "ops/earlier_zones.h"

#include "ops/op_test.h"

namespace geoloom::ops {
namespace {

workflow::LayerFile item(const geo::Window& window) {
  workflow::LayerFile file;
  file.item.window = window;
  return file;
}

TEST(EarlierZones, APlaceCountsOnce) {
  // 18 degrees east, the edge of zones 33 and 34, is at 723 km of the one and 276 km of the other.
  const geo::Grid west{geo::Crs::parse("EPSG:32633"), 700'000, 5'330'000, 100, 100, 400, 200};
  const geo::Grid east{geo::Crs::parse("EPSG:32634"), 260'000, 5'330'000, 100, 100, 400, 200};
  const geo::Window tile{150, 0, 160, 200};
  EarlierZones earlier(east);
  earlier.add(west, {item(tile), item({0, 0, 150, 10})});
  earlier.add(west, {});
  std::vector<uint8_t> valid(static_cast<size_t>(east.window().pixels()), 1);
  earlier.leave_out(east.window(), valid);
  const auto box = west.box(tile);
  size_t left = 0, wrong = 0;
  for (int64_t y = 0; y < east.height; ++y)
    for (int64_t x = 0; x < east.width; ++x) {
      const auto pixel = east.box({x, y, 1, 1});
      const auto place = geo::to_lon_lat(east.crs, (pixel.min_x + pixel.max_x) / 2,
                                         (pixel.min_y + pixel.max_y) / 2);
      const auto there = geo::from_lon_lat(west.crs, place.lon, place.lat);
      const bool in = there.x >= box.min_x && there.x < box.max_x && there.y > box.min_y &&
                      there.y <= box.max_y;
      const bool kept = valid[static_cast<size_t>(y * east.width + x)] != 0;
      left += kept ? 0 : 1;
      if (in && kept) ++wrong;
    }
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(left, 1000U);
  EXPECT_LT(left, valid.size());
  // In parts the same.
  const geo::Window part{31, 17, 290, 60};
  std::vector<uint8_t> of_part(static_cast<size_t>(part.pixels()), 1);
  earlier.leave_out(part, of_part);
  for (int64_t y = 0; y < part.height; ++y)
    for (int64_t x = 0; x < part.width; ++x)
      ASSERT_EQ(of_part[static_cast<size_t>(y * part.width + x)],
                valid[static_cast<size_t>((y + part.y) * east.width + x + part.x)]);
}

TEST(EarlierZones, ZonesOfOneCrs) {
  const geo::Grid first{geo::Crs::parse("EPSG:32633"), 500'000, 5'000'000, 10, 10, 10, 10};
  geo::Grid second = first;
  second.origin_x += 25;
  EarlierZones earlier(second);
  earlier.add(first, {item({0, 0, 5, 10})});
  std::vector<uint8_t> valid(10, 1);
  earlier.leave_out({0, 3, 10, 1}, valid);
  EXPECT_THAT(valid, testing::ElementsAre(0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
}

}  // namespace
}  // namespace geoloom::ops
