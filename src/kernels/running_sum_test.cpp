// SPDX-License-Identifier: Apache-2.0
#include "kernels/running_sum.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

template <class T>
class RunningSum : public testing::Test {};
using SampleTypes = testing::Types<uint8_t, uint16_t, uint32_t>;
TYPED_TEST_SUITE(RunningSum, SampleTypes);

TYPED_TEST(RunningSum, EveryTargetGivesTheBytesOfTheReference) {
  using T = TypeParam;
  std::mt19937 random(11);
  for (const size_t count : kPixelCounts) {
    for (const size_t odd : {0, 1}) {  // rows of a file may begin anywhere
      std::vector<std::byte> differences(odd + count * sizeof(T));
      for (auto& byte : differences) byte = static_cast<std::byte>(random());
      auto expected = differences;
      reference::running_sum<T>(expected.data() + odd, count);
      on_every_target([&] {
        auto row = differences;
        running_sum<T>(row.data() + odd, count);
        EXPECT_EQ(row, expected);
      });
    }
  }
}

TYPED_TEST(RunningSum, WrapsAround) {
  using T = TypeParam;
  std::vector<T> row(40, static_cast<T>(-1));  // one less each
  on_every_target([&] {
    auto sums = row;
    running_sum<T>(reinterpret_cast<std::byte*>(sums.data()), sums.size());
    for (size_t i = 0; i < sums.size(); ++i)
      EXPECT_EQ(sums[i], static_cast<T>(T{0} - static_cast<T>(i + 1))) << i;
  });
}

}  // namespace
}  // namespace geoloom::kernels
