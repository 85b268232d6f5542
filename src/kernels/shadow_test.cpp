// SPDX-License-Identifier: Apache-2.0
#include "kernels/shadow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace geoloom::kernels {
namespace {

TEST(Shadow, FallsWhereTheShiftsLead) {
  const std::vector<uint8_t> casting{0, 0, 0, 0, 0,  //
                                     0, 0, 9, 0, 0,  //
                                     0, 0, 0, 0, 1};
  std::vector<uint8_t> shadows(15, 7);
  const std::vector<PixelShift> shifts{{-1, 0}, {-2, -1}, {3, 3}};
  cast_shadows(casting.data(), 5, 3, shifts, shadows.data());
  EXPECT_THAT(shadows, testing::ElementsAre(1, 0, 0, 0, 0,  //
                                            0, 1, 1, 0, 0,  //
                                            0, 0, 0, 1, 0));
  EXPECT_EQ(shadow_halo(shifts), (ShadowHalo{3, 3, 2, 1}));
  cast_shadows(casting.data(), 5, 3, {}, shadows.data());
  EXPECT_THAT(shadows, testing::Each(0));
}

TEST(Shadow, EqualsTheReferenceForAnySizeAndShift) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const size_t width = random() % 70, height = random() % 40;
    std::vector<uint8_t> casting(width * height), got(width * height, 3), wanted(width * height, 5);
    for (auto& each : casting) each = random() % 9 == 0 ? static_cast<uint8_t>(random()) : 0;
    std::vector<PixelShift> shifts(random() % 5);
    for (auto& shift : shifts)
      shift = {static_cast<int64_t>(random() % 161) - 80, static_cast<int64_t>(random() % 99) - 49};
    cast_shadows(casting.data(), width, height, shifts, got.data());
    reference::cast_shadows(casting.data(), width, height, shifts, wanted.data());
    ASSERT_EQ(got, wanted) << width << " x " << height;
  }
}

// A part with its halo gets what the whole gets there.
TEST(Shadow, PartsWithTheirHaloAreThoseOfTheWhole) {
  std::mt19937 random(2);
  const size_t width = 60, height = 50;
  std::vector<uint8_t> casting(width * height), whole(width * height);
  for (auto& each : casting) each = random() % 20 == 0 ? 1 : 0;
  const std::vector<PixelShift> shifts{{-4, 7}, {-9, 3}, {2, 1}};
  cast_shadows(casting.data(), width, height, shifts, whole.data());
  const auto halo = shadow_halo(shifts);
  const int64_t x = 20, y = 15, columns = 13, rows = 11;
  const auto wide = static_cast<size_t>(columns + halo.left + halo.right);
  const auto high = static_cast<size_t>(rows + halo.top + halo.bottom);
  std::vector<uint8_t> part(wide * high), shadows(wide * high);
  for (size_t r = 0; r < high; ++r)
    for (size_t c = 0; c < wide; ++c)
      part[r * wide + c] = casting[(static_cast<size_t>(y - halo.top) + r) * width +
                                   static_cast<size_t>(x - halo.left) + c];
  cast_shadows(part.data(), wide, high, shifts, shadows.data());
  for (size_t r = 0; r < static_cast<size_t>(rows); ++r)
    for (size_t c = 0; c < static_cast<size_t>(columns); ++c)
      ASSERT_EQ(
          shadows[(r + static_cast<size_t>(halo.top)) * wide + c + static_cast<size_t>(halo.left)],
          whole[(static_cast<size_t>(y) + r) * width + static_cast<size_t>(x) + c]);
}

// Level ground with a wall 30 high at column 12; a step is 10 long, and the sun stands in the east.
TEST(TerrainShadow, AWallCastsAShadowOfItsHeight) {
  const size_t width = 40, height = 3;
  std::vector<float> heights(width * height, 100);
  for (size_t y = 0; y < height; ++y) heights[y * width + 12] = 130;
  const auto shadow_of = [&](double rise) {
    std::vector<uint8_t> shadows(20 * height);
    terrain_shadows(heights.data(), width, height, {0, 0, 20, 0}, {true, 1, 0, rise}, 20,
                    shadows.data());
    std::vector<size_t> dark;
    for (size_t x = 0; x < 20; ++x)
      if (shadows[20 + x] != 0) dark.push_back(x);
    return dark;
  };
  // 45 degrees: as long as it is high, three pixels, of which the last is on the line itself.
  EXPECT_THAT(shadow_of(10), testing::ElementsAre(10, 11));
  EXPECT_THAT(shadow_of(9.9), testing::ElementsAre(9, 10, 11));
  // tan = 1/2: twice as long. Behind the wall nothing is dark, nor is the wall.
  EXPECT_THAT(shadow_of(4.9), testing::ElementsAre(6, 7, 8, 9, 10, 11));
  EXPECT_THAT(shadow_of(31), testing::IsEmpty());
}

TEST(TerrainShadow, SlopesThatFaceAwayAreInTheirOwn) {
  // A ridge that rises and falls by 10 a pixel.
  const std::vector<float> heights{0, 10, 20, 30, 20, 10, 0, 0, 0, 0, 0, 0};
  std::vector<uint8_t> shadows(8);
  const SunRay from_the_left{true, -1, 0, 8};
  terrain_shadows(heights.data(), 12, 1, {4, 0, 0, 0}, from_the_left, 4, shadows.data());
  // The slope behind the crest, and the foot of it: 30 / 8 pixels from the crest.
  EXPECT_THAT(shadows, testing::ElementsAre(1, 1, 1, 0, 0, 0, 0, 0));
  terrain_shadows(heights.data(), 12, 1, {4, 0, 0, 0}, {true, -1, 0, 12}, 4, shadows.data());
  EXPECT_THAT(shadows, testing::Each(0));
}

TEST(TerrainShadow, UnknownHeightsCastNoneAndLieInNone) {
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> heights{0, unknown, 0, 0, 50, unknown, 90};
  std::vector<uint8_t> shadows(4);
  terrain_shadows(heights.data(), 7, 1, {0, 0, 3, 0}, {true, 1, 0, 10}, 3, shadows.data());
  EXPECT_THAT(shadows, testing::ElementsAre(0, 0, 1, 1));
  const std::vector<float> nothing(7, unknown);
  terrain_shadows(nothing.data(), 7, 1, {0, 0, 3, 0}, {true, 1, 0, 10}, 3, shadows.data());
  EXPECT_THAT(shadows, testing::Each(0));
}

TEST(TerrainShadow, EqualsTheReferenceInAllDirections) {
  std::mt19937 random(3);
  const auto between = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random()) / 4294967296.0;
  };
  for (int round = 0; round < 200; ++round) {
    const auto steps = static_cast<int64_t>(random() % 30);
    const SunRay ray{random() % 2 == 0, random() % 2 == 0 ? 1 : -1,
                     round % 9 == 0 ? 0 : std::round(between(-1, 1) * 1024) / 1024,
                     between(0.5, 40)};
    const auto halo = ray_halo(ray, steps);
    const size_t columns = 1 + random() % 40, rows = 1 + random() % 20;
    const size_t width = columns + static_cast<size_t>(halo.left + halo.right);
    const size_t height = rows + static_cast<size_t>(halo.top + halo.bottom);
    std::vector<float> heights(width * height);
    for (auto& each : heights)
      each = random() % 50 == 0 ? std::numeric_limits<float>::quiet_NaN()
                                : static_cast<float>(between(0, 300));
    std::vector<uint8_t> got(columns * rows, 7), wanted(columns * rows, 9);
    terrain_shadows(heights.data(), width, height, halo, ray, steps, got.data());
    reference::terrain_shadows(heights.data(), width, height, halo, ray, steps, wanted.data());
    ASSERT_EQ(got, wanted) << steps << " " << ray.across << " " << ray.rise;
  }
}

}  // namespace
}  // namespace geoloom::kernels
