// SPDX-License-Identifier: Apache-2.0
#include "kernels/physical_values.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

template <class T>
class PhysicalValues : public testing::Test {};
using PixelTypes = testing::Types<uint8_t, uint16_t, int16_t, float>;
TYPED_TEST_SUITE(PhysicalValues, PixelTypes);

TYPED_TEST(PhysicalValues, EveryTargetGivesTheBytesOfTheReference) {
  for (const size_t pixels : {0, 1, 7, 16, 31, 64, 257}) {
    const auto series = random_series<TypeParam>(1, pixels, 3, Spread::ends_of_type, 0);
    std::vector<float> expected(pixels);
    reference::physical_values(series.data.data(), pixels, 0.0001F, -0.1F, expected.data());
    on_every_target([&] {
      // One more: nothing is written behind the last pixel.
      std::vector<float> got(pixels + 1, 7.0F);
      physical_values(series.data.data(), pixels, 0.0001F, -0.1F, got.data());
      EXPECT_EQ(got.back(), 7.0F);
      got.pop_back();
      expect_same_bytes(got, expected);
    });
  }
}

TEST(PhysicalValuesOfShorts, AreRoundedAfterEachOperation) {
  const int16_t stored[] = {-32768, 0, 1, 10000};
  float value[4];
  physical_values(stored, 4, 0.0001F, 0.5F, value);
  for (size_t i = 0; i < 4; ++i) {
    const float scaled = static_cast<float>(stored[i]) * 0.0001F;
    EXPECT_EQ(value[i], scaled + 0.5F);
  }
}

TEST(KeepNumbers, TakesOutWhatIsNone) {
  const std::vector<float> some{
      0, -1, kNaN, kInfinity, -kInfinity, std::numeric_limits<float>::max(), 1.0e-45F, 4};
  std::vector<float> values;
  std::vector<uint8_t> valid;
  for (size_t i = 0; i < 77; ++i) {
    values.push_back(some[i % some.size()]);
    valid.push_back(i % 3 == 0 ? 0 : 1);
  }
  on_every_target([&] {
    for (const auto kept : {Numbers::finite, Numbers::finite_or_infinite}) {
      auto got = valid;
      keep_numbers(values.data(), values.size(), kept, got.data());
      for (size_t i = 0; i < values.size(); ++i) {
        const bool infinite = i % some.size() == 3 || i % some.size() == 4;
        const bool number =
            i % some.size() != 2 && (kept == Numbers::finite_or_infinite || !infinite);
        EXPECT_EQ(got[i], number ? valid[i] : 0) << i;
      }
    }
  });
}

}  // namespace
}  // namespace geoloom::kernels
