// SPDX-License-Identifier: Apache-2.0
#include "learn/tree_predictor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "error/error.h"
#include "learn/random_ensemble.h"
#include "learn/tree_packing.h"

namespace geoloom::learn {
namespace {

constexpr size_t kPixels = 700;

struct Predicted {
  std::vector<float> results;
  std::vector<double> sums;
  std::vector<uint16_t> best;
};

Predicted predicted(const TreePredictor& predictor, const std::vector<std::vector<float>>& planes) {
  std::vector<const float*> pointers;
  for (const auto& plane : planes) pointers.push_back(plane.data());
  const size_t pixels = planes[0].size();
  Predicted result;
  result.results.resize(predictor.ensemble().result_width() * pixels);
  result.sums.resize(predictor.ensemble().outputs * pixels);
  result.best.resize(pixels);
  PredictorScratch scratch;
  predictor.predict(
      pointers, pixels,
      {.results = result.results.data(),
       .best_class =
           predictor.ensemble().task == Task::classification ? result.best.data() : nullptr,
       .sums = result.sums.data(),
       .stride = pixels},
      scratch);
  return result;
}

std::vector<float> pixel_of(const std::vector<std::vector<float>>& planes, size_t p) {
  std::vector<float> pixel;
  for (const auto& plane : planes) pixel.push_back(plane[p]);
  return pixel;
}

// `tolerance` of sums.
void expect_as_one_by_one(const TreeEnsemble& ensemble, bool special, double tolerance) {
  const TreePredictor predictor{TreeEnsemble(ensemble)};
  const auto planes = random_planes(ensemble.features.size(), kPixels, special, 77);
  const auto got = predicted(predictor, planes);
  std::vector<double> sums(ensemble.outputs), results(ensemble.result_width());
  for (size_t p = 0; p < kPixels; ++p) {
    sums_of(ensemble, pixel_of(planes, p), sums);
    for (size_t i = 0; i < sums.size(); ++i) {
      if (tolerance == 0)
        ASSERT_EQ(got.sums[i * kPixels + p], sums[i]) << "pixel " << p;
      else
        ASSERT_NEAR(got.sums[i * kPixels + p], sums[i], tolerance) << "pixel " << p;
    }
    if (ensemble.task != Task::classification) continue;
    apply_link(ensemble, sums, results);
    const auto best = std::max_element(results.begin(), results.end()) - results.begin();
    ASSERT_EQ(got.best[p], best) << "pixel " << p;
  }
}

TEST(TreePredictor, SumsOfBoostedTreesAreExact) {
  uint64_t seed = 0;
  for (const auto comparison : {Comparison::less, Comparison::less_equal})
    for (const auto type : {SumType::float32, SumType::float64})
      for (const size_t outputs : {1, 3}) {
        const RandomEnsembleKind kind{
            .outputs = outputs, .comparison = comparison, .sum_type = type};
        auto ensemble = RandomEnsemble(kind, ++seed).take();
        expect_as_one_by_one(ensemble, false, 0);
        expect_as_one_by_one(ensemble, true, 0);
        ensemble.base_scores.assign(outputs, 0.3);
        ensemble.divisor = 20;
        expect_as_one_by_one(ensemble, true, 0);
        ensemble.base_is_first = false;
        expect_as_one_by_one(ensemble, true, 0);
      }
}

TEST(TreePredictor, MissingValuesOfAllRules) {
  using enum MissingRule;
  uint64_t seed = 100;
  for (const auto& rules : std::vector<std::vector<MissingRule>>{
           {nan_is_zero}, {nan_or_zero}, {nan, nan_or_zero, nan_is_zero}})
    for (const bool flush : {false, true}) {
      auto ensemble = RandomEnsemble({.missing = rules}, ++seed).take();
      ensemble.flushes_tiny_values = flush;
      expect_as_one_by_one(ensemble, true, 0);
      expect_as_one_by_one(ensemble, false, 0);
    }
}

TEST(TreePredictor, ForestsGiveTheSameClassAndNearlyTheSameShares) {
  for (const size_t outputs : {2, 3, 6, 11})
    for (const auto type : {SumType::float32, SumType::float64}) {
      const RandomEnsembleKind kind{
          .trees = 60, .outputs = outputs, .leaf_width = outputs, .sum_type = type};
      const auto ensemble = RandomEnsemble(kind, outputs).take();
      expect_as_one_by_one(ensemble, true, 1e-6);
    }
}

TEST(TreePredictor, TiesOfVotesGoToTheFirstClass) {
  // Two trees of one leaf each, which vote for classes 1 and 0.
  TreeEnsemble ensemble;
  ensemble.task = Task::classification;
  ensemble.link = Link::class_distribution;
  ensemble.features = {"x"};
  ensemble.outputs = ensemble.leaf_width = 2;
  ensemble.leaf_values = {0, 1, 1, 0};
  ensemble.divisor = 2;
  ensemble.class_values = {5, 7};
  ensemble.trees = {Tree{.nodes = {{.leaf = 0}}}, Tree{.nodes = {{.leaf = 1}}}};
  const auto got = predicted(TreePredictor(ensemble), {{1, 2, 3}});
  EXPECT_THAT(got.best, testing::Each(0));
  EXPECT_THAT(got.results, testing::Each(0.5F));
}

TEST(TreePredictor, NearlyEqualSharesAreDecidedAsTheLibraryDoes) {
  // In double, 0.1 + 0.2 is above 0.3.
  TreeEnsemble ensemble;
  ensemble.task = Task::classification;
  ensemble.link = Link::class_distribution;
  ensemble.features = {"x"};
  ensemble.outputs = ensemble.leaf_width = 3;
  ensemble.leaf_values = {0.3, 0.1, 0.6 - 0.3, 0, 0.2, 0};
  ensemble.class_values = {1, 2, 3};
  ensemble.trees = {Tree{.nodes = {{.leaf = 0}}}, Tree{.nodes = {{.leaf = 1}}}};
  const auto got = predicted(TreePredictor(ensemble), {{1, 2, 3}});
  EXPECT_THAT(got.best, testing::Each(1));
}

TEST(TreePredictor, ManyTreesAreSummedInGroups) {
  const RandomEnsembleKind kind{.trees = 2500, .outputs = 3, .leaf_width = 3, .depth = 3};
  expect_as_one_by_one(RandomEnsemble(kind, 9).take(), false, 1e-6);
}

TEST(TreePredictor, LeavesOfSeveralNumbersThatAreNoShares) {
  RandomEnsembleKind kind{.outputs = 3, .leaf_width = 3};
  for (const auto type : {SumType::float32, SumType::float64}) {
    kind.sum_type = type;
    auto ensemble = RandomEnsemble(kind, 4).take();
    for (double& value : ensemble.leaf_values) value = value * 7 - 3;
    ensemble.link = Link::softmax;
    ensemble.base_scores = {0.5, -0.25, 0.1};
    expect_as_one_by_one(ensemble, true, 0);
  }
}

TEST(TreePredictor, CategoriesAreWalkedOneByOne) {
  const auto ensemble = RandomEnsemble({.categories = true}, 3).take();
  EXPECT_EQ(TreePredictor{TreeEnsemble(ensemble)}.slow_reason(), "splits by category");
  expect_as_one_by_one(ensemble, true, 0);
}

TEST(TreePredictor, OtherPixelsChangeNothing) {
  const TreePredictor predictor(
      RandomEnsemble({.trees = 50, .outputs = 4, .leaf_width = 4}, 5).take());
  const auto planes = random_planes(6, 40000, true, 8);
  const auto all = predicted(predictor, planes);
  for (const size_t p : {0, 16383, 16384, 39999}) {
    std::vector<std::vector<float>> one;
    for (const auto& plane : planes) one.push_back({plane[p]});
    const auto alone = predicted(predictor, one);
    EXPECT_EQ(alone.best[0], all.best[p]);
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(alone.results[i], all.results[i * 40000 + p]);
  }
}

TEST(TreePacking, ThresholdsAreRoundedToTheSideThatChangesNothing) {
  const auto packed = [](Comparison comparison, double threshold) {
    return packed_threshold(comparison, threshold, true).value();
  };
  EXPECT_EQ(packed(Comparison::less_equal, 0.5), 0.5F);
  EXPECT_EQ(packed(Comparison::less, 0.5), std::nextafter(0.5F, 0.0F));
  EXPECT_EQ(packed(Comparison::less_equal, 0.1), std::nextafter(0.1F, 0.0F));
  EXPECT_EQ(packed(Comparison::less, 0.1), std::nextafter(0.1F, 0.0F));
  EXPECT_EQ(packed(Comparison::less_equal, 1e300), std::numeric_limits<float>::max());
  EXPECT_EQ(packed(Comparison::less, -1e300), -std::numeric_limits<float>::infinity());
  EXPECT_FALSE(packed_threshold(Comparison::less, -std::numeric_limits<double>::infinity(), true));
  EXPECT_FALSE(
      packed_threshold(Comparison::less_equal, std::numeric_limits<double>::infinity(), false));
}

}  // namespace
}  // namespace geoloom::learn
