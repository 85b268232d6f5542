// SPDX-License-Identifier: Apache-2.0
#include "kernels/deinterleave.h"

#include <gtest/gtest.h>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

template <class T>
class Deinterleave : public testing::Test {};
using Sizes = testing::Types<uint8_t, uint16_t, uint32_t>;
TYPED_TEST_SUITE(Deinterleave, Sizes);

TYPED_TEST(Deinterleave, GivesEachBandItsPlane) {
  using T = TypeParam;
  const T pixels[] = {1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12, 0};
  std::vector<T> red(4), green(4), blue(4);
  T* planes[] = {red.data(), green.data(), blue.data()};
  deinterleave(pixels, 7, 3, 2, 2, planes, 2);
  EXPECT_EQ(red, (std::vector<T>{1, 4, 7, 10}));
  EXPECT_EQ(green, (std::vector<T>{2, 5, 8, 11}));
  EXPECT_EQ(blue, (std::vector<T>{3, 6, 9, 12}));
}

template <class T>
std::vector<T> split(size_t samples, size_t width, unsigned left_out, bool by_reference) {
  constexpr size_t kRows = 3;
  std::mt19937 random(static_cast<unsigned>(samples * 1000 + width));
  const size_t row_stride = width * samples + 4, plane_stride = width + 3;
  std::vector<T> pixels(kRows * row_stride), out(samples * kRows * plane_stride);
  for (auto& value : pixels) value = static_cast<T>(random());
  std::vector<T*> planes(samples);
  for (size_t s = 0; s < samples; ++s)
    if ((left_out >> s & 1U) == 0) planes[s] = out.data() + s * kRows * plane_stride;
  if (by_reference)
    reference::deinterleave<T>(pixels.data(), row_stride, samples, width, kRows, planes.data(),
                               plane_stride);
  else
    deinterleave<T>(pixels.data(), row_stride, samples, width, kRows, planes.data(), plane_stride);
  return out;
}

TYPED_TEST(Deinterleave, EveryTargetGivesTheReference) {
  on_every_target([] {
    for (const size_t samples : {1, 2, 3, 4, 5, 10})
      for (const size_t width : kPixelCounts)
        for (const unsigned left_out : {0U, 2U})
          ASSERT_EQ(split<TypeParam>(samples, width, left_out, false),
                    split<TypeParam>(samples, width, left_out, true))
              << samples << " samples, " << width << " pixels";
  });
}

}  // namespace
}  // namespace geoloom::kernels
