// SPDX-License-Identifier: Apache-2.0
#include "kernels/majority.h"

#include <gmock/gmock.h>

#include "kernels/focal.h"
#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

using testing::ElementsAre;

template <class T>
void expect_reference(unsigned seed) {
  std::mt19937 random(seed);
  const auto shape = seed % 2 == 0 ? square(static_cast<int32_t>(1 + seed % 3))
                                   : disk(1 + seed % 4, 1, seed % 3 == 0 ? 2 : 1);
  const size_t width = 1 + random() % 19, height = 1 + random() % 13;
  const size_t pixels = (width + 2 * static_cast<size_t>(shape.reach_x())) *
                        (height + 2 * static_cast<size_t>(shape.reach_y()));
  std::vector<T> values(pixels), got(width * height), expected(got);
  std::vector<uint8_t> valid(pixels), got_valid(got.size()), expected_valid(got.size());
  for (auto& value : values)
    value = seed % 5 == 0 ? static_cast<T>(random()) : static_cast<T>(random() % 4 - 1);
  for (auto& byte : valid) byte = random() % (1 + seed % 4) == 0 ? 1 : 0;
  const bool fill = seed % 3 == 0;
  majority(values.data(), valid.data(), width, height, shape, fill, got.data(), got_valid.data());
  reference::majority(values.data(), valid.data(), width, height, shape, fill, expected.data(),
                      expected_valid.data());
  EXPECT_EQ(got, expected) << "seed " << seed;
  EXPECT_EQ(got_valid, expected_valid) << "seed " << seed;
}

TEST(Majority, IsTheReferences) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    expect_reference<uint8_t>(seed);
    expect_reference<uint16_t>(seed);
    expect_reference<int16_t>(seed);
  }
}

std::vector<int> around(std::vector<uint8_t> values, std::vector<uint8_t> valid, bool fill) {
  uint8_t result = 0, result_valid = 0;
  majority(values.data(), valid.data(), 1, 1, square(1), fill, &result, &result_valid);
  return {result, result_valid};
}

TEST(Majority, TiesAndInvalidPixels) {
  const std::vector<uint8_t> all(9, 1);
  EXPECT_THAT(around({3, 3, 3, 2, 1, 2, 2, 2, 7}, all, false), ElementsAre(2, 1));
  // The pixel's own class is among the most frequent ones.
  EXPECT_THAT(around({3, 3, 3, 2, 3, 2, 2, 2, 7}, all, false), ElementsAre(3, 1));
  // It is not: the lowest.
  EXPECT_THAT(around({3, 3, 3, 2, 7, 2, 2, 8, 9}, all, false), ElementsAre(2, 1));
  const std::vector<uint8_t> hole{1, 1, 1, 1, 0, 1, 1, 1, 1};
  EXPECT_THAT(around({3, 3, 3, 2, 9, 2, 2, 8, 9}, hole, false), ElementsAre(0, 0));
  EXPECT_THAT(around({3, 3, 3, 3, 9, 2, 2, 8, 9}, hole, true), ElementsAre(3, 1));
  EXPECT_THAT(around({3, 3, 3, 3, 9, 2, 2, 8, 9}, std::vector<uint8_t>(9), true),
              ElementsAre(0, 0));
}

}  // namespace
}  // namespace geoloom::kernels
