// SPDX-License-Identifier: Apache-2.0
#include "geo/pixel_mapping.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace geoloom::geo {
namespace {

constexpr double kBound = 1.0 / (1 << 20);

Grid grid(const std::string& crs, double x, double y, double size, int64_t width, int64_t height) {
  return {Crs::parse(crs), x, y, size, size, width, height};
}

PixelMapping mapping(const Grid& target, const Grid& source) {
  return {target, source, CoordinateOperation::between(target.crs, source.crs)};
}

struct Pair {
  const char* name;
  Grid target, source;
};

std::vector<Pair> pairs() {
  return {
      {"UTM to equal area", grid("EPSG:6933", 96000 * 2, 5856000, 10, 9600, 9600),
       grid("EPSG:32631", 600000, 5400000, 10, 10980, 10980)},
      {"UTM zone to its neighbour", grid("EPSG:32632", 209760, 5400000, 10, 10980, 10980),
       grid("EPSG:32631", 600000, 5400000, 20, 5490, 5490)},
      {"degrees to UTM", grid("EPSG:32633", 399960, 5200020, 10, 10980, 10980),
       grid("EPSG:4326", -180, 90, 1.0 / 3600, 360 * 3600, 180 * 3600)},
      {"coarse pixels", grid("EPSG:4326", -60, 0, 0.01, 3000, 2000),
       grid("ESRI:54008", -6671703.118, 0, 231.656358264, 4800, 4800)},
      {"polar", grid("EPSG:3413", -200000, 200000, 1000, 400, 400),
       grid("EPSG:4326", -180, 90, 0.01, 36000, 1000)},
  };
}

// The largest distance between the lattice's places and the exact ones.
double largest_error(const PixelMapping& mapping, const Window& window) {
  const auto fast = mapping.positions(window), exact = mapping.exact_positions(window);
  double largest = 0;
  for (size_t i = 0; i < exact.columns.size(); ++i) {
    EXPECT_EQ(std::isnan(fast.columns[i]), std::isnan(exact.columns[i])) << i;
    if (std::isnan(exact.columns[i])) continue;
    largest = std::max(largest, std::abs(fast.columns[i] - exact.columns[i]));
    largest = std::max(largest, std::abs(fast.rows[i] - exact.rows[i]));
  }
  return largest;
}

TEST(PixelMapping, TheLatticeKeepsItsBound) {
  for (const auto& pair : pairs()) {
    const auto m = mapping(pair.target, pair.source);
    for (const Window& window :
         {Window{0, 0, 200, 200}, Window{-77, 131, 150, 90}, Window{195, 190, 70, 70}})
      EXPECT_LE(largest_error(m, window), kBound) << pair.name << " " << window.text();
  }
}

TEST(PixelMapping, WindowsAgreeToTheLastBit) {
  for (const auto& pair : pairs()) {
    const auto m = mapping(pair.target, pair.source);
    const Window whole{-13, 51, 150, 140};
    const auto all = m.positions(whole);
    for (int64_t size : {1, 37, 64}) {
      for (int64_t y = whole.y; y < whole.bottom(); y += size * 2 + 1) {
        for (int64_t x = whole.x; x < whole.right(); x += size * 2 + 1) {
          const Window tile = Window{x, y, size, size}.intersect(whole);
          const auto part = m.positions(tile);
          for (int64_t j = 0; j < tile.height; ++j) {
            for (int64_t i = 0; i < tile.width; ++i) {
              const auto at = static_cast<size_t>(j * tile.width + i);
              const auto in_all =
                  static_cast<size_t>((tile.y + j - whole.y) * whole.width + tile.x + i - whole.x);
              if (std::isnan(all.columns[in_all])) continue;
              ASSERT_EQ(part.columns[at], all.columns[in_all]) << pair.name;
              ASSERT_EQ(part.rows[at], all.rows[in_all]) << pair.name;
            }
          }
        }
      }
    }
  }
}

TEST(PixelMapping, OneSystemIsArithmetic) {
  const auto m = mapping(grid("EPSG:32631", 600005, 5400000, 10, 100, 100),
                         grid("EPSG:32631", 600000, 5400010, 20, 100, 100));
  const auto p = m.positions({0, 0, 2, 1});
  EXPECT_EQ(p.columns, (std::vector<double>{0.5, 1.0}));
  EXPECT_EQ(p.rows, (std::vector<double>{0.75, 0.75}));
  EXPECT_EQ(m.scale(), (PixelScale{0.5, 0.5}));
}

TEST(PixelMapping, ScalesAreThoseOnTheGround) {
  // EPSG:6933 has true east-west distances at 30 degrees: further north its pixels are narrow on
  // the ground and tall, and keep their area.
  const auto equal_area = pairs()[0];
  const auto scale = mapping(equal_area.target, equal_area.source).scale();
  EXPECT_NEAR(scale.columns * scale.rows, 1, 0.01);
  EXPECT_LT(scale.columns, 0.85);
  const auto neighbours = pairs()[1];
  const auto half = mapping(neighbours.target, neighbours.source).scale();
  EXPECT_NEAR(half.columns, 0.5, 0.003);
  EXPECT_EQ(half.columns * 1024, std::round(half.columns * 1024));
}

TEST(PixelMapping, LongitudesAreCountedAsTheSourceDoes) {
  const auto target = grid("EPSG:32601", 166021, 10000, 1000, 20, 20);  // west of -177
  const Grid from_zero{Crs::parse("EPSG:4326"), 0, 90, 1, 1, 360, 180};
  const auto p = mapping(target, from_zero).positions({0, 0, 1, 1});
  EXPECT_NEAR(p.columns[0], 180, 0.02);
  EXPECT_NEAR(p.rows[0], 89.9, 0.05);
}

TEST(PixelMapping, TheRoughWindowHoldsAllPositions) {
  for (const auto& pair : pairs()) {
    const auto m = mapping(pair.target, pair.source);
    const Window window{100, 30, 130, 170};
    const Window rough = m.rough_source_window(window);
    const auto p = m.positions(window);
    for (size_t i = 0; i < p.columns.size(); ++i) {
      if (std::isnan(p.columns[i])) continue;
      ASSERT_GE(p.columns[i], static_cast<double>(rough.x)) << pair.name;
      ASSERT_LE(p.columns[i], static_cast<double>(rough.right())) << pair.name;
      ASSERT_GE(p.rows[i], static_cast<double>(rough.y)) << pair.name;
      ASSERT_LE(p.rows[i], static_cast<double>(rough.bottom())) << pair.name;
    }
  }
  const auto nowhere =
      mapping(grid("EPSG:32631", 9e9, 9e9, 10, 10, 10), grid("EPSG:4326", -180, 90, 1, 360, 180));
  EXPECT_TRUE(nowhere.rough_source_window({0, 0, 10, 10}).empty());
}

}  // namespace
}  // namespace geoloom::geo
