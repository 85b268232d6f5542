// SPDX-License-Identifier: Apache-2.0
#include "learn/cross_validation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "error/error.h"
#include "learn/training_test.h"

namespace geoloom::learn {
namespace {

using Json = nlohmann::json;

Candidates candidates(Json parameters, const std::string& measure = "") {
  return {"random_forest",
          {.task = Task::classification, .features = {}, .class_values = {0, 1}, .class_names = {}},
          {std::move(parameters)},
          measure_called(measure, Task::classification)};
}

TEST(CrossValidation, PredictsEveryRowOfAFoldOnce) {
  const auto rows = made_classes(300, 4, 2, 1);
  auto folds = made_folds(300, 3, 2);
  for (size_t row = 0; row < 300; row += 10) folds[row] = -1;
  const auto result = cross_validate(candidates({{"trees", 20}}), rows.view(), folds, {}, {});
  for (size_t row = 0; row < 300; ++row)
    EXPECT_EQ(std::isnan(result.predictions[2 * row]), folds[row] < 0) << row;
  EXPECT_EQ(result.folds.size(), 3U);
  EXPECT_EQ(result.classes.confusion.total(), 270);
  size_t tested = 0;
  for (const auto& fold : result.folds) {
    tested += fold.tested_rows;
    EXPECT_EQ(fold.trained_rows + fold.tested_rows, 300U);
  }
  EXPECT_EQ(tested, 270U);
}

// The reason for folds of places: copies of one another on both sides of a split flatter.
TEST(CrossValidation, SeesThroughCopies) {
  auto rows = made_classes(40, 3, 2, 3);
  RandomNumbers random(4);
  for (auto& c : rows.classes) c = static_cast<int32_t>(random.below(2));  // nothing to be learned
  MadeRows copies{3, 2, {}, {}, {}};
  std::vector<int32_t> by_row, by_place;
  for (int copy = 0; copy < 5; ++copy) {
    copies.features.insert(copies.features.end(), rows.features.begin(), rows.features.end());
    copies.classes.insert(copies.classes.end(), rows.classes.begin(), rows.classes.end());
    for (int32_t row = 0; row < 40; ++row) by_place.push_back(row % 4);
  }
  by_row = made_folds(200, 4, 5);
  const auto flattered = cross_validate(candidates({}), copies.view(), by_row, {}, {});
  const auto honest = cross_validate(candidates({}), copies.view(), by_place, {}, {});
  EXPECT_GT(flattered.classes.overall_accuracy, 0.95);
  EXPECT_LT(honest.classes.overall_accuracy, 0.75);
}

TEST(CrossValidation, ChoiceIsNestedAndTold) {
  const auto rows = made_classes(300, 4, 2, 6);
  const auto folds = made_folds(300, 4, 7);
  auto several = candidates({});
  several.parameters =
      grid_of({{"trees", 10}}, {{"max_depth", {1, 8}}, {"criterion", {"gini", "entropy"}}});
  ASSERT_EQ(several.parameters.size(), 4U);
  EXPECT_EQ(several.parameters[1]["max_depth"], 8)
      << "of criteria and depths the last changes quickest";
  const auto result = cross_validate(several, rows.view(), folds, {}, {});
  for (const auto& fold : result.folds) EXPECT_TRUE(fold.parameters.contains("max_depth"));
  const auto choice = choose(several, rows.view(), folds, {}, {});
  EXPECT_EQ(choice.scores.size(), 4U);
}

TEST(CrossValidation, PermutationsTellWhatMatters) {
  const auto rows = made_classes(400, 4, 2, 8);  // two classes differ in the first feature
  const auto result =
      cross_validate(candidates({{"trees", 30}}), rows.view(), made_folds(400, 4, 9),
                     {.hold_back = {}, .permutations = 3}, {});
  ASSERT_EQ(result.importance.size(), 4U);
  EXPECT_GT(result.importance[0], 0.2);
  for (size_t c = 1; c < 4; ++c) EXPECT_LT(std::fabs(result.importance[c]), 0.05) << c;
}

TEST(CrossValidation, LearningCurveGrows) {
  const auto rows = made_classes(600, 4, 2, 10);
  const auto curve = learning_curve(candidates({{"trees", 30}}), rows.view(),
                                    made_folds(600, 3, 11), std::vector{0.05, 1.0}, {}, {});
  EXPECT_EQ(curve.rows[1], 400U);
  EXPECT_LT(curve.tested[0], curve.tested[1] + 0.02);
  EXPECT_GT(curve.trained[1], 0.99);
}

TEST(CrossValidation, OneFoldIsTestedByWhatHasNone) {
  const auto rows = made_classes(200, 4, 2, 14);
  std::vector<int32_t> folds(200, -1);
  std::fill(folds.begin(), folds.begin() + 40, 0);
  const auto result = cross_validate(candidates({{"trees", 10}}), rows.view(), folds, {}, {});
  ASSERT_EQ(result.folds.size(), 1U);
  EXPECT_EQ(result.folds[0].trained_rows, 160U);
  EXPECT_EQ(result.folds[0].tested_rows, 40U);
  EXPECT_FALSE(std::isnan(result.predictions[0]));
  EXPECT_TRUE(std::isnan(result.predictions[2 * 199]));
}

TEST(CrossValidation, SaysWhatCannotBeDone) {
  const auto rows = made_classes(30, 3, 2, 12);
  EXPECT_THROW(cross_validate(candidates({}), rows.view(), std::vector<int32_t>(30, 0), {}, {}),
               Error);
  auto lone = rows;
  std::fill(lone.classes.begin(), lone.classes.end(), 0);
  std::vector<int32_t> folds(30, 0);
  for (size_t row = 0; row < 15; ++row) {
    lone.classes[row] = 1;
    folds[row] = 1;
  }
  try {
    cross_validate(candidates({}), lone.view(), folds, {}, {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("fold 0"), std::string::npos) << error.what();
  }
  EXPECT_THROW(grid_of({}, {{"trees", Json::array()}}), Error);
  EXPECT_THROW(grid_of({}, {{"trees", 5}}), Error);
}

TEST(CrossValidation, StopsWhenCancelled) {
  const auto rows = made_classes(30, 3, 2, 13);
  FitContext context;
  context.cancelled = [] { return true; };
  try {
    cross_validate(candidates({}), rows.view(), made_folds(30, 2, 1), {}, context);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace geoloom::learn
