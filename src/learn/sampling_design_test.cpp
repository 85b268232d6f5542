// SPDX-License-Identifier: Apache-2.0
#include "learn/sampling_design.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "error/error.h"

namespace geoloom::learn {
namespace {

using testing::ElementsAre;

// Olofsson et al. 2014, section 5.1.
const std::vector<StratumPlan> kOlofsson{
    {200'000, 0.70}, {150'000, 0.60}, {3'200'000, 0.90}, {6'450'000, 0.95}};

TEST(SamplingDesign, SizeOfOlofssonsExample) {
  EXPECT_EQ(sample_size(kOlofsson, 0.01), 641U);
  EXPECT_THROW(sample_size(kOlofsson, 0), Error);
  EXPECT_THROW(sample_size(std::vector<StratumPlan>{{100, 1.2}}, 0.01), Error);
  EXPECT_THROW(sample_size(std::vector<StratumPlan>{{0, 0.5}}, 0.01), Error);
  // No more than there is.
  EXPECT_LE(sample_size(std::vector<StratumPlan>{{50, 0.5}}, 1e-9), 50U);
}

TEST(SamplingDesign, Allocations) {
  EXPECT_THAT(allocate(kOlofsson, 640, Allocation::equal, 0), ElementsAre(160, 160, 160, 160));
  EXPECT_THAT(allocate(kOlofsson, 641, Allocation::proportional, 0), ElementsAre(13, 10, 205, 413));
  // The two rare classes of the example get 75 each, the others share the rest.
  const auto with_minimum = allocate(kOlofsson, 640, Allocation::proportional, 75);
  EXPECT_THAT(with_minimum, ElementsAre(75, 75, 162, 328));
  // Weights 91652, 73485, 960000, 1405737 of 2530873.
  EXPECT_THAT(allocate(kOlofsson, 641, Allocation::optimal, 0), ElementsAre(23, 19, 243, 356));
}

TEST(SamplingDesign, AllocatesNoMoreThanThereIs) {
  const std::vector<StratumPlan> strata{{5, 0.8}, {0, 0.8}, {1000, 0.8}};
  EXPECT_THAT(allocate(strata, 100, Allocation::equal, 20), ElementsAre(5, 0, 95));
  EXPECT_THAT(allocate(strata, 10, Allocation::proportional, 20), ElementsAre(5, 0, 20));
  EXPECT_THAT(allocate(strata, 5000, Allocation::proportional, 0), ElementsAre(5, 0, 1000));
  EXPECT_THAT(allocate({}, 10, Allocation::equal, 1), ElementsAre());
  // Certain classes have no deviation, and only get the minimum.
  EXPECT_THAT(allocate(std::vector<StratumPlan>{{100, 1}, {100, 0.5}}, 30, Allocation::optimal, 2),
              ElementsAre(2, 28));
}

std::vector<DrawnUnit> draw(uint64_t seed, uint64_t wanted, bool backwards, int parts) {
  std::vector<StratifiedDraw> draws(static_cast<size_t>(parts), StratifiedDraw(seed, {wanted}));
  for (int i = 0; i < 2500; ++i) {
    const int pixel = backwards ? 2499 - i : i;
    draws[static_cast<size_t>(pixel % parts)].offer(0, 0, pixel % 50, pixel / 50);
  }
  for (size_t part = 1; part < draws.size(); ++part) draws[0].merge(draws[part]);
  EXPECT_EQ(draws[0].offered(0), 2500U);
  return draws[0].drawn(0);
}

TEST(SamplingDesign, DrawsDependOnTheSeedAlone) {
  const auto sample = draw(7, 40, false, 1);
  EXPECT_EQ(sample.size(), 40U);
  EXPECT_EQ(draw(7, 40, true, 1), sample);
  EXPECT_EQ(draw(7, 40, true, 9), sample);
  EXPECT_NE(draw(8, 40, false, 1), sample);
  // A longer one goes on where the shorter one ends.
  const auto longer = draw(7, 60, false, 3);
  EXPECT_TRUE(std::equal(sample.begin(), sample.end(), longer.begin()));
  EXPECT_EQ(draw(7, 0, false, 2).size(), 0U);
  EXPECT_EQ(draw(7, 9000, false, 2).size(), 2500U);
}

TEST(SamplingDesign, EveryUnitIsDrawnEquallyOften) {
  std::map<std::pair<int64_t, int64_t>, int> times;
  constexpr int kDraws = 2000;
  for (uint64_t seed = 0; seed < kDraws; ++seed) {
    StratifiedDraw all(seed, {4});
    for (int64_t y = 0; y < 4; ++y)
      for (int64_t x = 0; x < 4; ++x) all.offer(0, 0, x, y);
    for (const auto& unit : all.drawn(0)) ++times[{unit.x, unit.y}];
  }
  ASSERT_EQ(times.size(), 16U);
  // Binomial: 500 times each, with a deviation of 19.
  for (const auto& [place, count] : times) EXPECT_NEAR(count, kDraws / 4, 5 * 19.4);
}

}  // namespace
}  // namespace geoloom::learn
