// SPDX-License-Identifier: Apache-2.0
#include "raster/exact_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace geoloom::raster {
namespace {

template <class T>
BandStatistics of(const std::vector<T>& values) {
  ExactStatistics statistics(pixel_type<T>());
  const std::vector<uint8_t> valid(values.size(), 1);
  statistics.add(values.data(), valid.data(), values.size());
  return statistics.result(values.size());
}

TEST(ExactStatistics, SmallSeries) {
  const BandStatistics s = of<int16_t>({-2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_EQ(s.valid, 8U);
  EXPECT_EQ(s.minimum, -2);
  EXPECT_EQ(s.maximum, 9);
  EXPECT_EQ(s.mean, 4.5);
  EXPECT_NEAR(s.deviation, std::sqrt(8.75), 1e-15);
}

TEST(ExactStatistics, FloatsOfAllSizes) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const float huge = std::numeric_limits<float>::max();
  const BandStatistics s = of<float>({huge, tiny, -huge, tiny});
  EXPECT_EQ(s.mean, static_cast<double>(tiny) / 2) << "large values cancel without a trace";
  EXPECT_EQ(s.minimum, -static_cast<double>(huge));
  EXPECT_NEAR(s.deviation / static_cast<double>(huge), std::sqrt(0.5), 1e-12);
}

TEST(ExactStatistics, NothingAndOneValue) {
  EXPECT_EQ(of<float>({}).mean, 0);
  const BandStatistics one = of<float>({0.1F, 0.1F, 0.1F});
  EXPECT_EQ(one.mean, static_cast<double>(0.1F));
  EXPECT_EQ(one.deviation, 0);
  const float infinity = std::numeric_limits<float>::infinity();
  const BandStatistics mixed = of<float>({infinity, 3});
  EXPECT_EQ(mixed.valid, 2U);
  EXPECT_EQ(mixed.maximum, 3);
}

TEST(ExactStatistics, LargestIntegers) {
  EXPECT_EQ(of<uint16_t>(std::vector<uint16_t>(100'000, 65535)).deviation, 0);
  EXPECT_EQ(of<int16_t>(std::vector<int16_t>(100'000, -32768)).mean, -32768);
}

TEST(ExactStatistics, AnyOrderAndSplitGivesTheSameBits) {
  std::mt19937 random(1);
  std::vector<float> values(20'000);
  for (float& v : values) {
    v = std::ldexp(static_cast<float>(random()) - 2e9F, static_cast<int>(random() % 120) - 60);
  }
  std::vector<uint8_t> valid(values.size());
  for (uint8_t& v : valid) v = random() % 3 != 0;
  ExactStatistics whole(PixelType::float32);
  whole.add(values.data(), valid.data(), values.size());
  const BandStatistics expected = whole.result(values.size());

  std::vector<size_t> order(values.size() / 100);
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  ExactStatistics merged(PixelType::float32);
  for (const size_t part : order) {
    ExactStatistics one(PixelType::float32);
    one.add(values.data() + part * 100, valid.data() + part * 100, 100);
    merged.merge(one);
  }
  const BandStatistics s = merged.result(values.size());
  EXPECT_EQ(s.valid, expected.valid);
  EXPECT_EQ(s.mean, expected.mean);
  EXPECT_EQ(s.deviation, expected.deviation);
  EXPECT_EQ(s.minimum, expected.minimum);
  EXPECT_EQ(s.maximum, expected.maximum);
}

}  // namespace
}  // namespace geoloom::raster
