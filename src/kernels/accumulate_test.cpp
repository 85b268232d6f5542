// SPDX-License-Identifier: Apache-2.0
#include "kernels/accumulate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

// State of all accumulators of one image.
template <class T>
struct State {
  std::vector<double> sum;
  std::vector<T> kept[4];
  std::vector<uint32_t> count[6];

  explicit State(size_t pixels) : sum(pixels) {
    for (auto& values : kept) values.resize(pixels);
    for (auto& counts : count) counts.resize(pixels);
  }
};

#define FEED_WITH(kernels)                                                           \
  [](const auto& x, Validity v, size_t n, auto& state) {                             \
    kernels::accumulate_sum(x, v, n, state.sum.data(), state.count[0].data());       \
    kernels::accumulate_min(x, v, n, state.kept[0].data(), state.count[1].data());   \
    kernels::accumulate_max(x, v, n, state.kept[1].data(), state.count[2].data());   \
    kernels::accumulate_first(x, v, n, state.kept[2].data(), state.count[3].data()); \
    kernels::accumulate_last(x, v, n, state.kept[3].data(), state.count[4].data());  \
    kernels::accumulate_count(v, x.slices, n, state.count[5].data());                \
  }
const auto kPlain = FEED_WITH(reference);
const auto kVector = FEED_WITH(geoloom::kernels);
#undef FEED_WITH

// All slices, at most `batch` per call.
template <class T, class Feed>
State<T> fed(const Series<T>& series, size_t batch, Feed feed) {
  State<T> state(series.pixels);
  for (size_t begin = 0; begin < series.slices; begin += batch) {
    const size_t slices = std::min(batch, series.slices - begin);
    feed(Samples<T>{series.data.data() + begin * series.stride, series.stride, slices},
         Validity{series.valid.data() + begin * series.stride, series.stride}, series.pixels,
         state);
  }
  return state;
}

template <class T>
void expect_equal(const State<T>& got, const State<T>& expected) {
  for (size_t i = 0; i < 6; ++i) expect_same_bytes(got.count[i], expected.count[i]);
  for (size_t i = 0; i < 4; ++i) expect_same_bytes(got.kept[i], expected.kept[i]);
  for (size_t p = 0; p < got.sum.size(); ++p) {
    // A NaN of opposite infinities may have either sign; nothing else may differ.
    if (std::isnan(got.sum[p]) && std::isnan(expected.sum[p])) continue;
    ASSERT_EQ(std::memcmp(&got.sum[p], &expected.sum[p], sizeof(double)), 0) << p;
  }
}

template <class T>
class Accumulate : public testing::Test {};
using PixelTypes = testing::Types<uint8_t, uint16_t, int16_t, float>;
TYPED_TEST_SUITE(Accumulate, PixelTypes);

TYPED_TEST(Accumulate, EveryTargetAndEveryBatchGivesTheBytesOfTheReference) {
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
          for (const size_t batch : {slices + 1, size_t{1}, size_t{7}})
            expect_equal(fed(series, batch, kVector), expected);
        });
      }
    }
  }
}

TYPED_TEST(Accumulate, ImagesOfSeveralTiles) {
  const auto series = random_series<TypeParam>(300, 2 * 1024 + 70, 5, Spread::whole_type, 40);
  const auto expected = fed(series, 301, kPlain);
  on_every_target([&] { expect_equal(fed(series, 260, kVector), expected); });
}

TYPED_TEST(Accumulate, LongSeriesOfExtremesDoNotOverflow) {
  auto series = random_series<TypeParam>(65600, 65, 1, Spread::few_values, 256);
  using Limits = std::numeric_limits<TypeParam>;
  const bool exact = std::is_integral_v<TypeParam>;
  for (const TypeParam value : {exact ? Limits::max() : TypeParam{1}, Limits::lowest()}) {
    std::fill(series.data.begin(), series.data.end(), value);
    std::fill(series.valid.begin(), series.valid.end(), uint8_t{255});
    on_every_target([&] {
      State<TypeParam> state(65);
      accumulate_sum(series.samples(), series.validity(), 65, state.sum.data(),
                     state.count[0].data());
      for (size_t p = 0; p < 65; ++p) {
        EXPECT_EQ(state.sum[p], 65600.0 * static_cast<double>(value));
        EXPECT_EQ(state.count[0][p], 65600u);
      }
    });
  }
}

TYPED_TEST(Accumulate, GivesTheWrittenAnswers) {
  Series<TypeParam> series(4, 1);
  const int values[] = {9, 4, 8, 2};
  for (size_t t = 0; t < 4; ++t) {
    series.at(t, 0) = static_cast<TypeParam>(values[t]);
    series.valid[t * series.stride] = t == 3 ? 0 : 1;
  }
  on_every_target([&] {
    const auto state = fed(series, 4, kVector);
    EXPECT_EQ(state.kept[0][0], TypeParam{4});
    EXPECT_EQ(state.kept[1][0], TypeParam{9});
    EXPECT_EQ(state.kept[2][0], TypeParam{9});
    EXPECT_EQ(state.kept[3][0], TypeParam{8});
    float mean = -1;
    uint8_t valid = 7;
    finish_mean(state.sum.data(), state.count[0].data(), 1, 3, &mean, &valid);
    EXPECT_EQ(mean, 7.0F);
    EXPECT_EQ(valid, 1);
    finish_mean(state.sum.data(), state.count[0].data(), 1, 4, &mean, &valid);
    EXPECT_EQ(mean, 0.0F);
    EXPECT_EQ(valid, 0);
  });
}

TYPED_TEST(Accumulate, AValueNeedsEnoughSamples) {
  const TypeParam value[] = {5, 6, 7};
  const uint32_t count[] = {0, 1, 2};
  TypeParam out[3];
  uint8_t valid[3];
  finish_value(value, count, 3, 0, out, valid);
  EXPECT_EQ(std::vector<uint8_t>(valid, valid + 3), (std::vector<uint8_t>{0, 1, 1}));
  finish_value(value, count, 3, 2, out, valid);
  EXPECT_EQ(std::vector<TypeParam>(out, out + 3), (std::vector<TypeParam>{0, 0, 7}));
}

TEST(AccumulateFinish, CountsSaturateAndOppositeInfinitiesHaveNoMean) {
  const uint32_t count[] = {0, 65535, 65536};
  uint16_t out[3];
  finish_count(count, 3, out);
  EXPECT_EQ(std::vector<uint16_t>(out, out + 3), (std::vector<uint16_t>{0, 65535, 65535}));
  const double sum[] = {std::nan("")};
  const uint32_t two[] = {2};
  float mean = 1;
  uint8_t valid = 1;
  finish_mean(sum, two, 1, 0, &mean, &valid);
  EXPECT_EQ(mean, 0.0F);
  EXPECT_EQ(valid, 0);
}

}  // namespace
}  // namespace geoloom::kernels
