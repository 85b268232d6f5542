// SPDX-License-Identifier: Apache-2.0
#include "kernels/whittaker.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

constexpr float kGap = std::numeric_limits<float>::quiet_NaN();

std::vector<float> noise(size_t count, unsigned seed, unsigned valid_of_256) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (auto& value : values)
    value = random() % 256 < valid_of_256 ? static_cast<float>(random() % 10000) * 1e-4F : kGap;
  return values;
}

std::vector<double> irregular_times(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> times;
  double time = 0;
  for (size_t d = 0; d < count; ++d) times.push_back(time += 1 + static_cast<double>(random() % 9));
  return times;
}

TEST(Whittaker, EveryTargetGivesTheBytesOfTheReference) {
  unsigned seed = 1;
  for (const size_t dates : {4U, 5U, 23U, 60U}) {
    for (const size_t pixels : kPixelCounts) {
      for (size_t order = 1; order <= kMostWhittakerOrder; ++order) {
        const Roughness roughness(irregular_times(dates, ++seed), order, 50);
        const auto values = noise(dates * pixels, seed, 60 * (seed % 5));
        std::vector<float> expected(values.size(), 7), got;
        reference::whittaker(roughness, values.data(), pixels, seed % 6, expected.data());
        on_every_target([&] {
          got.assign(values.size(), 8);
          whittaker(roughness, values.data(), pixels, seed % 6, got.data());
          expect_same_bytes(got, expected);
        });
      }
    }
  }
}

TEST(Whittaker, APolynomialBelowTheOrderIsSmooth) {
  const auto times = irregular_times(20, 3);
  for (size_t order = 1; order <= kMostWhittakerOrder; ++order) {
    std::vector<float> values, smooth(20);
    for (const double t : times) {
      double value = 3;
      for (size_t k = 1; k < order; ++k) value = value * t / 50 - 1;
      values.push_back(static_cast<float>(value));
    }
    auto with_gap = values;
    with_gap[7] = with_gap[8] = kGap;
    whittaker(Roughness(times, order, 1e4), with_gap.data(), 1, 1, smooth.data());
    for (size_t d = 0; d < 20; ++d) EXPECT_NEAR(smooth[d], values[d], 1e-5) << order << " " << d;
  }
}

TEST(Whittaker, TwoWeightsByHand) {
  // min (1 - a)^2 + (5 - b)^2 + 2 (b - a)^2: a = 1 + 2 (b - a), b = 5 - 2 (b - a), so b - a = 4/5.
  const std::vector<double> times{0, 10};
  const std::vector<float> values{1, 5};
  float smooth[2];
  whittaker(Roughness(times, 1, 2), values.data(), 1, 1, smooth);
  EXPECT_FLOAT_EQ(smooth[0], 2.6F);
  EXPECT_FLOAT_EQ(smooth[1], 3.4F);
}

TEST(Whittaker, SaysNothingOutsideOfTheSamplesOrOfTooFew) {
  const std::vector<double> times{0, 1, 2, 3, 4, 5};
  const Roughness roughness(times, 2, 1);
  const std::vector<float> values{kGap, 4, 2, kGap, 3, kGap};
  float smooth[6];
  whittaker(roughness, values.data(), 1, 1, smooth);
  EXPECT_TRUE(std::isnan(smooth[0]) && std::isnan(smooth[5]));
  EXPECT_FALSE(std::isnan(smooth[3]));
  whittaker(roughness, values.data(), 1, 4, smooth);
  for (const float value : smooth) EXPECT_TRUE(std::isnan(value));
  const std::vector<float> two{kGap, 4, 2, kGap, kGap, kGap};
  whittaker(roughness, two.data(), 1, 1, smooth);
  for (const float value : smooth) EXPECT_TRUE(std::isnan(value));
}

TEST(Whittaker, RefusesWhatIsOutOfRange) {
  const std::vector<double> times{0, 1, 2};
  EXPECT_THROW(Roughness(times, 0, 1), std::invalid_argument);
  EXPECT_THROW(Roughness(times, 4, 1), std::invalid_argument);
  EXPECT_THROW(Roughness(times, 3, 1), std::invalid_argument);
}

}  // namespace
}  // namespace geoloom::kernels
