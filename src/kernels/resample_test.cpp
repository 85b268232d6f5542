// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

constexpr Resampling kWeighted[] = {Resampling::bilinear, Resampling::cubic, Resampling::average};

// A window with room for all taps, and random places in it.
template <class T>
struct Case {
  AxisWeights columns, rows;
  int32_t width, height;
  std::vector<T> pixels;
  std::vector<uint8_t> valid;
  std::vector<float> values, weights;
  bool all_valid;
  std::vector<int32_t> place_x, place_y;

  Case(Resampling method, double scale_x, double scale_y, size_t count, unsigned seed,
       unsigned valid_of_256)
      : columns(axis_weights(method, scale_x)), rows(axis_weights(method, scale_y)) {
    width = 13 + 2 * columns.taps;
    height = 9 + 2 * rows.taps;
    std::mt19937 random(seed);
    const auto all = static_cast<size_t>(width * height);
    for (size_t i = 0; i < all; ++i) {
      pixels.push_back(
          random_value<T>(random, i % 3 == 0 ? Spread::ends_of_type : Spread::whole_type));
      valid.push_back(random() % 256 < valid_of_256 ? 1 : 0);
    }
    values.resize(all);
    weights.resize(all);
    all_valid =
        reference::prepare_plane(pixels.data(), valid.data(), all, values.data(), weights.data());
    for (size_t i = 0; i < count; ++i) {
      place_x.push_back(random() % 11 == 0 ? kNowhere : place(random, columns.taps, width));
      place_y.push_back(place(random, rows.taps, height));
    }
  }

  static int32_t place(std::mt19937& random, int32_t taps, int32_t length) {
    const auto span = static_cast<uint32_t>((length - 2 * taps) * kPlaceUnits);
    return taps * kPlaceUnits + static_cast<int32_t>(random() % span);
  }
  WeightedPlane plane() const {
    return {values.data(), all_valid ? nullptr : weights.data(), static_cast<size_t>(width)};
  }
  Places places() const { return {place_x.data(), place_y.data(), place_x.size()}; }
};

template <class T>
class Resample : public testing::Test {};
using PixelTypes = testing::Types<uint8_t, uint16_t, int16_t, float>;
TYPED_TEST_SUITE(Resample, PixelTypes);

TYPED_TEST(Resample, EveryTargetGivesTheBytesOfTheReference) {
  using T = TypeParam;
  unsigned seed = 1;
  for (const Resampling method : kWeighted) {
    for (const double scale : {0.5, 1.0, 1.75, 3.0}) {
      for (const unsigned valid_of_256 : {256U, 180U}) {
        for (const size_t count : kPixelCounts) {
          const Case<T> c(method, scale, 2 * scale / 3, count, ++seed, valid_of_256);
          const auto run = [&](auto kernel) {
            std::vector<T> out(count);
            std::vector<uint8_t> valid(count, 7);
            kernel(c.plane(), c.columns, c.rows, c.places(), out.data(), valid.data());
            return std::pair(out, valid);
          };
          const auto expected = run(reference::resample<T>);
          on_every_target([&] {
            const auto got = run(resample<T>);
            expect_same_bytes(got.first, expected.first);
            expect_same_bytes(got.second, expected.second);
          });
        }
      }
    }
  }
}

// Knowing that all is valid must not change a byte.
TYPED_TEST(Resample, PlanesOfOnesChangeNothing) {
  using T = TypeParam;
  for (const Resampling method : kWeighted) {
    const Case<T> c(method, 1.25, 1, 100, 5, 256);
    std::vector<T> with(100), without(100);
    std::vector<uint8_t> valid(100), valid_too(100);
    std::vector<float> ones(c.values.size(), 1.0F);
    on_every_target([&] {
      resample<T>({c.values.data(), nullptr, static_cast<size_t>(c.width)}, c.columns, c.rows,
                  c.places(), without.data(), valid.data());
      resample<T>({c.values.data(), ones.data(), static_cast<size_t>(c.width)}, c.columns, c.rows,
                  c.places(), with.data(), valid_too.data());
      expect_same_bytes(with, without);
      expect_same_bytes(valid, valid_too);
    });
  }
}

// One target pixel over a small window whose first pixel is number 0.
float one(Resampling method, double scale, const std::vector<float>& values,
          const std::vector<float>& valid, int32_t width, double x, double y, bool* is_valid) {
  const auto axis = axis_weights(method, scale);
  const auto at_x = static_cast<int32_t>(std::lround(x * kPlaceUnits));
  const auto at_y = static_cast<int32_t>(std::lround(y * kPlaceUnits));
  float out = 0;
  uint8_t out_valid = 0;
  resample<float>(
      {values.data(), valid.empty() ? nullptr : valid.data(), static_cast<size_t>(width)}, axis,
      axis, {&at_x, &at_y, 1}, &out, &out_valid);
  *is_valid = out_valid != 0;
  return out;
}

TEST(ResampleRules, PixelCentresGiveTheirOwnValue) {
  std::vector<float> values(64);
  std::iota(values.begin(), values.end(), 0.0F);
  bool valid = false;
  for (const Resampling method : kWeighted) {
    EXPECT_EQ(one(method, 1, values, {}, 8, 3.5, 4.5, &valid), 35.0F);
    EXPECT_TRUE(valid);
  }
}

TEST(ResampleRules, BilinearIsLinearAndCubicIsKeys) {
  std::vector<float> values(64);
  for (size_t i = 0; i < 64; ++i) values[i] = static_cast<float>(i % 8);
  bool valid = false;
  EXPECT_EQ(one(Resampling::bilinear, 1, values, {}, 8, 3.75, 4.5, &valid), 3.25F);
  EXPECT_FLOAT_EQ(one(Resampling::cubic, 1, values, {}, 8, 3.75, 4.5, &valid), 3.25F);
  std::vector<float> step(64, 0.0F);
  for (size_t i = 0; i < 64; ++i)
    if (i % 8 >= 4) step[i] = 1;
  // Half way to the step: 9/16 - 1/16; a quarter: by Keys' polynomial.
  EXPECT_FLOAT_EQ(one(Resampling::cubic, 1, step, {}, 8, 4.0, 4.5, &valid), 0.5F);
  EXPECT_FLOAT_EQ(one(Resampling::cubic, 1, step, {}, 8, 3.75, 4.5, &valid), 0.203125F);
}

TEST(ResampleRules, AverageIsByArea) {
  const std::vector<float> values{0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0,
                                  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  bool valid = false;
  std::vector<float> block(36, 100.0F);
  block[14] = 1, block[15] = 2, block[20] = 3, block[21] = 4;
  EXPECT_EQ(one(Resampling::average, 2, block, {}, 6, 3, 3, &valid), 2.5F);
  // A box that ends in the middle of pixels counts half of them.
  std::vector<float> ramp(36);
  for (size_t i = 0; i < 36; ++i) ramp[i] = static_cast<float>(i % 6);
  EXPECT_EQ(one(Resampling::average, 2, ramp, {}, 6, 2.5, 3, &valid), 2.0F);
  // Smaller than a pixel: the pixel it lies in.
  EXPECT_EQ(one(Resampling::average, 0.5, ramp, {}, 6, 2.25, 3.25, &valid), 2.0F);
  EXPECT_EQ(one(Resampling::average, 0.5, ramp, {}, 6, 3.0, 3.25, &valid), 2.5F);
}

TEST(ResampleRules, HalfOfTheWeightMustBeValid) {
  std::vector<float> values(16, 8.0F), valid(16, 1.0F);
  for (const size_t i : {2, 6, 10, 14}) values[i] = valid[i] = 0;  // the third column
  bool is_valid = false;
  EXPECT_EQ(one(Resampling::bilinear, 1, values, valid, 4, 2.0, 1.5, &is_valid), 8.0F);
  EXPECT_TRUE(is_valid);
  EXPECT_EQ(one(Resampling::bilinear, 1, values, valid, 4, 2.0 + 1.0 / 1024, 1.5, &is_valid), 0.0F);
  EXPECT_FALSE(is_valid);
  EXPECT_EQ(one(Resampling::bilinear, 1, values, valid, 4, 1.75, 1.5, &is_valid), 8.0F);
  EXPECT_TRUE(is_valid);
}

TEST(ResampleRules, IntegersAreRoundedHalfToEvenAndKeptInTheirType) {
  const auto axis = axis_weights(Resampling::bilinear, 1);
  const float values[] = {1, 2, 2, 3, 0, 0, 0, 0};
  const int32_t x[] = {1024, 3072}, y[] = {512, 512};
  int16_t out[2];
  uint8_t valid[2];
  on_every_target([&] {
    resample<int16_t>({values, nullptr, 4}, axis, axis, {x, y, 2}, out, valid);
    EXPECT_EQ(out[0], 2);
    EXPECT_EQ(out[1], 2);
  });
  const auto cubic = axis_weights(Resampling::cubic, 1);
  std::vector<float> step(64, 0.0F);
  for (size_t i = 0; i < 64; ++i) step[i] = i % 8 >= 4 ? 65535.0F : 0.0F;
  std::vector<int32_t> cx(16, 3 * 1024 + 512 - 256), cy(16, 4 * 1024);
  for (size_t i = 8; i < 16; ++i) cx[i] = 4 * 1024 + 512 + 256;
  std::vector<uint16_t> clipped(16);
  std::vector<uint8_t> ok(16);
  on_every_target([&] {
    resample<uint16_t>({step.data(), nullptr, 8}, cubic, cubic, {cx.data(), cy.data(), 16},
                       clipped.data(), ok.data());
    EXPECT_EQ(clipped[0], 0);
    EXPECT_EQ(clipped[15], 65535);
  });
}

TEST(ResampleRules, ValuesThatAreNotFiniteDoNotCount) {
  const float in[] = {1, INFINITY, -INFINITY, 4};
  const uint8_t valid[] = {1, 1, 1, 0};
  float values[4], weights[4];
  EXPECT_FALSE(prepare_plane(in, valid, 4, values, weights));
  EXPECT_EQ(std::vector<float>(values, values + 4), (std::vector<float>{1, 0, 0, 0}));
  EXPECT_EQ(std::vector<float>(weights, weights + 4), (std::vector<float>{1, 0, 0, 0}));
}

TEST(ResampleWeights, SumToWhatTheyShould) {
  for (const Resampling method : kWeighted) {
    for (const double scale : {0.25, 1.0, 1.04, 1.5, 2.0, 7.0}) {
      const auto axis = axis_weights(method, scale);
      double whole = method == Resampling::average ? scale : std::max(1.0, scale);
      if (method != Resampling::average && scale < kSamePixelSize) whole = 1;
      for (const float total : axis.totals) ASSERT_NEAR(total, whole, whole * 0.12) << scale;
    }
  }
  EXPECT_THROW(axis_weights(Resampling::nearest, 1), std::invalid_argument);
  EXPECT_THROW(axis_weights(Resampling::bilinear, 0), std::invalid_argument);
}

TEST(ResampleMode, TheValueWithMostAreaAndOfEqualsTheSmallest) {
  const uint8_t pixels[] = {5, 5, 7, 7, 7, 5, 5, 7, 9, 9, 7, 7, 9, 9, 7, 7};
  const auto axis = axis_weights(Resampling::mode, 2);
  const int32_t x[] = {2 * 1024, 2 * 1024 + 512, kNowhere}, y[] = {2 * 1024, 2 * 1024 + 512, 0};
  uint8_t out[3], valid[3];
  resample_mode<uint8_t>({pixels, nullptr, 4}, axis, axis, {x, y, 3}, out, valid);
  EXPECT_EQ(out[0], 5);  // 5 5 / 9 7
  EXPECT_EQ(out[1], 7);
  EXPECT_EQ(valid[2], 0);
  const uint8_t fit[] = {1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1};
  resample_mode<uint8_t>({pixels, fit, 4}, axis, axis, {x, y, 1}, out, valid);
  EXPECT_EQ(valid[0], 0);  // one of four
}

TEST(PickNearest, TakesValuesAsTheyAre) {
  const float pixels[] = {1, -0.0F, 3};
  const uint8_t fit[] = {1, 255, 0};
  const int32_t sources[] = {1, -1, 2, 0};
  float out[4];
  uint8_t valid[4];
  pick_nearest<float>({pixels, fit, 3}, sources, 4, out, valid);
  EXPECT_TRUE(std::signbit(out[0]));
  EXPECT_EQ(std::vector<uint8_t>(valid, valid + 4), (std::vector<uint8_t>{1, 0, 0, 1}));
}

}  // namespace
}  // namespace geoloom::kernels
