// SPDX-License-Identifier: Apache-2.0
#include "kernels/focal.h"

#include <gmock/gmock.h>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_plane(size_t pixels, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(pixels);
  for (auto& value : values)
    value = random() % 5 == 0 ? kNone : static_cast<float>(random() % 2000) / 7 - 100;
  return values;
}

TEST(Focal, ASquareByHand) {
  // One pixel with a rim of one; the corner is invalid.
  const float values[] = {kNone, 1, 2, 3, 4, 5, 6, 7, 8};
  double sum = 0, count = 0, squares = 0;
  float least = 0, most = 0, median = 0;
  focal_sum(values, 1, 1, square(1), &sum, &count);
  EXPECT_EQ(sum, 36);
  EXPECT_EQ(count, 8);
  const double mean = 4.5;
  focal_squares(values, 1, 1, square(1), &mean, &squares);
  EXPECT_EQ(squares, 42);
  focal_minimum(values, 1, 1, square(1), &least);
  focal_maximum(values, 1, 1, square(1), &most);
  focal_median(values, 1, 1, square(1), &median);
  EXPECT_EQ(least, 1);
  EXPECT_EQ(most, 8);
  EXPECT_EQ(median, 4.5F);
}

TEST(Focal, ADiskLeavesOutTheCorners) {
  const float values[] = {100, 1, 100, 2, 3, 4, 100, 5, 100};
  double sum = 0, count = 0;
  focal_sum(values, 1, 1, disk(1, 1, 1), &sum, &count);
  EXPECT_EQ(sum, 15);
  EXPECT_EQ(count, 5);
}

TEST(Focal, NothingValid) {
  const std::vector<float> values(9, kNone);
  double sum = 1, count = 1;
  float least = 0, median = 0;
  focal_sum(values.data(), 1, 1, square(1), &sum, &count);
  EXPECT_EQ(sum, 0);
  EXPECT_EQ(count, 0);
  focal_minimum(values.data(), 1, 1, square(1), &least);
  focal_median(values.data(), 1, 1, square(1), &median);
  EXPECT_TRUE(std::isnan(least));
  EXPECT_TRUE(std::isnan(median));
}

TEST(Focal, SameBytesAsTheReference) {
  for (const auto& shape :
       {square(0), square(1), square(3), disk(1, 1, 1), disk(4.5, 1, 1), disk(3, 1, 2)}) {
    for (const size_t width : {1U, 2U, 15U, 33U}) {
      const size_t height = 9, pixels = width * height;
      const auto values = random_plane((width + 2 * static_cast<size_t>(shape.reach_x())) *
                                           (height + 2 * static_cast<size_t>(shape.reach_y())),
                                       static_cast<unsigned>(width));
      std::vector<double> sum(pixels), count(pixels), squares(pixels), mean(pixels);
      std::vector<double> sum2(pixels), count2(pixels), squares2(pixels);
      focal_sum(values.data(), width, height, shape, sum.data(), count.data());
      reference::focal_sum(values.data(), width, height, shape, sum2.data(), count2.data());
      expect_same_bytes(sum, sum2);
      expect_same_bytes(count, count2);
      for (size_t i = 0; i < pixels; ++i) mean[i] = count[i] > 0 ? sum[i] / count[i] : 0;
      focal_squares(values.data(), width, height, shape, mean.data(), squares.data());
      reference::focal_squares(values.data(), width, height, shape, mean.data(), squares2.data());
      expect_same_bytes(squares, squares2);
      std::vector<float> got(pixels), expected(pixels);
      focal_minimum(values.data(), width, height, shape, got.data());
      reference::focal_minimum(values.data(), width, height, shape, expected.data());
      expect_same_bytes(got, expected);
      focal_median(values.data(), width, height, shape, got.data());
      reference::focal_median(values.data(), width, height, shape, expected.data());
      expect_same_bytes(got, expected);
    }
  }
}

TEST(Focal, MaximumIsTheMinimumOfTheOpposite) {
  const auto shape = disk(2, 1, 1);
  const auto values = random_plane(14 * 11, 3);
  auto opposite = values;
  for (auto& value : opposite) value = -value;
  std::vector<float> most(70), least(70);
  focal_maximum(values.data(), 10, 7, shape, most.data());
  focal_minimum(opposite.data(), 10, 7, shape, least.data());
  for (size_t i = 0; i < most.size(); ++i) {
    if (std::isnan(most[i])) continue;
    EXPECT_EQ(most[i], -least[i]);
  }
}

}  // namespace
}  // namespace geoloom::kernels
