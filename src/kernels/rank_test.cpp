// SPDX-License-Identifier: Apache-2.0
#include "kernels/rank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

// All results of one series, as one run of bytes per kernel.
template <class T>
struct Answers {
  std::vector<std::vector<T>> samples;
  std::vector<std::vector<float>> mixtures;
  std::vector<std::vector<uint8_t>> valid;
};

const double kQuantiles[] = {0, 0.1, 0.25, 0.5, 0.9, 1};

#define ANSWER_WITH(kernels)                                                                       \
  [](const auto& series, size_t min_count) {                                                       \
    using T = std::remove_cvref_t<decltype(series.data[0])>;                                       \
    const size_t n = series.pixels;                                                                \
    const auto x = series.samples();                                                               \
    const auto v = series.validity();                                                              \
    Answers<T> all;                                                                                \
    const auto sample = [&](auto run) {                                                            \
      run(all.samples.emplace_back(n, T{77}).data(), all.valid.emplace_back(n, 77).data());        \
    };                                                                                             \
    const auto mixture = [&](auto run) {                                                           \
      run(all.mixtures.emplace_back(n, 77.F).data(), all.valid.emplace_back(n, 77).data());        \
    };                                                                                             \
    sample([&](T* o, uint8_t* ov) { kernels::median_lower<T>(x, v, n, min_count, o, ov); });       \
    sample([&](T* o, uint8_t* ov) { kernels::median_upper<T>(x, v, n, min_count, o, ov); });       \
    mixture([&](float* o, uint8_t* ov) { kernels::median_mean<T>(x, v, n, min_count, o, ov); });   \
    for (const double q : kQuantiles) {                                                            \
      sample(                                                                                      \
          [&](T* o, uint8_t* ov) { kernels::quantile_nearest<T>(x, v, n, q, min_count, o, ov); }); \
      sample(                                                                                      \
          [&](T* o, uint8_t* ov) { kernels::quantile_rounded<T>(x, v, n, q, min_count, o, ov); }); \
      mixture([&](float* o, uint8_t* ov) {                                                         \
        kernels::quantile_linear<T>(x, v, n, q, min_count, o, ov);                                 \
      });                                                                                          \
    }                                                                                              \
    return all;                                                                                    \
  }

const auto kPlain = ANSWER_WITH(reference);
const auto kVector = ANSWER_WITH(geoloom::kernels);
#undef ANSWER_WITH

template <class T>
void expect_equal(const Answers<T>& got, const Answers<T>& expected) {
  for (size_t i = 0; i < expected.valid.size(); ++i)
    expect_same_bytes(got.valid[i], expected.valid[i]);
  for (size_t i = 0; i < expected.samples.size(); ++i)
    expect_same_bytes(got.samples[i], expected.samples[i]);
  for (size_t i = 0; i < expected.mixtures.size(); ++i)
    expect_same_bytes(got.mixtures[i], expected.mixtures[i]);
}

// A series whose pixels all hold the given samples.
template <class T>
Series<T> series_of(const std::vector<T>& values, size_t pixels) {
  Series<T> series(values.size(), pixels);
  for (size_t t = 0; t < values.size(); ++t) {
    for (size_t p = 0; p < pixels; ++p) series.at(t, p) = values[t];
  }
  std::fill(series.valid.begin(), series.valid.end(), uint8_t{1});
  return series;
}

template <class T>
class Rank : public testing::Test {};
using PixelTypes = testing::Types<uint8_t, uint16_t, int16_t, float>;
TYPED_TEST_SUITE(Rank, PixelTypes);

TYPED_TEST(Rank, EveryTargetGivesTheBytesOfTheReference) {
  unsigned seed = 1;
  for (const size_t slices : kSliceCounts) {
    for (const size_t pixels : kPixelCounts) {
      if (slices * pixels > (kSanitized ? 3000 : 9000)) continue;
      for (const Spread spread : {Spread::whole_type, Spread::few_values, Spread::ends_of_type}) {
        SCOPED_TRACE(testing::Message() << slices << " slices, " << pixels << " pixels");
        const auto series = random_series<TypeParam>(slices, pixels, seed, spread, seed % 280);
        ++seed;
        const auto expected = kPlain(series, seed % 5);
        on_every_target([&] { expect_equal(kVector(series, seed % 5), expected); });
      }
    }
  }
}

TYPED_TEST(Rank, SeriesLongerThanATileAndWideImages) {
  const auto longest =
      random_series<TypeParam>(kSanitized ? 4099 : 65535, 2, 3, Spread::whole_type, 250);
  const auto wide = random_series<TypeParam>(7, 2050, 4, Spread::whole_type, 250);
  // The greatest digits are those of invalid samples, too.
  auto great = random_series<TypeParam>(300, 70, 5, Spread::ends_of_type, 250);
  for (size_t i = 0; i < great.data.size(); ++i) {
    if (great.data[i] > TypeParam{1})
      great.data[i] = std::numeric_limits<TypeParam>::max() - static_cast<TypeParam>(i % 300);
  }
  for (const auto* series :
       std::initializer_list<const Series<TypeParam>*>{&longest, &wide, &great}) {
    const auto expected = kPlain(*series, 0);
    on_every_target([&] { expect_equal(kVector(*series, 0), expected); });
  }
}

TYPED_TEST(Rank, GivesTheWrittenAnswers) {
  const auto even = series_of<TypeParam>({40, 10, 30, 20}, 66);
  const auto odd = series_of<TypeParam>({7, 100, 3, 3, 90}, 3);
  const auto check = [&](const auto& kernels) {
    auto a = kernels(even, size_t{4});
    EXPECT_EQ(a.samples[0].back(), TypeParam{20});
    EXPECT_EQ(a.samples[1].back(), TypeParam{30});
    EXPECT_EQ(a.mixtures[0].back(), 25.F);
    EXPECT_EQ(a.samples[4].back(), TypeParam{10});   // q = 0.1: ceil(0.4) - 1
    EXPECT_EQ(a.samples[10].back(), TypeParam{40});  // q = 0.9: ceil(3.6) - 1
    EXPECT_EQ(a.samples[9].back(), TypeParam{30});   // q = 0.5: place 1.5, to the even 2
    EXPECT_EQ(a.mixtures[3].back(), 17.5F);          // q = 0.25: h = 0.75
    EXPECT_EQ(a.mixtures[6].back(), 40.F);
    a = kernels(odd, size_t{5});
    EXPECT_EQ(a.samples[0].back(), TypeParam{7});
    EXPECT_EQ(a.samples[1].back(), TypeParam{7});
    EXPECT_EQ(a.mixtures[0].back(), 7.F);
    EXPECT_EQ(a.mixtures[2].back(), 3.F);  // q = 0.1 between two equal samples
    a = kernels(odd, size_t{6});
    EXPECT_EQ(a.samples[0].back(), TypeParam{0});
    EXPECT_EQ(a.valid[0].back(), 0);
  };
  check(kPlain);
  on_every_target([&] { check(kVector); });
}

TYPED_TEST(Rank, NothingValidIsZeroAndInvalid) {
  const auto series = random_series<TypeParam>(9, 70, 1, Spread::whole_type, 0);
  on_every_target([&] {
    const auto got = kVector(series, 0);
    for (const auto& valid : got.valid) expect_same_bytes(valid, std::vector<uint8_t>(70, 0));
    for (const auto& out : got.samples) expect_same_bytes(out, std::vector<TypeParam>(70));
    for (const auto& out : got.mixtures) expect_same_bytes(out, std::vector<float>(70));
  });
}

TYPED_TEST(Rank, RefusesWhatIsOutOfRange) {
  const auto series = random_series<TypeParam>(2, 3, 1, Spread::whole_type);
  TypeParam out[3];
  float mixed[3];
  uint8_t valid[3];
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double q : {-0.01, 1.01, nan}) {
    EXPECT_THROW(quantile_nearest(series.samples(), series.validity(), 3, q, 0, out, valid),
                 std::invalid_argument);
    EXPECT_THROW(quantile_linear(series.samples(), series.validity(), 3, q, 0, mixed, valid),
                 std::invalid_argument);
  }
  const Samples<TypeParam> endless{series.data.data(), 0, 65536};
  EXPECT_THROW(median_lower(endless, {series.valid.data(), 0}, 3, 0, out, valid),
               std::invalid_argument);
}

TEST(RankFloat, ZerosKeepTheirSignAndInfinitiesAreValues) {
  const float inf = std::numeric_limits<float>::infinity();
  on_every_target([&] {
    const auto zeros = kVector(series_of<float>({0.F, -0.F, 0.F}, 33), 0);
    EXPECT_TRUE(std::signbit(zeros.samples[2][0]));   // q = 0
    EXPECT_FALSE(std::signbit(zeros.samples[0][0]));  // median
    const auto opposite = kVector(series_of<float>({inf, -inf}, 33), 0);
    EXPECT_EQ(opposite.samples[0][32], -inf);
    EXPECT_EQ(opposite.samples[1][32], inf);
    EXPECT_EQ(opposite.valid[2][32], 0);
    EXPECT_EQ(opposite.mixtures[0][32], 0.F);
    const auto same = kVector(series_of<float>({inf, inf}, 33), 0);
    EXPECT_EQ(same.mixtures[4][0], inf);
  });
}

}  // namespace
}  // namespace geoloom::kernels
