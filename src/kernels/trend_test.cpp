// SPDX-License-Identifier: Apache-2.0
#include "kernels/trend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace geoloom::kernels {
namespace {

constexpr float kGap = std::numeric_limits<float>::quiet_NaN();

Trend trend_of(const std::vector<double>& times, const std::vector<float>& values,
               std::vector<uint32_t> seasons = {}) {
  if (seasons.empty()) seasons.assign(times.size(), 0);
  return TrendFinder(times, seasons).find(values.data(), 1);
}

TEST(TrendKernel, ByHand) {
  // Slopes 2, 1, 5/3, 0, 3/2, 3: median (3/2 + 5/3) / 2; pairs 5 rise, one is a tie.
  const auto trend = trend_of({0, 1, 2, 3}, {1, 3, 3, 6});
  EXPECT_DOUBLE_EQ(trend.slope, (1.5 + 5 / 3.0) / 2);
  EXPECT_DOUBLE_EQ(trend.intercept, 3 - 1.5 * trend.slope);
  EXPECT_EQ(trend.s, 5);
  EXPECT_DOUBLE_EQ(trend.tau, 5 / 6.0);
  // (4 * 3 * 13 - 2 * 1 * 9) / 18 = 138 / 18
  EXPECT_DOUBLE_EQ(trend.z, 4 / std::sqrt(138 / 18.0));
  EXPECT_NEAR(trend.p, std::erfc(trend.z / std::sqrt(2)), 1e-13);
  EXPECT_EQ(trend.count, 4U);
}

TEST(TrendKernel, MediansOfManyPairs) {
  // As sorting finds them, with ties and without, for odd and even numbers of pairs.
  std::mt19937 random(7);
  for (const size_t dates : {9U, 12U, 40U, 41U, 63U, 64U}) {
    for (const uint32_t distinct : {2U, 9U, 100000U}) {
      std::vector<double> times;
      std::vector<float> values;
      for (size_t d = 0; d < dates; ++d) {
        times.push_back(static_cast<double>(d * d));
        values.push_back(static_cast<float>(random() % distinct));
      }
      std::vector<double> slopes;
      for (size_t i = 0; i < dates; ++i)
        for (size_t j = i + 1; j < dates; ++j)
          slopes.push_back((static_cast<double>(values[j]) - values[i]) / (times[j] - times[i]));
      std::sort(slopes.begin(), slopes.end());
      const size_t n = slopes.size();
      EXPECT_EQ(trend_of(times, values).slope, (slopes[(n - 1) / 2] + slopes[n / 2]) / 2)
          << dates << " dates, " << distinct << " values";
    }
  }
}

TEST(TrendKernel, GapsConstantsAndTooFew) {
  EXPECT_EQ(trend_of({0, 1, 2, 3}, {8, kGap, kGap, 2}).slope, -2);
  const auto flat = trend_of({0, 1, 2}, {4, 4, 4});
  EXPECT_EQ(flat.slope, 0);
  EXPECT_EQ(flat.z, 0);
  EXPECT_EQ(flat.p, 1);
  EXPECT_EQ(flat.intercept, 4);
  EXPECT_FALSE(trend_of({0, 1}, {kGap, 1}).tested);
  EXPECT_FALSE(trend_of({0, 1}, {kGap, kGap}).tested);
  EXPECT_FALSE(trend_of({}, {}).tested);
}

TEST(TrendKernel, SeasonsAreComparedWithThemselvesOnly) {
  const auto trend = trend_of({0, 0.5, 1, 1.5, 2, 2.5}, {1, 9, 2, 8, 3, 10}, {0, 1, 0, 1, 0, 1});
  EXPECT_EQ(trend.s, 3 + 1);
  EXPECT_DOUBLE_EQ(trend.tau, 4 / 6.0);
  EXPECT_EQ(trend.slope, 1);  // 1, 1, 1 and -1, 1/2, 2
  EXPECT_FALSE(trend_of({0, 0.5}, {1, 9}, {0, 1}).tested);
}

TEST(TrendKernel, NormalDistribution) {
  for (double z = -8; z < 8; z += 0.01) {
    const double expected = std::erfc(std::abs(z) / std::sqrt(2));
    ASSERT_NEAR(two_sided_probability(z), expected, 1e-12 * expected + 1e-15) << z;
    ASSERT_NEAR(normal_distribution(z), std::erfc(-z / std::sqrt(2)) / 2, 1e-14);
    ASSERT_NEAR(normal_density(z), std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.0)), 1e-15);
  }
  EXPECT_EQ(two_sided_probability(0), 1);
}

}  // namespace
}  // namespace geoloom::kernels
