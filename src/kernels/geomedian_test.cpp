// SPDX-License-Identifier: Apache-2.0
#include "kernels/geomedian.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/observation_test.h"

namespace geoloom::kernels {
namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();

template <class Out>
struct Answer {
  std::vector<std::vector<Out>> median;
  std::vector<float> smad, emad, bcmad;
  std::vector<uint8_t> valid, smad_valid, emad_valid, bcmad_valid;
  std::vector<uint16_t> count;

  Answer(size_t bands, size_t pixels)
      : median(bands, std::vector<Out>(pixels, 77)),
        smad(pixels, 77),
        emad(pixels, 77),
        bcmad(pixels, 77),
        valid(pixels, 77),
        smad_valid(pixels, 77),
        emad_valid(pixels, 77),
        bcmad_valid(pixels, 77),
        count(pixels, 77) {}
  GeomedianOutput<Out> output() {
    GeomedianOutput<Out> out{
        .median = {},
        .valid = valid.data(),
        .count = count.data(),
        .smad = {smad.data(), smad_valid.data()},
        .emad = {emad.data(), emad_valid.data()},
        .bcmad = {bcmad.data(), bcmad_valid.data()},
    };
    for (auto& band : median) out.median.push_back(band.data());
    return out;
  }
};

template <class Out = float>
Answer<Out> plain(const std::vector<StoredBand>& bands, size_t pixels, GeomedianRule rule = {}) {
  Answer<Out> answer(bands.size(), pixels);
  reference::geometric_median<Out>(bands, pixels, rule, answer.output());
  return answer;
}

template <class Out = float>
Answer<Out> vectors(const std::vector<StoredBand>& bands, size_t pixels, GeomedianRule rule = {}) {
  Answer<Out> answer(bands.size(), pixels);
  geometric_median<Out>(bands, pixels, rule, answer.output());
  return answer;
}

template <class Out>
void expect_same(const Answer<Out>& got, const Answer<Out>& expected) {
  for (size_t b = 0; b < expected.median.size(); ++b)
    expect_same_bytes(got.median[b], expected.median[b]);
  expect_same_bytes(got.smad, expected.smad);
  expect_same_bytes(got.emad, expected.emad);
  expect_same_bytes(got.bcmad, expected.bcmad);
  expect_same_bytes(got.valid, expected.valid);
  expect_same_bytes(got.smad_valid, expected.smad_valid);
  expect_same_bytes(got.emad_valid, expected.emad_valid);
  expect_same_bytes(got.bcmad_valid, expected.bcmad_valid);
  expect_same_bytes(got.count, expected.count);
}

TEST(Geomedian, EveryTargetGivesTheBytesOfTheReference) {
  unsigned seed = 1;
  for (const size_t bands : {1, 2, 3, 10}) {
    for (const size_t slices : {0, 1, 2, 3, 4, 5, 9, 60}) {
      for (const size_t pixels : {1, 33, 64, 131, 300}) {
        if (slices * pixels * bands > 60000) continue;
        SCOPED_TRACE(testing::Message() << bands << " bands, " << slices << " slices, " << pixels);
        const auto series = random_spectra(bands, slices, pixels, ++seed);
        const auto stored = series.stored();
        const GeomedianRule rule{seed % 3 == 0 ? 1e-7 : 1e-3, seed % 5 == 0 ? 4U : 1000U, seed % 3};
        const auto expected = plain(stored, pixels, rule);
        on_every_target([&] { expect_same(vectors(stored, pixels, rule), expected); });
      }
    }
  }
}

// Few different values: observations coincide with each other, with the mean and with the median.
TEST(Geomedian, TargetsAgreeWhereObservationsCoincide) {
  ObservedSeries series(2, 7, 500);
  std::mt19937 random(5);
  for (auto& band : series.bands)
    for (auto& value : band.data) value = static_cast<float>(random() % 3) - 1;
  for (auto& valid : series.bands[0].valid) valid = random() % 4 != 0 ? 1 : 0;
  const auto expected = plain(series.stored(), 500, {1e-6, 2000, 1});
  on_every_target([&] { expect_same(vectors(series.stored(), 500, {1e-6, 2000, 1}), expected); });
}

// A pixel's bytes must not depend on which pixels are worked on beside it.
TEST(Geomedian, PixelsDoNotDependOnTheirNeighbours) {
  const auto series = random_spectra(10, 30, 200, 3);
  const auto whole = vectors<double>(series.stored(), 200);
  for (const size_t first : {1, 3, 64, 197}) {
    auto shifted = series.stored();
    for (size_t b = 0; b < shifted.size(); ++b) {
      shifted[b].samples = Samples<float>{series.bands[b].data.data() + first,
                                          series.bands[b].stride, series.bands[b].slices};
      shifted[b].valid.data += first;
    }
    const auto part = vectors<double>(shifted, 200 - first);
    for (size_t b = 0; b < whole.median.size(); ++b)
      expect_same_bytes(part.median[b],
                        {whole.median[b].begin() + static_cast<int>(first), whole.median[b].end()});
  }
}

// The summed distance can be made no smaller; ten digits.
TEST(Geomedian, IsWhereTheSumOfDistancesIsLeast) {
  const auto series = random_spectra(3, 25, 40, 9);
  const auto answer = vectors<double>(series.stored(), 40, {1e-12, 100000, 1});
  for (size_t p = 0; p < 40; ++p) {
    const auto observations = reference::observations_of(series.stored(), p);
    // At a minimum that is no observation the unit vectors towards the observations add up to 0.
    double sum[3] = {};
    for (const auto& observation : observations) {
      double away[3], squares = 0;
      for (size_t b = 0; b < 3; ++b) {
        away[b] = static_cast<double>(observation.values[b]) - answer.median[b][p];
        squares += away[b] * away[b];
      }
      for (size_t b = 0; b < 3; ++b) sum[b] += away[b] / std::sqrt(squares);
    }
    for (const double component : sum) EXPECT_NEAR(component, 0, 1e-8) << p;
  }
}

TEST(Geomedian, KnownMedians) {
  const auto median = [](const std::vector<std::vector<float>>& spectra) {
    const auto answer = vectors<double>(series_of_spectra(spectra).stored(), 1, {1e-13, 100000, 1});
    std::vector<double> out;
    for (const auto& band : answer.median) out.push_back(band[0]);
    return out;
  };
  // Of four corners the crossing of the diagonals.
  const auto corners = median({{0, 0}, {4, 0}, {5, 4}, {0, 4}});
  EXPECT_NEAR(corners[0], 20.0 / 9, 1e-10);
  EXPECT_NEAR(corners[1], 16.0 / 9, 1e-10);
  // The Fermat point of a right triangle with legs of 1.
  const auto fermat = median({{0, 0}, {1, 0}, {0, 1}});
  EXPECT_NEAR(fermat[0], (3 - std::sqrt(3)) / 6, 1e-10);
  EXPECT_NEAR(fermat[1], (3 - std::sqrt(3)) / 6, 1e-10);
  // A corner of 120 degrees or more is the point itself, where Weiszfeld's own step breaks down.
  const auto corner = median({{0, 0}, {10, 1}, {-10, 1}, {0, 0}});
  EXPECT_NEAR(corner[0], 0, 1e-10);
  EXPECT_NEAR(corner[1], 0, 1e-10);
}

// The mean, where the iteration starts, is an observation, but not the median.
TEST(Geomedian, LeavesAnObservationThatIsNotTheMedian) {
  const auto series = series_of_spectra({{0, 0},
                                         {0, 1},
                                         {0, -1},
                                         {1, 0},
                                         {4, 0},
                                         {-5, 0},
                                         {9, 0},
                                         {-9, 0},
                                         {3, 3},
                                         {-3, -3},
                                         {1, 0},
                                         {-1, 0}});
  const auto answer = vectors<double>(series.stored(), 1, {1e-12, 100000, 1});
  const auto expected = plain<double>(series.stored(), 1, {1e-12, 100000, 1});
  EXPECT_EQ(answer.median[0][0], expected.median[0][0]);
  EXPECT_NEAR(answer.median[1][0], 0, 1e-6);
}

TEST(Geomedian, FewOrEqualObservations) {
  on_every_target([&] {
    const auto one = vectors(series_of_spectra({{0.25F, 0.5F}}, 70).stored(), 70);
    EXPECT_EQ(one.median[0][69], 0.25F);
    EXPECT_EQ(one.median[1][69], 0.5F);
    EXPECT_EQ(one.emad[69], 0);
    EXPECT_EQ(one.smad[69], 0);
    EXPECT_EQ(one.bcmad[69], 0);
    EXPECT_EQ(one.count[69], 1);
    const auto equal =
        vectors(series_of_spectra({{0.1F, 0.7F}, {0.1F, 0.7F}, {0.1F, 0.7F}}, 3).stored(), 3);
    EXPECT_EQ(equal.median[0][2], 0.1F);
    EXPECT_EQ(equal.median[1][2], 0.7F);
    EXPECT_EQ(equal.valid[2], 1);
    const auto too_few = vectors(series_of_spectra({{1, 1}, {1, 1}}).stored(), 1, {1e-4, 10, 3});
    EXPECT_EQ(too_few.valid[0], 0);
    EXPECT_EQ(too_few.median[0][0], 0);
    EXPECT_EQ(too_few.emad_valid[0], 0);
    EXPECT_EQ(too_few.count[0], 2);
  });
}

TEST(Geomedian, GapsInAnyBandAndInfinitiesDoNotCount) {
  auto series = series_of_spectra({{1, 2}, {kInfinite, 2}, {3, 4}, {5, -kInfinite}, {7, 8}});
  auto per_band = series.stored();
  std::vector<uint8_t> other(series.bands[0].valid);
  other[4 * series.bands[0].stride] = 0;
  per_band[1].valid.data = other.data();
  on_every_target([&] {
    const auto answer = vectors(per_band, 1);
    EXPECT_EQ(answer.count[0], 2);
    EXPECT_NEAR(answer.median[0][0], 2, 1e-6);
    EXPECT_NEAR(answer.median[1][0], 3, 1e-6);
  });
}

TEST(Geomedian, ValuesTooLargeForFloatSquares) {
  const auto series = series_of_spectra({{1e30F, 0}, {3e30F, 0}, {2e30F, 1e30F}, {2e30F, -1e30F}});
  on_every_target([&] {
    const auto answer = vectors(series.stored(), 1);
    EXPECT_NEAR(answer.median[0][0], 2e30, 1e25);
    EXPECT_EQ(answer.valid[0], 1);
  });
}

TEST(Geomedian, DeviationsByHand) {
  // All on one ray but one, so that the median is (2, 2).
  const auto series = series_of_spectra({{1, 1}, {2, 2}, {4, 4}, {2, 2}, {2, 2}, {-2, -2}, {0, 0}});
  const auto answer = vectors(series.stored(), 1, {1e-9, 10000, 1});
  EXPECT_NEAR(answer.median[0][0], 2, 1e-6);
  const double diagonal = std::sqrt(2.0);
  // Distances 1, 0, 2, 0, 0, 4, 2 diagonals; 1/3, 0, 1/3, 0, 0, none, 1; 0, 0, 0, 0, 0, 2, none.
  EXPECT_NEAR(answer.emad[0], diagonal, 1e-5);
  EXPECT_NEAR(answer.bcmad[0], 1.0 / 6, 1e-5);
  EXPECT_NEAR(answer.smad[0], 0, 1e-6);
}

TEST(Geomedian, DeviationsWithoutAValueAreInvalidAlone) {
  const auto zeros = vectors(series_of_spectra({{0, 0}, {0, 0}}).stored(), 1);
  EXPECT_EQ(zeros.valid[0], 1);
  EXPECT_EQ(zeros.emad_valid[0], 1);
  EXPECT_EQ(zeros.smad_valid[0], 0);
  EXPECT_EQ(zeros.bcmad_valid[0], 0);
  EXPECT_EQ(zeros.smad[0], 0);
}

TEST(Geomedian, MixedTypesInPhysicalValues) {
  const std::vector<uint8_t> valid(3, 1);
  const std::vector<uint16_t> red{1000, 3000, 2000};
  const std::vector<int16_t> green{-10, 10, 0};
  const std::vector<uint8_t> blue{0, 100, 50};
  const std::vector<float> nir{0.5F, 0.5F, 0.5F};
  const std::vector<StoredBand> bands{
      {Samples<uint16_t>{red.data(), 1, 3}, {valid.data(), 1}, 1e-4, 0},
      {Samples<int16_t>{green.data(), 1, 3}, {valid.data(), 1}, 1, 5},
      {Samples<uint8_t>{blue.data(), 1, 3}, {valid.data(), 1}, 0.5, 0},
      {Samples<float>{nir.data(), 1, 3}, {valid.data(), 1}, 2, -1}};
  const auto expected = plain(bands, 1);
  EXPECT_NEAR(expected.median[0][0], 0.2, 1e-6);
  EXPECT_NEAR(expected.median[1][0], 5, 1e-5);
  EXPECT_NEAR(expected.median[2][0], 25, 1e-4);
  EXPECT_EQ(expected.median[3][0], 0);
  on_every_target([&] { expect_same(vectors(bands, 1), expected); });
}

// No sooner than one iteration in double, and never past the limit.
TEST(Geomedian, IterationsAreLimited) {
  const auto series = random_spectra(4, 20, 64, 11);
  double before = 1e9;
  for (const uint32_t iterations : {1, 2, 4, 8, 16}) {
    const auto answer = vectors<double>(series.stored(), 64, {1e-12, iterations, 1});
    const auto best = vectors<double>(series.stored(), 64, {1e-12, 100000, 1});
    double error = 0;
    for (size_t b = 0; b < 4; ++b)
      for (size_t p = 0; p < 64; ++p)
        error = std::max(error, std::abs(answer.median[b][p] - best.median[b][p]));
    EXPECT_LT(error, before);
    before = error;
  }
}

TEST(Geomedian, RefusesWhatIsOutOfRange) {
  const auto series = series_of_spectra({{1, 2}});
  const auto bands = series.stored();
  Answer<float> answer(2, 1);
  const auto run = [&](const std::vector<StoredBand>& given, const GeomedianRule& rule) {
    geometric_median<float>(given, 1, rule, answer.output());
  };
  EXPECT_THROW(run(bands, {0, 10, 1}), std::invalid_argument);
  EXPECT_THROW(run(bands, {std::nan(""), 10, 1}), std::invalid_argument);
  EXPECT_THROW(run(bands, {1e-4, 0, 1}), std::invalid_argument);
  EXPECT_THROW(run({}, {}), std::invalid_argument);
  auto uneven = bands;
  uneven[1].samples = Samples<float>{series.bands[1].data.data(), 1, 0};
  EXPECT_THROW(run(uneven, {}), std::invalid_argument);
}

}  // namespace
}  // namespace geoloom::kernels
