// SPDX-License-Identifier: Apache-2.0
#include "kernels/median_rgb.h"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

#include "kernels/kernel_test.h"
#include "kernels/reject.h"

namespace geoloom::kernels {
namespace {

using Color = std::array<int, 3>;

struct Answer {
  std::vector<uint8_t> red, green, blue, valid;

  // Not 0 and not 1, so that an output that is never written is seen.
  explicit Answer(size_t pixels) : red(pixels, 77), green(red), blue(red), valid(red) {}
  Color color(size_t p) const { return {red[p], green[p], blue[p]}; }
};

struct RgbSeries {
  Series<uint8_t> red, green, blue;

  template <class Kernel>
  Answer answer(Kernel kernel) const {
    Answer out(red.pixels);
    kernel(red.samples(), green.samples(), blue.samples(), red.validity(), red.pixels,
           out.red.data(), out.green.data(), out.blue.data(), out.valid.data());
    return out;
  }
};

RgbSeries random_rgb(size_t slices, size_t pixels, unsigned seed, Spread spread, unsigned valid) {
  return {random_series<uint8_t>(slices, pixels, seed, spread, valid),
          random_series<uint8_t>(slices, pixels, seed + 1, spread),
          random_series<uint8_t>(slices, pixels, seed + 2, spread)};
}

// The same colours in every pixel, with the 0 and 255 rejection of the seed in front.
RgbSeries written_out(const std::vector<Color>& colors, size_t pixels) {
  const Series<uint8_t> empty(colors.size(), pixels);
  RgbSeries series{empty, empty, empty};
  std::fill(series.red.valid.begin(), series.red.valid.end(), uint8_t{1});
  const uint8_t rejected[] = {0, 255};
  for (size_t t = 0; t < colors.size(); ++t) {
    for (size_t p = 0; p < pixels; ++p) {
      series.red.at(t, p) = static_cast<uint8_t>(colors[t][0]);
      series.green.at(t, p) = static_cast<uint8_t>(colors[t][1]);
      series.blue.at(t, p) = static_cast<uint8_t>(colors[t][2]);
    }
    const uint8_t* bands[] = {&series.red.at(t, 0), &series.green.at(t, 0), &series.blue.at(t, 0)};
    reject_any_band_in<uint8_t>(bands, 3, rejected, 2, pixels,
                                series.red.valid.data() + t * series.red.stride);
  }
  return series;
}

void expect_equal(const Answer& got, const Answer& expected) {
  expect_same_bytes(got.valid, expected.valid);
  expect_same_bytes(got.red, expected.red);
  expect_same_bytes(got.green, expected.green);
  expect_same_bytes(got.blue, expected.blue);
}

struct Vector {
  std::vector<Color> colors;
  Color expected;
  bool valid;
};

const Vector kVectors[] = {
    {{{10, 10, 10}, {30, 30, 30}, {20, 20, 20}}, {20, 20, 20}, true},        // odd count
    {{{10, 10, 10}, {20, 20, 20}}, {20, 20, 20}, true},                      // upper of two
    {{{1, 1, 1}, {4, 4, 4}, {2, 2, 2}, {3, 3, 3}}, {3, 3, 3}, true},         // index 2 of 4
    {{{0, 90, 90}, {7, 8, 9}}, {7, 8, 9}, true},                             // 0 in one band
    {{{255, 1, 1}, {254, 254, 254}}, {254, 254, 254}, true},                 // 255 in one band
    {{{0, 0, 0}, {255, 255, 255}}, {0, 0, 0}, false},                        // nothing left
    {{{200, 200, 200}, {10, 10, 10}, {90, 90, 90}}, {90, 90, 90}, true},     // 600 must not wrap
    {{{30, 10, 20}, {10, 20, 30}, {20, 30, 10}}, {10, 20, 30}, true},        // all sums equal
    {{{9, 9, 9}, {3, 3, 3}, {9, 8, 10}}, {9, 9, 9}, true},                   // first of two 27s
    {{{254, 254, 254}, {254, 254, 254}, {1, 1, 1}}, {254, 254, 254}, true},  // largest key
};

TEST(MedianRgb, GivesTheWrittenAnswers) {
  for (const auto& vector : kVectors) {
    for (const size_t pixels : {size_t{1}, size_t{70}}) {
      const auto series = written_out(vector.colors, pixels);
      const auto check = [&](const Answer& got) {
        for (size_t p = 0; p < pixels; ++p) {
          EXPECT_EQ(got.color(p), vector.expected);
          EXPECT_EQ(got.valid[p], vector.valid ? 1 : 0);
        }
      };
      check(series.answer(reference::median_rgb));
      on_every_target([&] { check(series.answer(median_rgb)); });
    }
  }
}

TEST(MedianRgb, EveryTargetGivesTheBytesOfTheReference) {
  unsigned seed = 1;
  for (const size_t slices : kSliceCounts) {
    for (const size_t pixels : kPixelCounts) {
      if (slices * pixels > 60000) continue;
      for (const Spread spread : {Spread::whole_type, Spread::few_values, Spread::ends_of_type}) {
        SCOPED_TRACE(testing::Message() << slices << " slices, " << pixels << " pixels");
        const auto series = random_rgb(slices, pixels, seed, spread, seed % 280);
        seed += 3;
        const auto expected = series.answer(reference::median_rgb);
        on_every_target([&] { expect_equal(series.answer(median_rgb), expected); });
      }
    }
  }
}

TEST(MedianRgb, ImagesOfSeveralTiles) {
  unsigned seed = 1000;
  for (const size_t slices : {9, 255, 256, 600}) {
    const auto series = random_rgb(slices, 2 * 1024 + 70, seed++, Spread::few_values, 200);
    const auto expected = series.answer(reference::median_rgb);
    on_every_target([&] { expect_equal(series.answer(median_rgb), expected); });
  }
}

TEST(MedianRgb, NothingValidIsBlackAndInvalid) {
  const auto series = random_rgb(9, 67, 5, Spread::whole_type, 0);
  on_every_target([&] {
    const auto got = series.answer(median_rgb);
    for (size_t p = 0; p < 67; ++p) {
      EXPECT_EQ(got.color(p), (Color{0, 0, 0}));
      EXPECT_EQ(got.valid[p], 0);
    }
  });
}

TEST(MedianRgb, CountsDoNotWrapAtTheMostSlices) {
  auto series = random_rgb(65535, 3, 11, Spread::few_values, 255);
  std::fill(series.red.valid.begin(), series.red.valid.end(), uint8_t{1});
  const auto expected = series.answer(reference::median_rgb);
  on_every_target([&] { expect_equal(series.answer(median_rgb), expected); });
}

TEST(MedianRgb, RefusesBandsOfDifferentLengthAndTooManySlices) {
  const auto series = random_rgb(4, 8, 3, Spread::whole_type, 255);
  uint8_t out[8];
  const auto call = [&](size_t red, size_t green) {
    median_rgb({series.red.data.data(), 0, red}, {series.green.data.data(), 0, green},
               {series.blue.data.data(), 0, red}, {series.red.valid.data(), 0}, 8, out, out, out,
               out);
  };
  EXPECT_THROW(call(4, 3), std::invalid_argument);
  EXPECT_THROW(call(65536, 65536), std::invalid_argument);
}

}  // namespace
}  // namespace geoloom::kernels
