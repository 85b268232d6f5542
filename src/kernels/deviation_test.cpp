// SPDX-License-Identifier: Apache-2.0
#include "kernels/deviation.h"

#include <gtest/gtest.h>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

struct State {
  std::vector<double> mean, squares;
  std::vector<uint32_t> count;
  explicit State(size_t pixels) : mean(pixels), squares(pixels), count(pixels) {}
};

const auto kPlain = [](const auto& x, Validity v, size_t n, State& state) {
  reference::accumulate_deviation(x, v, n, state.mean.data(), state.squares.data(),
                                  state.count.data());
};
const auto kVector = [](const auto& x, Validity v, size_t n, State& state) {
  accumulate_deviation(x, v, n, state.mean.data(), state.squares.data(), state.count.data());
};

// All slices, at most `batch` per call.
template <class T, class Feed>
State fed(const Series<T>& series, size_t batch, Feed feed) {
  State state(series.pixels);
  for (size_t begin = 0; begin < series.slices; begin += batch) {
    const size_t slices = std::min(batch, series.slices - begin);
    feed(Samples<T>{series.data.data() + begin * series.stride, series.stride, slices},
         Validity{series.valid.data() + begin * series.stride, series.stride}, series.pixels,
         state);
  }
  return state;
}

struct Finished {
  std::vector<float> out;
  std::vector<uint8_t> valid;
};

Finished finished(const State& state, size_t min_count = 1,
                  Dispersion dispersion = Dispersion::population_deviation) {
  const size_t pixels = state.count.size();
  Finished result{std::vector<float>(pixels, -1.0F), std::vector<uint8_t>(pixels, 7)};
  finish_deviation(state.squares.data(), state.count.data(), pixels, min_count, dispersion,
                   result.out.data(), result.valid.data());
  return result;
}

// A NaN, which infinities leave, may have either sign; nothing else may differ.
void expect_same_numbers(const std::vector<double>& got, const std::vector<double>& expected) {
  for (size_t p = 0; p < got.size(); ++p) {
    if (std::isnan(got[p]) && std::isnan(expected[p])) continue;
    ASSERT_EQ(std::memcmp(&got[p], &expected[p], sizeof(double)), 0) << p;
  }
}

template <class T>
class Deviation : public testing::Test {};
using PixelTypes = testing::Types<uint8_t, uint16_t, int16_t, float>;
TYPED_TEST_SUITE(Deviation, PixelTypes);

TYPED_TEST(Deviation, EveryTargetAndEveryBatchGivesTheBytesOfTheReference) {
  unsigned seed = 1;
  for (const size_t slices : kSliceCounts) {
    for (const size_t pixels : kPixelCounts) {
      if (slices * pixels > 9000) continue;
      for (const Spread spread : {Spread::whole_type, Spread::few_values, Spread::ends_of_type}) {
        SCOPED_TRACE(testing::Message() << slices << " slices, " << pixels << " pixels");
        const auto series = random_series<TypeParam>(slices, pixels, seed, spread, seed % 280);
        ++seed;
        const auto expected = fed(series, slices + 1, kPlain);
        on_every_target([&] {
          for (const size_t batch : {slices + 1, size_t{1}, size_t{7}}) {
            const auto got = fed(series, batch, kVector);
            expect_same_bytes(got.count, expected.count);
            expect_same_numbers(got.mean, expected.mean);
            expect_same_numbers(got.squares, expected.squares);
            expect_same_bytes(finished(got, 2).out, finished(expected, 2).out);
            expect_same_bytes(finished(got, 2).valid, finished(expected, 2).valid);
          }
        });
      }
    }
  }
}

TYPED_TEST(Deviation, GivesTheWrittenAnswers) {
  Series<TypeParam> series(5, 1);
  const int values[] = {2, 4, 9, 4, 5};
  for (size_t t = 0; t < 5; ++t) {
    series.at(t, 0) = static_cast<TypeParam>(values[t]);
    series.valid[t * series.stride] = t == 2 ? 0 : 1;
  }
  // Of 2, 4, 4, 5: mean 3.75, squares 4.75.
  const auto state = fed(series, 2, kVector);
  EXPECT_EQ(finished(state).out[0], static_cast<float>(std::sqrt(4.75 / 4)));
  EXPECT_EQ(finished(state, 4).valid[0], 1);
  EXPECT_EQ(finished(state, 5).valid[0], 0);
  EXPECT_EQ(finished(state, 5).out[0], 0.0F);
  EXPECT_EQ(finished(state, 1, Dispersion::sample_deviation).out[0],
            static_cast<float>(std::sqrt(4.75 / 3)));
  EXPECT_EQ(finished(state, 1, Dispersion::sample_variance).out[0], static_cast<float>(4.75 / 3));
  const auto one =
      fed(Series<TypeParam>(series), 1, [](auto x, Validity v, size_t n, State& first) {
        if (first.count[0] == 0) kVector(x, v, n, first);
      });
  EXPECT_EQ(finished(one, 1, Dispersion::sample_deviation).valid[0], 0);
  EXPECT_EQ(finished(one, 1, Dispersion::population_deviation).valid[0], 1);
}

TYPED_TEST(Deviation, OneSampleAndEqualSamplesHaveNone) {
  for (const size_t slices : {size_t{1}, size_t{1000}}) {
    Series<TypeParam> series(slices, 3);
    std::fill(series.data.begin(), series.data.end(), std::numeric_limits<TypeParam>::max());
    std::fill(series.valid.begin(), series.valid.end(), uint8_t{1});
    const auto result = finished(fed(series, slices, kVector));
    EXPECT_EQ(result.out, (std::vector<float>{0, 0, 0}));
    EXPECT_EQ(result.valid, (std::vector<uint8_t>{1, 1, 1}));
  }
  EXPECT_EQ(finished(State(2), 0).valid, (std::vector<uint8_t>{0, 0}));
}

// Two sums in double would give 0 here, or worse.
TEST(DeviationOfFloats, ALargeMeanCostsNoDigits) {
  Series<float> series(4, 1);
  const float values[] = {16777210, 16777212, 16777214, 16777216};
  for (size_t t = 0; t < 4; ++t) {
    series.at(t, 0) = values[t] * 1024;
    series.valid[t * series.stride] = 1;
  }
  EXPECT_EQ(finished(fed(series, 4, kVector)).out[0], static_cast<float>(std::sqrt(5.0) * 1024));
}

TEST(DeviationOfFloats, InfinitiesHaveNone) {
  Series<float> series(2, 1);
  series.at(0, 0) = std::numeric_limits<float>::infinity();
  series.at(1, 0) = 1;
  series.valid[0] = series.valid[series.stride] = 1;
  EXPECT_EQ(finished(fed(series, 2, kVector)).valid[0], 0);
}

}  // namespace
}  // namespace geoloom::kernels
