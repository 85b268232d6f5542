// SPDX-License-Identifier: Apache-2.0
#include "kernels/fluctuation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace geoloom::kernels {
namespace {

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();

// Residuals of a mean of four samples: s = sqrt(4 / 3), and s sqrt(n) = sqrt(16 / 3).
const std::vector<double> kHistory{1, -1, 1, -1};
const double kScale = std::sqrt(16 / 3.0);

TEST(Fluctuation, CumulativeSumByHand) {
  const MonitorRule rule{.process = Fluctuation::cumulative, .critical = 2};
  const std::vector<double> residuals{kGap, 1, 9, kGap, 1};
  const auto got = monitor(kHistory, 1, 0, residuals, rule);
  const auto limit = [](double x) { return std::sqrt(x * (x - 1) * (4 + std::log(x / (x - 1)))); };
  const double sums[] = {1 / kScale, 10 / kScale, 11 / kScale};
  double largest = 0;
  for (int i = 0; i < 3; ++i) largest = std::max(largest, sums[i] / limit(1 + (i + 1) / 4.0));
  EXPECT_TRUE(got.tested && got.broken);
  EXPECT_EQ(got.at, 2U);
  EXPECT_DOUBLE_EQ(got.statistic, largest);
}

TEST(Fluctuation, MovingSumForgets) {
  const MonitorRule rule{.process = Fluctuation::moving, .critical = 1, .window = 0.5};
  const std::vector<double> residuals{0, kGap, 0, 3, -3, 0, 0, 0, 0, 0, 0};
  const auto got = monitor(kHistory, 1, 0, residuals, rule);
  EXPECT_FALSE(got.broken);
  EXPECT_DOUBLE_EQ(got.statistic,
                   3 / kScale / std::sqrt(2));  // below e samples the limit is c sqrt 2
  const std::vector<double> twice{0, 0, 2, 2, 0};
  EXPECT_EQ(monitor(kHistory, 1, 0, twice, rule).at, 3U);
}

TEST(Fluctuation, Confirmations) {
  MonitorRule rule{.process = Fluctuation::moving, .critical = 1, .window = 0.25};
  const std::vector<double> residuals{9, 0, 9, kGap, 9, 0};
  EXPECT_EQ(monitor(kHistory, 1, 0, residuals, rule).at, 0U);
  rule.confirmations = 2;
  EXPECT_EQ(monitor(kHistory, 1, 0, residuals, rule).at, 2U);
  rule.confirmations = 3;
  EXPECT_FALSE(monitor(kHistory, 1, 0, residuals, rule).broken);
}

TEST(Fluctuation, WhatCannotBeTested) {
  const MonitorRule rule{};
  const std::vector<double> one{1}, none{kGap, kGap}, flat{0, 0, 0, 0};
  EXPECT_FALSE(monitor(kHistory, 1, 0, none, rule).tested);
  EXPECT_FALSE(monitor(kHistory, 4, 0, one, rule).tested);
  EXPECT_FALSE(monitor(flat, 1, 0, one, rule).tested);
  EXPECT_FALSE(monitor(kHistory, 1, 2, one, rule).tested);
  EXPECT_FALSE(monitor({kHistory.data(), 3}, 1, 0, one, rule).tested);  // a window of no sample
}

TEST(Fluctuation, CriticalValues) {
  EXPECT_NEAR(cumulative_critical(0.05), 2.7954835, 1e-7);
  EXPECT_NEAR(cumulative_critical(0.01), 3.3682142, 1e-7);
  EXPECT_EQ(moving_critical(0.05, 0.25), 1.341825);
  EXPECT_EQ(moving_critical(0.001, 1), 3.941029);
  EXPECT_DOUBLE_EQ(moving_critical(0.015, 0.5), (2.209073 + 2.08287) / 2);
  EXPECT_THROW(moving_critical(0.1, 0.5), std::invalid_argument);
  EXPECT_THROW(moving_critical(0.05, 0.3), std::invalid_argument);
}

}  // namespace
}  // namespace geoloom::kernels
