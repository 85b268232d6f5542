// SPDX-License-Identifier: Apache-2.0
#include "kernels/savitzky_golay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace geoloom::kernels {
namespace {

constexpr float kGap = std::numeric_limits<float>::quiet_NaN();

std::vector<float> smooth(const std::vector<float>& values, size_t window, size_t order) {
  std::vector<float> out(values.size(), 77);
  savitzky_golay(values.data(), values.size(), 1, window, order, out.data());
  return out;
}

TEST(SavitzkyGolay, TheFirstTableOfThePaper) {
  // Weights of five dates and order 2: (-3, 12, 17, 12, -3) / 35.
  for (size_t i = 0; i < 5; ++i) {
    std::vector<float> one(5);
    one[i] = 35;
    const float weights[] = {-3, 12, 17, 12, -3};
    EXPECT_NEAR(smooth(one, 5, 2)[2], weights[i], 1e-5);
  }
}

TEST(SavitzkyGolay, KeepsPolynomialsAndFillsTheirGaps) {
  std::vector<float> values;
  for (int d = 0; d < 12; ++d) values.push_back(static_cast<float>(d * d - 5 * d + 2));
  auto with_gaps = values;
  with_gaps[0] = with_gaps[4] = with_gaps[5] = kGap;
  const auto got = smooth(with_gaps, 7, 2);
  EXPECT_TRUE(std::isnan(got[0]));
  for (size_t d = 1; d < values.size(); ++d) EXPECT_NEAR(got[d], values[d], 1e-4) << d;
}

TEST(SavitzkyGolay, LongWindowsWithGaps) {
  for (const size_t window : {11U, 13U, 15U}) {
    std::vector<float> values;
    for (int d = 0; d < 40; ++d)
      values.push_back(d % 5 == 2 ? kGap : 0.5F * static_cast<float>(d) - 3);
    const auto got = smooth(values, window, 3);
    for (size_t d = 0; d < 40; ++d)
      EXPECT_NEAR(got[d], 0.5 * static_cast<double>(d) - 3, 1e-5) << d;
  }
}

TEST(SavitzkyGolay, TooFewSamplesInAWindow) {
  const auto got = smooth({1, kGap, kGap, kGap, kGap, kGap, 2}, 3, 1);
  for (size_t d = 0; d < 7; ++d) EXPECT_TRUE(std::isnan(got[d])) << d;
  const auto mean = smooth({1, kGap, 4, kGap, 1}, 3, 0);
  EXPECT_EQ(mean[1], 2.5F);
  EXPECT_EQ(mean[2], 4);
}

TEST(SavitzkyGolay, RefusesWhatIsOutOfRange) {
  EXPECT_THROW(smooth({1, 2, 3, 4, 5}, 4, 1), std::invalid_argument);
  EXPECT_THROW(smooth({1, 2, 3, 4, 5}, 3, 3), std::invalid_argument);
  EXPECT_THROW(smooth({1, 2, 3, 4, 5}, 7, 2), std::invalid_argument);
}

}  // namespace
}  // namespace geoloom::kernels
