// SPDX-License-Identifier: Apache-2.0
#include "kernels/terrain.h"

#include <gmock/gmock.h>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

struct Ground {
  size_t width, height;
  std::vector<float> heights;
  std::vector<GroundPixel> rows;
  std::vector<double> east, north;

  Ground(size_t columns, size_t lines)
      : width(columns),
        height(lines),
        heights((columns + 2) * (lines + 2)),
        rows(lines),
        east(columns * lines),
        north(columns * lines) {}

  void find_gradients(MissingNeighbour missing = MissingNeighbour::no_gradient) {
    horn_gradients(heights.data(), width, height, rows.data(), missing, east.data(), north.data());
  }
};

// A plane that rises by `to_east` and `to_north` for each pixel.
Ground plane(float to_east, float to_north) {
  Ground ground(3, 2);
  for (size_t y = 0; y < 4; ++y)
    for (size_t x = 0; x < 5; ++x)
      ground.heights[y * 5 + x] =
          100 + to_east * static_cast<float>(x) - to_north * static_cast<float>(y);
  return ground;
}

TEST(Terrain, GradientsOfAPlane) {
  auto ground = plane(3, -4);
  ground.rows = {{10, 20}, {30, 40}};
  ground.find_gradients();
  for (size_t x = 0; x < 3; ++x) {
    EXPECT_DOUBLE_EQ(ground.east[x], 0.3);
    EXPECT_DOUBLE_EQ(ground.north[x], -0.2);
    EXPECT_DOUBLE_EQ(ground.east[3 + x], 0.1);
    EXPECT_DOUBLE_EQ(ground.north[3 + x], -0.1);
  }
}

TEST(Terrain, SameBytesAsTheReference) {
  std::mt19937 random(5);
  for (const size_t width : kPixelCounts) {
    Ground ground(width, 7);
    for (auto& height : ground.heights)
      height = random() % 8 == 0 ? kNone : static_cast<float>(random() % 100000) / 7;
    for (auto& row : ground.rows)
      row = {1 + static_cast<double>(random() % 30), 1 + static_cast<double>(random() % 30)};
    for (const auto missing : {MissingNeighbour::no_gradient, MissingNeighbour::level}) {
      std::vector<double> east(ground.east), north(ground.north);
      reference::horn_gradients(ground.heights.data(), width, 7, ground.rows.data(), missing,
                                east.data(), north.data());
      ground.find_gradients(missing);
      for (size_t i = 0; i < east.size(); ++i) {
        ASSERT_EQ(std::isnan(ground.east[i]), std::isnan(east[i])) << i;
        if (std::isnan(east[i])) continue;
        ASSERT_EQ(ground.east[i], east[i]) << i;
        ASSERT_EQ(ground.north[i], north[i]) << i;
      }
    }
  }
}

TEST(Terrain, MissingNeighbours) {
  auto ground = plane(1, 0);
  ground.heights[0] = kNone;  // a corner of the first pixel
  ground.find_gradients();
  EXPECT_TRUE(std::isnan(ground.east[0]) && std::isnan(ground.north[0]));
  EXPECT_DOUBLE_EQ(ground.east[1], 1);
  ground.find_gradients(MissingNeighbour::level);
  EXPECT_DOUBLE_EQ(ground.east[0], (8 - 1) / 8.0);
  EXPECT_DOUBLE_EQ(ground.north[0], 1 / 8.0);
  ground.heights[6] = kNone;  // the first pixel itself
  ground.find_gradients(MissingNeighbour::level);
  EXPECT_TRUE(std::isnan(ground.east[0]) && std::isnan(ground.north[0]));
}

TEST(Terrain, SlopeAspectAndShadeByHand) {
  // Level, rising to the east, north, west, south-east, no gradient.
  const double east[] = {0, 1, 0, -1, 3, kNone}, north[] = {0, 0, 1, 0, -3, kNone};
  float degrees[6], percent[6], aspect[6];
  uint8_t shade[6];
  slope_degrees(east, north, 6, degrees);
  slope_percent(east, north, 6, percent);
  aspect_degrees(east, north, 6, aspect);
  hillshade(east, north, 6, {315, 45}, 1, shade);
  using testing::ElementsAre;
  using testing::FloatEq;
  using testing::NanSensitiveFloatEq;
  EXPECT_THAT(degrees, ElementsAre(0, FloatEq(45), FloatEq(45), FloatEq(45), FloatEq(76.737324F),
                                   NanSensitiveFloatEq(kNone)));
  EXPECT_THAT(percent,
              ElementsAre(0, 100, 100, 100, FloatEq(424.26407F), NanSensitiveFloatEq(kNone)));
  EXPECT_THAT(aspect, ElementsAre(NanSensitiveFloatEq(kNone), 270, 180, 90, 315,
                                  NanSensitiveFloatEq(kNone)));
  // 1 + 254 * cos(angle to the sun), rounded.
  EXPECT_THAT(shade, ElementsAre(181, 218, 38, 38, 217, 0));
}

TEST(Terrain, SlopesThatFaceAwayAreDark) {
  const double east[] = {-5}, north[] = {5};
  uint8_t shade[1];
  hillshade(east, north, 1, {315, 10}, 1, shade);
  EXPECT_EQ(shade[0], 1);
  hillshade(east, north, 1, {315, 10}, 0, shade);
  EXPECT_EQ(shade[0], 45);  // level: the sine of the altitude alone
}

}  // namespace
}  // namespace geoloom::kernels
