// SPDX-License-Identifier: Apache-2.0
#include "kernels/reject.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

template <class T>
class Reject : public testing::Test {};
using PixelTypes = testing::Types<uint8_t, uint16_t, int16_t, float>;
TYPED_TEST_SUITE(Reject, PixelTypes);

TYPED_TEST(Reject, EveryTargetGivesTheBytesOfTheReference) {
  using T = TypeParam;
  unsigned seed = 1;
  for (const size_t pixels : kPixelCounts) {
    for (const Spread spread : {Spread::few_values, Spread::ends_of_type}) {
      const auto series = random_series<T>(3, pixels, ++seed, spread);
      const T* bands[] = {series.data.data(), series.data.data() + series.stride,
                          series.data.data() + 2 * series.stride};
      const T values[] = {T{0}, std::numeric_limits<T>::max(), T{3}};
      for (size_t value_count = 0; value_count <= 3; ++value_count) {
        const auto run = [&](auto any_band, auto classes, auto nodata) {
          std::vector<uint8_t> valid(series.valid.begin(), series.valid.begin() + pixels);
          any_band(bands, 3, values, value_count, pixels, valid.data());
          auto all = valid;
          for (const bool keep : {false, true}) {
            valid.assign(series.valid.begin(), series.valid.begin() + pixels);
            classes(bands[1], pixels, values, value_count, keep, valid.data());
            all.insert(all.end(), valid.begin(), valid.end());
          }
          valid.assign(series.valid.begin(), series.valid.begin() + pixels);
          nodata(bands[2], values[2], pixels, valid.data());
          all.insert(all.end(), valid.begin(), valid.end());
          return all;
        };
        const auto expected = run(reference::reject_any_band_in<T>, reference::apply_class_mask<T>,
                                  reference::invalidate_value<T>);
        on_every_target([&] {
          expect_same_bytes(run(reject_any_band_in<T>, apply_class_mask<T>, invalidate_value<T>),
                            expected);
        });
      }
    }
  }
}

TYPED_TEST(Reject, OneBadBandIsEnough) {
  using T = TypeParam;
  const T a[] = {5, 0, 5, 5}, b[] = {5, 5, 9, 5};
  const T* bands[] = {a, b};
  const T values[] = {0, 9};
  on_every_target([&] {
    uint8_t valid[] = {1, 1, 1, 0};
    reject_any_band_in<T>(bands, 2, values, 2, 4, valid);
    EXPECT_EQ(std::vector<uint8_t>(valid, valid + 4), (std::vector<uint8_t>{1, 0, 0, 0}));
  });
}

TYPED_TEST(Reject, ListedClassesAreKeptOrDropped) {
  using T = TypeParam;
  const T classes[] = {4, 5, 8, 9};
  const T listed[] = {4, 9};
  on_every_target([&] {
    uint8_t kept[] = {1, 1, 1, 1}, dropped[] = {1, 1, 1, 1};
    apply_class_mask<T>(classes, 4, listed, 2, true, kept);
    apply_class_mask<T>(classes, 4, listed, 2, false, dropped);
    EXPECT_EQ(std::vector<uint8_t>(kept, kept + 4), (std::vector<uint8_t>{1, 0, 0, 1}));
    EXPECT_EQ(std::vector<uint8_t>(dropped, dropped + 4), (std::vector<uint8_t>{0, 1, 1, 0}));
  });
}

TEST(RejectFloat, NanIsInvalidWhateverTheNodata) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float data[] = {nan, -9999.0F, 0.0F, -0.0F, INFINITY};
  on_every_target([&] {
    uint8_t valid[] = {1, 1, 1, 1, 1};
    invalidate_value(data, nan, 5, valid);
    EXPECT_EQ(std::vector<uint8_t>(valid, valid + 5), (std::vector<uint8_t>{0, 1, 1, 1, 1}));
    invalidate_value(data, -9999.0F, 5, valid);
    EXPECT_EQ(std::vector<uint8_t>(valid, valid + 5), (std::vector<uint8_t>{0, 0, 1, 1, 1}));
    invalidate_value(data, 0.0F, 5, valid);
    EXPECT_EQ(std::vector<uint8_t>(valid, valid + 5), (std::vector<uint8_t>{0, 0, 0, 0, 1}));
  });
}

}  // namespace
}  // namespace geoloom::kernels
