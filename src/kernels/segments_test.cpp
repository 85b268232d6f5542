// SPDX-License-Identifier: Apache-2.0
#include "kernels/segments.h"

#include <gmock/gmock.h>

#include "kernels/clusters.h"
#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

using testing::ElementsAre;

struct Picture {
  size_t width, height;
  std::vector<std::vector<uint8_t>> bands;
  std::vector<uint8_t> clusters;
  std::vector<const uint8_t*> planes() const {
    std::vector<const uint8_t*> result;
    for (const auto& band : bands) result.push_back(band.data());
    return result;
  }
};

// Blobs with noise: clusters are steps of the first band. Few values, so that distances tie.
Picture random_picture(size_t width, size_t height, size_t bands, unsigned seed) {
  std::mt19937 random(seed);
  Picture picture{width, height, {}, std::vector<uint8_t>(width * height)};
  picture.bands.assign(bands, std::vector<uint8_t>(width * height));
  for (size_t i = 0; i < width * height; ++i) {
    const size_t blob = (i % width / 5 + i / width / 7) % 4;
    for (auto& band : picture.bands)
      band[i] = static_cast<uint8_t>(blob * 20 + random() % (seed % 2 == 0 ? 30 : 8));
    picture.clusters[i] = static_cast<uint8_t>(1 + picture.bands[0][i] / 12);
    if (random() % 30 == 0) picture.clusters[i] = 0;
  }
  return picture;
}

TEST(Segments, AreTheReferences) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    const auto picture = random_picture(1 + seed % 29, 1 + seed * 7 % 23, 1 + seed % 3, seed);
    SegmentRule rule;
    rule.smallest = seed % 13;
    if (seed % 3 == 0) rule.farthest = 9.5;
    if (seed % 2 == 0) rule.connectivity = Connectivity::corners;
    const auto planes = picture.planes();
    const auto got = segment(planes.data(), planes.size(), picture.clusters.data(), picture.width,
                             picture.height, rule);
    const auto expected = reference::segment(planes.data(), planes.size(), picture.clusters.data(),
                                             picture.width, picture.height, rule);
    EXPECT_EQ(got.ids, expected.ids) << "seed " << seed;
    EXPECT_EQ(got.count, expected.count);
    EXPECT_EQ(got.clumps, expected.clumps);
    EXPECT_EQ(got.single, expected.single);
    EXPECT_EQ(got.small, expected.small);
  }
}

TEST(Segments, MergeIntoTheNearestMean) {
  // A pair of pixels between a dark and a bright area.
  const std::vector<uint8_t> band{10, 10, 10, 60, 90, 90, 90,  //
                                  10, 10, 10, 60, 90, 90, 90};
  const std::vector<uint8_t> clusters{1, 1, 1, 2, 3, 3, 3, 1, 1, 1, 2, 3, 3, 3};
  const uint8_t* plane = band.data();
  SegmentRule rule{.smallest = 3};
  EXPECT_THAT(segment(&plane, 1, clusters.data(), 7, 2, rule).ids,
              ElementsAre(1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2));
  rule.farthest = 29;
  EXPECT_EQ(segment(&plane, 1, clusters.data(), 7, 2, rule).count, 3U);
  rule.farthest = 30;
  EXPECT_EQ(segment(&plane, 1, clusters.data(), 7, 2, rule).count, 2U);
}

TEST(Segments, PixelsAmongInvalidOnesStay) {
  const std::vector<uint8_t> band(9, 7), clusters{0, 0, 0, 0, 1, 0, 0, 0, 0};
  const uint8_t* plane = band.data();
  SegmentRule rule{.smallest = 50};
  EXPECT_THAT(segment(&plane, 1, clusters.data(), 3, 3, rule).ids,
              ElementsAre(0, 0, 0, 0, 1, 0, 0, 0, 0));
  rule.invalid_attracts = true;
  EXPECT_EQ(segment(&plane, 1, clusters.data(), 3, 3, rule).count, 0U);
}

TEST(Segments, ClumpsAreCutWhereThatIsWanted) {
  const std::vector<uint8_t> band(100, 7), clusters(100, 1);
  const uint8_t* plane = band.data();
  SegmentRule rule{.smallest = 0};
  EXPECT_EQ(segment(&plane, 1, clusters.data(), 10, 10, rule).count, 1U);
  rule.largest_clump = 20;
  const auto cut = segment(&plane, 1, clusters.data(), 10, 10, rule);
  EXPECT_GE(cut.count, 4U);
  std::vector<size_t> sizes(cut.count + 1);
  for (const auto id : cut.ids) ++sizes[id];
  EXPECT_EQ(sizes[0], 0U);
  // A pixel's neighbours are taken together: three more at most.
  EXPECT_LE(*std::max_element(sizes.begin(), sizes.end()), 24U);
}

TEST(Segments, OfNothing) {
  const uint8_t* plane = nullptr;
  EXPECT_EQ(segment(&plane, 1, nullptr, 0, 0, {}).count, 0U);
  const std::vector<uint8_t> band(4), clusters(4);
  plane = band.data();
  const auto nothing = segment(&plane, 1, clusters.data(), 2, 2, {});
  EXPECT_EQ(nothing.count, 0U);
  EXPECT_THAT(nothing.ids, ElementsAre(0, 0, 0, 0));
  EXPECT_THROW(segment(&plane, 1, clusters.data(), size_t{1} << 17, size_t{1} << 16, {}),
               std::invalid_argument);
}

// ---------------------------------------------------------------------------------------------

std::vector<std::vector<double>> random_samples(size_t bands, size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::vector<double>> samples(bands, std::vector<double>(count));
  for (auto& band : samples)
    for (auto& value : band) value = static_cast<double>(random() % 256);
  return samples;
}

TEST(Clusters, NearestCentresOnEveryTarget) {
  for (const size_t bands : {1, 2, 3, 5}) {
    for (const size_t count : {1, 7, 16, 33, 130}) {
      const auto samples = random_samples(bands, count, static_cast<unsigned>(bands * count));
      const auto centres = diagonal_centres(samples, 9);
      std::vector<const double*> planes;
      for (const auto& band : samples) planes.push_back(band.data());
      std::vector<uint16_t> nearest(count), expected(count);
      std::vector<double> distance(count), expected_distance(count);
      reference::nearest_centres(planes.data(), count, centres, expected.data(),
                                 expected_distance.data());
      on_every_target([&] {
        nearest_centres(planes.data(), count, centres, nearest.data(), distance.data());
        EXPECT_EQ(nearest, expected);
        expect_same_bytes(distance, expected_distance);
        nearest_centres(planes.data(), count, centres, nearest.data(), nullptr);
        EXPECT_EQ(nearest, expected);
      });
    }
  }
}

TEST(Clusters, FindGroups) {
  std::vector<std::vector<double>> samples(2);
  for (int i = 0; i < 10; ++i) {
    for (const double at : {10.0, 100.0, 180.0}) {
      samples[0].push_back(at + i % 3);
      samples[1].push_back(200 - at + i % 2);
    }
  }
  const auto centres = fitted_clusters(samples, diagonal_centres(samples, 3), {.change = 0});
  ASSERT_EQ(centres.count(), 3U);
  std::vector<double> first{centres.values[0], centres.values[2], centres.values[4]};
  std::sort(first.begin(), first.end());
  EXPECT_THAT(first, ElementsAre(testing::DoubleNear(10.9, 1e-9), testing::DoubleNear(100.9, 1e-9),
                                 testing::DoubleNear(180.9, 1e-9)));
  EXPECT_NEAR(distance_between_centres(centres, 0), std::sqrt(2 * 80.0 * 80), 1e-9);
  EXPECT_NEAR(distance_between_centres(centres, 100), std::sqrt(2 * 170.0 * 170), 1e-9);
  EXPECT_EQ(distance_between_centres({1, {5}}, 50), 0);
}

TEST(Clusters, FewerValuesThanCentres) {
  const std::vector<std::vector<double>> samples{{3, 3, 3, 3}};
  const auto centres = fitted_clusters(samples, diagonal_centres(samples, 5), {});
  EXPECT_EQ(centres.count(), 5U);
  for (const double value : centres.values) EXPECT_EQ(value, 3);
  const std::vector<std::vector<double>> none{{}};
  EXPECT_EQ(diagonal_centres(none, 5).count(), 0U);
  EXPECT_THROW(fitted_clusters(none, centres, {}), std::invalid_argument);
  EXPECT_THROW(fitted_clusters(samples, ClusterCentres{}, {}), std::invalid_argument);
}

TEST(Clusters, DiagonalsOfWholeNumbers) {
  const std::vector<std::vector<double>> samples{{0, 10}, {-5, 5}};
  EXPECT_THAT(diagonal_centres(samples, 3).values, ElementsAre(2.5, -2.5, 5, 0, 7.5, 2.5));
  EXPECT_THAT(diagonal_centres(samples, 3, true).values, ElementsAre(2, -2, 5, 0, 7, 2));
}

}  // namespace
}  // namespace geoloom::kernels
