// SPDX-License-Identifier: Apache-2.0
#include "kernels/medoid.h"

#include <gtest/gtest.h>

#include <limits>

#include "kernels/observation_test.h"

namespace geoloom::kernels {
namespace {

struct Answer {
  std::vector<uint16_t> slice, count;
  std::vector<uint8_t> valid;
  explicit Answer(size_t pixels) : slice(pixels, 77), count(pixels, 77), valid(pixels, 77) {}
};

Answer plain(const ObservedSeries& series, size_t min_count = 1) {
  Answer answer(series.pixels());
  reference::medoid(series.stored(), series.pixels(), min_count, answer.slice.data(),
                    answer.valid.data(), answer.count.data());
  return answer;
}

Answer vectors(const ObservedSeries& series, size_t min_count = 1) {
  Answer answer(series.pixels());
  medoid(series.stored(), series.pixels(), min_count, answer.slice.data(), answer.valid.data(),
         answer.count.data());
  return answer;
}

void expect_same(const Answer& got, const Answer& expected) {
  expect_same_bytes(got.slice, expected.slice);
  expect_same_bytes(got.valid, expected.valid);
  expect_same_bytes(got.count, expected.count);
}

TEST(Medoid, EveryTargetGivesTheBytesOfTheReference) {
  unsigned seed = 1;
  for (const size_t bands : {1, 3, 10}) {
    for (const size_t slices : {0, 1, 2, 3, 5, 6, 9, 40}) {
      for (const size_t pixels : {1, 33, 64, 131, 300}) {
        if (slices * pixels * bands > 40000) continue;
        const auto series = random_spectra(bands, slices, pixels, ++seed);
        const auto expected = plain(series, seed % 3);
        on_every_target([&] { expect_same(vectors(series, seed % 3), expected); });
      }
    }
  }
}

TEST(Medoid, OfEqualSumsTheEarliest) {
  ObservedSeries series(2, 6, 300);
  std::mt19937 random(5);
  for (auto& band : series.bands)
    for (auto& value : band.data) value = static_cast<float>(random() % 2);
  for (auto& valid : series.bands[0].valid) valid = random() % 4 != 0 ? 1 : 0;
  const auto expected = plain(series);
  on_every_target([&] { expect_same(vectors(series), expected); });
  EXPECT_EQ(vectors(series_of_spectra({{1, 1}, {2, 2}})).slice[0], 0);
  EXPECT_EQ(vectors(series_of_spectra({{9, 9}, {2, 2}, {2, 2}})).slice[0], 1);
}

TEST(Medoid, IsTheMiddleOne) {
  const float infinite = std::numeric_limits<float>::infinity();
  auto series = series_of_spectra({{0, 0}, {infinite, 1}, {1, 1}, {1.5F, 1}, {9, 9}, {1, 1.5F}});
  series.valid(2, 0) = 0;
  const auto answer = vectors(series);
  EXPECT_EQ(answer.slice[0], 3);
  EXPECT_EQ(answer.count[0], 4);
  EXPECT_EQ(vectors(series, 5).valid[0], 0);
}

}  // namespace
}  // namespace geoloom::kernels
