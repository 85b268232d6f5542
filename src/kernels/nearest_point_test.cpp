// SPDX-License-Identifier: Apache-2.0
#include "kernels/nearest_point.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

struct Planes {
  std::vector<std::vector<float>> values;
  std::vector<const float*> pointers;
  Planes(size_t columns, size_t pixels, std::mt19937& random)
      : values(columns, std::vector<float>(pixels)) {
    std::normal_distribution<float> drawn;
    for (auto& plane : values)
      for (auto& value : plane) value = drawn(random);
    for (const auto& plane : values) pointers.push_back(plane.data());
  }
};

TEST(NearestPoint, EveryTargetGivesTheBytesOfTheReference) {
  std::mt19937 random(3);
  std::normal_distribution<float> drawn;
  for (const size_t pixels : kPixelCounts) {
    const size_t columns = 5, points = 17;
    Planes planes(columns, pixels, random);
    if (pixels > 2) planes.values[3][1] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> coordinates(points * columns);
    for (auto& value : coordinates) value = drawn(random);
    const PointSet set{coordinates.data(), points, columns};
    std::vector<float> expected(pixels);
    reference::nearest_point(planes.pointers.data(), pixels, set, expected.data());
    on_every_target([&] {
      std::vector<float> nearest(pixels, -1);
      nearest_point(planes.pointers.data(), pixels, set, nearest.data());
      EXPECT_EQ(std::memcmp(nearest.data(), expected.data(), pixels * sizeof(float)), 0);
    });
  }
}

TEST(NearestPoint, IsTheSquaredDistance) {
  const float x[] = {0, 3, 10}, y[] = {0, 4, 10};
  const float* planes[] = {x, y};
  const float coordinates[] = {0, 0, 9, 9};
  float nearest[3] = {};
  nearest_point(planes, 3, {coordinates, 2, 2}, nearest);
  EXPECT_EQ(nearest[0], 0);
  EXPECT_EQ(nearest[1], 25);
  EXPECT_EQ(nearest[2], 2);
  nearest_point(planes, 3, {coordinates, 0, 2}, nearest);
  EXPECT_TRUE(std::isinf(nearest[0]));
}

}  // namespace
}  // namespace geoloom::kernels
