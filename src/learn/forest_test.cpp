// SPDX-License-Identifier: Apache-2.0
#include "learn/forest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "error/error.h"
#include "learn/forest_file.h"
#include "learn/ranked_columns.h"
#include "learn/scores.h"
#include "learn/training_test.h"

namespace geoloom::learn {
namespace {

void backwards_on_threads(size_t count, const std::function<void(size_t)>& body) {
  std::vector<std::thread> threads;
  for (size_t first : {1, 0})
    threads.emplace_back([&, first] {
      for (size_t i = first; i < count; i += 2) body(count - 1 - i);
    });
  for (auto& thread : threads) thread.join();
}

double accuracy(const Forest& forest, const MadeRows& rows) {
  return classification_scores(rows.classes, forest.predict(rows.features), rows.class_count)
      .overall_accuracy;
}

ForestParameters small(ForestKind kind = ForestKind::random_forest) {
  ForestParameters parameters;
  parameters.kind = kind;
  parameters.trees = 40;
  parameters.bootstrap = kind == ForestKind::random_forest;
  return parameters;
}

TEST(Forest, LearnsClassesAndTellsWhatHelped) {
  const auto train = made_classes(600, 6, 4, 1), test = made_classes(600, 6, 4, 2);
  for (const auto kind : {ForestKind::random_forest, ForestKind::extra_trees}) {
    for (const auto criterion : {SplitCriterion::gini, SplitCriterion::entropy}) {
      auto parameters = small(kind);
      parameters.criterion = criterion;
      const auto forest = train_forest(train.view(), parameters);
      EXPECT_GT(accuracy(forest, test), 0.66);  // Bayes: 0.84 squared, 0.71
      EXPECT_EQ(accuracy(forest, train) > 0.99, true);
      EXPECT_GT(forest.importances[0] + forest.importances[1], 0.5);
    }
  }
}

TEST(Forest, OutOfBagIsHonest) {
  const auto train = made_classes(800, 5, 2, 3), test = made_classes(2000, 5, 2, 4);
  auto parameters = small();
  parameters.trees = 100;
  const auto forest = train_forest(train.view(), parameters);
  const auto out_of_bag =
      classification_scores(train.classes, forest.out_of_bag, 2).overall_accuracy;
  EXPECT_NEAR(out_of_bag, accuracy(forest, test), 0.04);
}

TEST(Forest, LearnsQuantities) {
  const auto train = made_quantities(800, 4, 5), test = made_quantities(400, 4, 6);
  auto parameters = small();
  parameters.criterion = SplitCriterion::squared_error;
  parameters.max_features = FeatureLimit::parsed("all");
  const auto forest = train_forest(train.view(), parameters);
  EXPECT_GT(regression_scores(test.targets, forest.predict(test.features)).r2, 0.9);
  EXPECT_GT(regression_scores(train.targets, forest.out_of_bag).r2, 0.9);
}

TEST(Forest, DoesNotDependOnThreads) {
  const auto rows = made_classes(500, 5, 3, 7);
  const auto parameters = small();
  const auto one = train_forest(rows.view(), parameters);
  const auto many = train_forest(rows.view(), parameters, backwards_on_threads);
  EXPECT_EQ(forest_file_bytes(ensemble_of(one, Task::classification)),
            forest_file_bytes(ensemble_of(many, Task::classification)));
  EXPECT_EQ(one.out_of_bag.size(), many.out_of_bag.size());
  for (size_t i = 0; i < one.out_of_bag.size(); ++i)
    EXPECT_TRUE(one.out_of_bag[i] == many.out_of_bag[i] || std::isnan(one.out_of_bag[i]));
  auto other = parameters;
  other.seed = 2;
  EXPECT_NE(forest_file_bytes(ensemble_of(one, Task::classification)),
            forest_file_bytes(ensemble_of(train_forest(rows.view(), other), Task::classification)));
}

TEST(Forest, KeepsLimits) {
  const auto rows = made_classes(300, 3, 2, 8);
  auto parameters = small();
  parameters.max_depth = 3;
  parameters.min_samples_leaf = 10;
  const auto forest = train_forest(rows.view(), parameters);
  for (const auto& tree : ensemble_of(forest, Task::classification).trees)
    EXPECT_LE(depth_of(tree), 3U);
}

TEST(Forest, EnsembleGivesTheSamePredictions) {
  const auto rows = made_classes(200, 3, 3, 9);
  const auto forest = train_forest(rows.view(), small());
  const auto expected = forest.predict(rows.features);
  const auto bytes = forest_file_bytes(ensemble_of(forest, Task::classification));
  const auto ensemble = read_forest_file(bytes, "forest");
  std::vector<double> sums(3);
  for (size_t row = 0; row < 200; ++row) {
    sums_of(ensemble, std::span(rows.features).subspan(row * 3, 3), sums);
    for (size_t c = 0; c < 3; ++c) EXPECT_EQ(sums[c], expected[row * 3 + c]);
  }
}

TEST(ForestFile, RefusesWhatItDidNotWrite) {
  const auto rows = made_classes(100, 3, 2, 10);
  const auto bytes =
      forest_file_bytes(ensemble_of(train_forest(rows.view(), small()), Task::classification));
  for (size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 97)
    EXPECT_THROW(read_forest_file(bytes.substr(0, length), "f"), Error) << length;
  RandomNumbers random(11);
  for (int i = 0; i < 300; ++i) {  // any byte may be wrong: refused, or another forest
    auto broken = bytes;
    broken[random.below(broken.size())] ^= static_cast<char>(1 + random.below(255));
    try {
      read_forest_file(broken, "f");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt);
    }
  }
}

TEST(Forest, RefusesWhatItCannotLearnFrom) {
  auto rows = made_classes(50, 3, 2, 12);
  const auto refused = [&](const ForestParameters& parameters, const char* word) {
    try {
      train_forest(rows.view(), parameters);
      ADD_FAILURE() << word;
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(word), std::string::npos) << error.what();
    }
  };
  auto parameters = small();
  parameters.criterion = SplitCriterion::squared_error;
  refused(parameters, "criterion");
  rows.features[4] = std::numeric_limits<float>::quiet_NaN();
  refused(small(), "missing");
  rows.features[4] = 0;
  rows.classes.assign(50, 1);
  refused(small(), "one class");
  rows.classes[3] = 2;
  refused(small(), "no known class");
  rows = {};
  rows.columns = 3;
  rows.class_count = 2;
  refused(small(), "no rows");
}

TEST(Forest, ConstantFeaturesMakeOneLeaf) {
  auto rows = made_classes(50, 2, 2, 13);
  std::fill(rows.features.begin(), rows.features.end(), 1.0F);
  const auto forest = train_forest(rows.view(), small());
  EXPECT_EQ(forest.trees[0].nodes.size(), 1U);
  EXPECT_EQ(forest.importances, (std::vector<double>{0, 0}));
}

TEST(FeatureLimit, IsSaidInManyWays) {
  EXPECT_EQ(FeatureLimit::parsed("sqrt").of(33), 5U);
  EXPECT_EQ(FeatureLimit::parsed("log2").of(33), 5U);
  EXPECT_EQ(FeatureLimit::parsed("all").of(33), 33U);
  EXPECT_EQ(FeatureLimit::parsed("7").of(33), 7U);
  EXPECT_EQ(FeatureLimit::parsed("70").of(33), 33U);
  EXPECT_EQ(FeatureLimit::parsed("0.5").of(33), 16U);
  EXPECT_EQ(FeatureLimit::parsed("1.0").of(33), 33U);
  EXPECT_EQ(FeatureLimit::parsed("0.001").of(33), 1U);
  for (const char* wrong : {"", "auto", "0", "-1", "2.5", "nan", "3x"})
    EXPECT_THROW(FeatureLimit::parsed(wrong), Error) << wrong;
}

TEST(RankedColumns, SortsHoweverManyKeys) {
  RandomNumbers random(14);
  for (const size_t count : {0, 1, 2, 23, 24, 199, 200, 5000}) {
    for (const uint32_t span : {1U, 100U, 70000U}) {
      std::vector<RankKey> keys, spare;
      for (size_t i = 0; i < count; ++i) keys.push_back((7 + random.below(span)) << 32 | i);
      auto expected = keys;
      std::sort(expected.begin(), expected.end());
      sort_by_rank(keys, spare, 7, 7 + span - 1);
      EXPECT_EQ(keys, expected);
    }
  }
}

}  // namespace
}  // namespace geoloom::learn
