// SPDX-License-Identifier: Apache-2.0
#include "learn/splits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "error/error.h"
#include "learn/random_numbers.h"
#include "learn/text_table.h"

namespace geoloom::learn {
namespace {

std::map<int32_t, size_t> sizes_of(const Split& split) {
  std::map<int32_t, size_t> sizes;
  for (const int32_t fold : split.fold) ++sizes[fold];
  return sizes;
}

// Rows of these numbers in one fold each?
void expect_together(const Split& split, const std::vector<int64_t>& numbers) {
  std::map<int64_t, int32_t> fold;
  for (size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] != kNoGroup) {
      EXPECT_EQ(fold.emplace(numbers[i], split.fold[i]).first->second, split.fold[i]) << i;
    }
}

std::vector<PlacePoint> scattered(size_t count, double width, uint64_t seed) {
  RandomNumbers numbers(seed);
  std::vector<PlacePoint> places;
  for (size_t i = 0; i < count; ++i) {
    const double x = numbers.unit() * width;
    places.push_back({x, numbers.unit() * width, 0});
  }
  return places;
}

std::string refusal_of(const SplitRule& rule, const SplitRows& rows) {
  try {
    (void)split_rows(rule, rows);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(Splits, RandomFoldsAreEvenAndFixed) {
  SplitRows rows{.rows = 103};
  const auto split = split_rows({.folds = 5}, rows);
  EXPECT_EQ(sizes_of(split),
            (std::map<int32_t, size_t>{{0, 21}, {1, 21}, {2, 21}, {3, 20}, {4, 20}}));
  EXPECT_EQ(split.fold, split_rows({.folds = 5}, rows).fold);
  EXPECT_NE(split.fold, split_rows({.folds = 5, .seed = 1}, rows).fold);
  // The same on every machine.
  EXPECT_EQ(std::vector<int32_t>(split.fold.begin(), split.fold.begin() + 8),
            (std::vector<int32_t>{1, 3, 3, 1, 0, 0, 2, 4}));
}

TEST(Splits, GroupsAreNeverTakenApart) {
  std::vector<int64_t> groups, classes, values, periods;
  for (int i = 0; i < 200; ++i) {
    groups.push_back(i % 7 == 0 ? kNoGroup : i / 9);
    classes.push_back(i % 3);
    values.push_back(i / 20);
    periods.push_back(i / 15);
  }
  const auto places = scattered(200, 1000, 1);
  const auto predicted = scattered(50, 1000, 2);
  const SplitRows rows{200, groups, classes, values, periods, places, predicted};
  for (const auto method : {SplitMethod::random, SplitMethod::stratified, SplitMethod::blocks,
                            SplitMethod::clusters, SplitMethod::nearest}) {
    const auto split =
        split_rows({.method = method, .folds = 3, .block_size = 100, .max_distance = 300}, rows);
    expect_together(split, groups);
    EXPECT_EQ(sizes_of(split).size(), 3U);
    EXPECT_EQ(split.folds, 3U);
  }
  for (const auto method : {SplitMethod::random, SplitMethod::stratified, SplitMethod::blocks}) {
    const auto split = split_rows({.method = method, .test_share = 0.2, .block_size = 100}, rows);
    expect_together(split, groups);
    EXPECT_NEAR(static_cast<double>(sizes_of(split)[0]), 40, 20);
  }
}

TEST(Splits, ShareIsWhatSklearnTests) {
  // train_test_split(train_size=0.8) of 1500 tests 300, of 7 tests 2.
  EXPECT_EQ(sizes_of(split_rows({.test_share = 0.2}, {.rows = 1500}))[0], 300U);
  EXPECT_EQ(sizes_of(split_rows({.test_share = 0.2}, {.rows = 7}))[0], 2U);
  EXPECT_EQ(sizes_of(split_rows({.test_share = 0.2}, {.rows = 1500}))[kNoFold], 1200U);
}

TEST(Splits, StratifiedFoldsHaveLikeShares) {
  std::vector<int64_t> classes(1000, 0);
  for (int i = 0; i < 50; ++i) classes[static_cast<size_t>(i) * 20] = 1;
  const SplitRows rows{.rows = 1000, .classes = classes};
  const auto split = split_rows({.method = SplitMethod::stratified, .folds = 5}, rows);
  std::map<int32_t, size_t> rare;
  for (size_t i = 0; i < 1000; ++i)
    if (classes[i] == 1) ++rare[split.fold[i]];
  for (const auto& [fold, count] : rare) EXPECT_EQ(count, 10U);
  for (const auto& [fold, count] : sizes_of(split)) EXPECT_EQ(count, 200U);
  const auto share = split_rows({.method = SplitMethod::stratified, .test_share = 0.1}, rows);
  EXPECT_EQ(sizes_of(share)[0], 100U);
}

TEST(Splits, LeaveOneRegionOut) {
  const std::vector<int64_t> regions{5, 5, 9, 9, 9, -2, 5};
  const auto split =
      split_rows({.method = SplitMethod::column, .folds = 0}, {.rows = 7, .values = regions});
  EXPECT_EQ(split.fold, (std::vector<int32_t>{1, 1, 2, 2, 2, 0, 1}));
  EXPECT_EQ(split.folds, 3U);
  // A group over two regions makes them one.
  const std::vector<int64_t> groups{1, 2, 2, 3, 3, 4, 5};
  const auto joined = split_rows({.method = SplitMethod::column, .folds = 0},
                                 {.rows = 7, .groups = groups, .values = regions});
  EXPECT_EQ(joined.fold, (std::vector<int32_t>{1, 1, 1, 1, 1, 0, 1}));
}

TEST(Splits, TemporalTestsThePresent) {
  const std::vector<int64_t> days{30, 10, 20, 40, 50};
  const SplitRows rows{.rows = 5, .periods = days};
  const auto split = split_rows({.method = SplitMethod::temporal, .test_share = 0.4}, rows);
  EXPECT_EQ(split.fold, (std::vector<int32_t>{kNoFold, kNoFold, kNoFold, 0, 0}));
  const auto each = split_rows({.method = SplitMethod::temporal, .folds = 0}, rows);
  EXPECT_EQ(each.fold, (std::vector<int32_t>{2, 0, 1, 3, 4}));
}

TEST(Splits, BlocksAreSquares) {
  const auto places =
      planar_points(std::vector<double>{1, 9, 11, -1}, std::vector<double>{1, 9, 1, 1});
  const auto split = split_rows({.method = SplitMethod::blocks, .folds = 0, .block_size = 10},
                                {.rows = 4, .places = places});
  EXPECT_EQ(split.fold, (std::vector<int32_t>{1, 1, 2, 0}));
}

TEST(Splits, ClustersAreNoWiderThanTheDistance) {
  const auto places = scattered(300, 1000, 3);
  const auto merges = linked(places, Linkage::complete);
  ASSERT_EQ(merges.size(), 299U);
  const auto clusters = clusters_below(merges, 200);
  for (size_t i = 0; i < places.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (clusters[i] == clusters[j]) {
        EXPECT_LT(std::hypot(places[i][0] - places[j][0], places[i][1] - places[j][1]), 200);
      }
  const auto five = clusters_of_count(merges, 5);
  EXPECT_EQ(std::set(five.begin(), five.end()), (std::set<size_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(clusters_of_count(merges, 1000).back(), 299U);
  EXPECT_TRUE(linked({}, Linkage::ward).empty());
}

// The distance of clusters by all pairs of their points, looked at anew for each merge.
double reference_distance(const std::vector<PlacePoint>& a, const std::vector<PlacePoint>& b) {
  double most = 0;
  for (const auto& p : a)
    for (const auto& q : b)
      most =
          std::max(most, std::sqrt((p[0] - q[0]) * (p[0] - q[0]) + (p[1] - q[1]) * (p[1] - q[1]) +
                                   (p[2] - q[2]) * (p[2] - q[2])));
  return most;
}

TEST(Splits, CompleteLinkageIsThatOfAllPairs) {
  for (const uint64_t seed : {7U, 8U, 9U}) {
    const auto places = scattered(90, 1000, seed);
    const auto merges = linked(places, Linkage::complete);
    std::vector<std::vector<PlacePoint>> clusters;
    for (const auto& place : places) clusters.push_back({place});
    for (const auto& merge : merges) {
      size_t best_a = 0, best_b = 1;
      double best = std::numeric_limits<double>::infinity();
      for (size_t a = 0; a < clusters.size(); ++a)
        for (size_t b = a + 1; b < clusters.size(); ++b)
          if (const double d = reference_distance(clusters[a], clusters[b]); d < best) {
            best = d;
            best_a = a;
            best_b = b;
          }
      EXPECT_EQ(merge.distance, best);
      clusters[best_a].insert(clusters[best_a].end(), clusters[best_b].begin(),
                              clusters[best_b].end());
      clusters.erase(clusters.begin() + static_cast<ptrdiff_t>(best_b));
    }
  }
}

TEST(Splits, ManyPlacesTakeLittleMemory) {
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const auto merges = linked(scattered(8000, 1e6, 10), Linkage::complete);
  getrusage(RUSAGE_SELF, &after);
  EXPECT_EQ(merges.size(), 7999U);
  // Distances of all pairs would be 256 MB. Sanitizers keep shadows of their own.
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 << 10);
}

TEST(Splits, WardsHeightsAreSciPys) {
  // scipy.cluster.hierarchy.linkage([[0, 0], [1, 0], [4, 0], [6, 3], [7, 3]], "ward")[:, 2]
  const std::vector<PlacePoint> places{{0, 0, 0}, {1, 0, 0}, {4, 0, 0}, {6, 3, 0}, {7, 3, 0}};
  const auto merges = linked(places, Linkage::ward);
  const std::vector<double> heights{1, 1, 4.04145188, 8.81286938};
  for (size_t i = 0; i < heights.size(); ++i) EXPECT_NEAR(merges[i].distance, heights[i], 1e-8);
}

TEST(Splits, WassersteinDistanceIsThatOfQuantiles) {
  EXPECT_DOUBLE_EQ(wasserstein_distance({0, 1, 3}, {5, 6, 8}), 5);  // SciPy's example
  EXPECT_DOUBLE_EQ(wasserstein_distance({0, 1}, {0, 1, 0, 1}), 0);
  EXPECT_DOUBLE_EQ(wasserstein_distance({0}, {0, 2}), 1);
}

TEST(Splits, MatchingFindsClustersWhereTheMapIsFarFromSamples) {
  // Samples in five heaps, a map of the whole: random folds test what lies beside what is known.
  std::vector<PlacePoint> places;
  RandomNumbers numbers(4);
  for (int i = 0; i < 200; ++i) {
    const double heap = static_cast<double>(i % 5) * 2000;
    const double x = heap + numbers.unit() * 100;
    places.push_back({x, heap + numbers.unit() * 100, 0});
  }
  const auto everywhere = scattered(300, 8100, 5);
  const auto split = split_rows({.method = SplitMethod::nearest, .folds = 5},
                                {.rows = 200, .places = places, .predicted = everywhere});
  EXPECT_LT(split.mismatch, split.random_mismatch / 1.5);
  // A map of the heaps only: random folds are about right.
  auto near = places;
  for (auto& place : near) place[0] += numbers.unit() * 10;
  const auto random = split_rows({.method = SplitMethod::nearest, .folds = 5},
                                 {.rows = 200, .places = places, .predicted = near});
  EXPECT_LT(random.random_mismatch, split.random_mismatch / 100);
  EXPECT_LE(random.mismatch, random.random_mismatch);
}

TEST(Splits, SphereAgreesWithPlaneNearby) {
  const auto points =
      spherical_points(std::vector<double>{179.99, -179.99}, std::vector<double>{60, 60});
  const double across = std::hypot(points[0][0] - points[1][0], points[0][1] - points[1][1]);
  EXPECT_NEAR(across, 0.02 * 111194.9 * 0.5, 1);
}

TEST(Splits, RefuseWhatCannotBe) {
  const std::vector<int64_t> one(10, 1), days{1, kNoDate};
  EXPECT_EQ(refusal_of({}, {.rows = 0}), "the table has no rows to split");
  EXPECT_EQ(refusal_of({.folds = 5}, {.rows = 3}),
            "5 folds need as many rows or groups, and there are 3");
  EXPECT_EQ(refusal_of({.folds = 2}, {.rows = 10, .groups = one}),
            "2 folds need as many rows or groups, and there is 1");
  EXPECT_EQ(refusal_of({.folds = 1}, {.rows = 10}), "one fold leaves nothing to train on");
  EXPECT_EQ(refusal_of({.test_share = 1}, {.rows = 10}), "1 is no share of rows to test");
  EXPECT_EQ(refusal_of({.test_share = 0.5}, {.rows = 10, .groups = one}),
            "there are too few rows to test any");
  EXPECT_EQ(refusal_of({.method = SplitMethod::stratified}, {.rows = 10}),
            "the rule splits by class, and the table has no classes");
  EXPECT_EQ(refusal_of({.method = SplitMethod::column}, {.rows = 10}),
            "the rule splits by a column, and the table has none of that name");
  EXPECT_EQ(refusal_of({.method = SplitMethod::blocks, .block_size = 1}, {.rows = 10}),
            "the rule splits by place, and the table has no places");
  EXPECT_EQ(refusal_of({.method = SplitMethod::temporal}, {.rows = 2, .periods = days}),
            "the date of a row is not known");
  const auto places = scattered(10, 10, 6);
  EXPECT_EQ(refusal_of({.method = SplitMethod::blocks}, {.rows = 10, .places = places}),
            "blocks need a size");
  EXPECT_EQ(refusal_of({.method = SplitMethod::blocks, .block_size = 1000},
                       {.rows = 10, .places = places}),
            "5 folds need as many values, blocks, clusters or periods, and there is 1");
  EXPECT_EQ(refusal_of({.method = SplitMethod::nearest}, {.rows = 10, .places = places}),
            "matching of distances needs places that will be predicted");
  auto unknown = places;
  unknown[3][1] = std::nan("");
  EXPECT_EQ(
      refusal_of({.method = SplitMethod::blocks, .block_size = 1}, {.rows = 10, .places = unknown}),
      "the place of row 4 is not known");
  EXPECT_THROW(linked(std::vector<PlacePoint>(kMostClustered + 1), Linkage::complete), Error);
}

// The clusters that the crop mask of Africa was validated with.
TEST(Splits, RealClustersAreScikitLearns) {
  const char* folder = std::getenv("GEOLOOM_TEST_DATA");
  if (folder == nullptr) GTEST_SKIP() << "set GEOLOOM_TEST_DATA to the folder of test data";
  struct Case {
    std::string region;
    double distance;
    size_t clusters;
  };
  for (const auto& [region, distance, clusters] :
       {Case{"eastern", 500'000, 32}, Case{"western", 600'000, 18}}) {
    const auto file = std::string(folder) + "/crop-mask/" + region;
    TextColumns columns;
    columns.label = "Class";
    auto table = read_text_table(file + "_training.txt", columns, uint64_t{1} << 30);
    read_text_locations(file + "_coords_epsg6933.txt", "EPSG:6933", table);
    const auto places = planar_points(table.x, table.y);
    const auto split =
        split_rows({.method = SplitMethod::clusters, .folds = 7, .max_distance = distance},
                   {.rows = table.rows, .places = places});
    EXPECT_EQ(split.parts, clusters);
    EXPECT_EQ(sizes_of(split).size(), 7U);
  }
}

}  // namespace
}  // namespace geoloom::learn
