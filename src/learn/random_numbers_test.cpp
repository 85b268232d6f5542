// SPDX-License-Identifier: Apache-2.0
#include "learn/random_numbers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

namespace geoloom::learn {
namespace {

TEST(RandomNumbers, AreThePublishedOnes) {
  // The first outputs of SplitMix64 for the seed 1234567 (Vigna's splitmix64.c).
  RandomNumbers numbers(1234567);
  EXPECT_EQ(numbers.next(), 6457827717110365317U);
  EXPECT_EQ(numbers.next(), 3203168211198807973U);
  EXPECT_EQ(numbers.next(), 9817491932198370423U);
}

TEST(RandomNumbers, OfANameDoNotDependOnOthers) {
  EXPECT_EQ(RandomNumbers(42, "0_0").next(), RandomNumbers(42, "0_0").next());
  EXPECT_NE(RandomNumbers(42, "0_0").next(), RandomNumbers(42, "0_1").next());
  EXPECT_NE(RandomNumbers(42, "0_0").next(), RandomNumbers(43, "0_0").next());
}

TEST(RandomNumbers, BelowIsEven) {
  RandomNumbers numbers(1);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts.at(numbers.below(7));
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(numbers.below(1), 0U);
  for (int i = 0; i < 100; ++i) EXPECT_LT(numbers.below(UINT64_MAX), UINT64_MAX);
}

TEST(RandomNumbers, ChooseDifferentOnesEvenly) {
  RandomNumbers numbers(2);
  std::array<int, 10> counts{};
  for (int i = 0; i < 20000; ++i) {
    const auto chosen = numbers.choose(10, 3);
    ASSERT_EQ(std::set(chosen.begin(), chosen.end()).size(), 3U);
    ASSERT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
    for (const auto one : chosen) ++counts.at(one);
  }
  for (const int count : counts) EXPECT_NEAR(count, 6000, 300);
  EXPECT_EQ(numbers.choose(3, 5), (std::vector<uint64_t>{0, 1, 2}));
  EXPECT_TRUE(numbers.choose(0, 5).empty());
}

TEST(RandomNumbers, ShuffleKeepsWhatThereIs) {
  std::vector<int> values{1, 2, 3, 4, 5, 6, 7, 8};
  RandomNumbers(3).shuffle(std::span(values));
  EXPECT_NE(values, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}));
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace geoloom::learn
