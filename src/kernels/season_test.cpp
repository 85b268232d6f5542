// SPDX-License-Identifier: Apache-2.0
#include "kernels/season.h"

#include <gtest/gtest.h>

#include <vector>

namespace geoloom::kernels {
namespace {

Season season(const std::vector<double>& times, const std::vector<double>& values, double share) {
  return season_of(times, values, share);
}

TEST(Season, ByHand) {
  const auto got = season({0, 10, 20, 30, 40}, {1, 1, 6, 3, 2}, 0.2);
  EXPECT_TRUE(got.found);
  EXPECT_EQ(got.peak, 20);
  EXPECT_EQ(got.base, 1.5);
  EXPECT_EQ(got.amplitude, 4.5);
  EXPECT_DOUBLE_EQ(got.start, 12);  // 1 + 0.2 * 5 on the way from 1 to 6
  EXPECT_DOUBLE_EQ(got.end, 32);    // 2 + 0.2 * 4 on the way from 3 to 2
  // (2 + 6) / 2 * 8 + (6 + 3) / 2 * 10 + (3 + 2.8) / 2 * 2
  EXPECT_DOUBLE_EQ(got.large_integral, 32 + 45 + 5.8);
  EXPECT_DOUBLE_EQ(got.small_integral, 82.8 - 1.5 * 20);
}

TEST(Season, TheFlanksNextToThePeak) {
  // A second, lower season on each side: the flank ends at the dip before it.
  const auto got = season({0, 1, 2, 3, 4, 5, 6}, {0, 4, 0.5, 10, 1, 5, 0}, 0.2);
  EXPECT_EQ(got.peak, 3);
  EXPECT_GT(got.start, 2);
  EXPECT_LT(got.end, 4);
}

TEST(Season, NoSeason) {
  EXPECT_FALSE(season({}, {}, 0.2).found);
  EXPECT_FALSE(season({1}, {1}, 0.2).found);
  EXPECT_FALSE(season({1, 2, 3}, {2, 2, 2}, 0.2).found);
  EXPECT_FALSE(season({1, 2, 3}, {1, 2, 3}, 0.2).found);
  EXPECT_FALSE(season({1, 2, 3}, {3, 2, 1}, 0.2).found);
  EXPECT_TRUE(season({1, 2, 3, 4}, {1, 3, 3, 1}, 0.2).found);
}

}  // namespace
}  // namespace geoloom::kernels
