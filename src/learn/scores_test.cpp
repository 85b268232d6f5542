// SPDX-License-Identifier: Apache-2.0
#include "learn/scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "error/error.h"
#include "learn/measures.h"

namespace geoloom::learn {
namespace {

// Numbers computed with scikit-learn 1.9; properties/training_test.py compares many more.
TEST(Scores, OfAMatrix) {
  const auto scores = scores_of({3, {5, 1, 0, 2, 7, 1, 0, 3, 6}});
  EXPECT_NEAR(scores.overall_accuracy, 18.0 / 25, 1e-15);
  EXPECT_NEAR(scores.balanced_accuracy, (5.0 / 6 + 0.7 + 6.0 / 9) / 3, 1e-15);
  const double chance = (6.0 * 7 + 10 * 11 + 9 * 7) / 625;
  EXPECT_NEAR(scores.kappa, (0.72 - chance) / (1 - chance), 1e-15);
  EXPECT_NEAR(scores.classes[1].precision, 7.0 / 11, 1e-15);
  EXPECT_NEAR(scores.classes[1].recall, 0.7, 1e-15);
  EXPECT_NEAR(scores.classes[1].f1, 14.0 / 21, 1e-15);
  EXPECT_TRUE(std::isnan(scores.auc));
}

TEST(Scores, ClassesThatDoNotOccurCountForNothing) {
  const auto scores = scores_of({3, {4, 1, 0, 1, 4, 0, 0, 0, 0}});
  EXPECT_NEAR(scores.macro.f1, 0.8, 1e-15);
  EXPECT_NEAR(scores.balanced_accuracy, 0.8, 1e-15);
}

TEST(Scores, OfProbabilities) {
  const std::vector<int32_t> truth{0, 0, 1, 1};
  const std::vector<double> p{0.9, 0.1, 0.6, 0.4, 0.65, 0.35, 0.2, 0.8};
  const auto scores = classification_scores(truth, p, 2);
  EXPECT_NEAR(scores.auc, 0.75, 1e-15);
  EXPECT_NEAR(scores.average_precision, 0.8333333333333333, 1e-15);
  EXPECT_NEAR(scores.log_loss, -std::log(0.9 * 0.6 * 0.35 * 0.8) / 4, 1e-12);
  EXPECT_NEAR(scores.brier, (0.01 + 0.16 + 0.65 * 0.65 + 0.04) / 4, 1e-15);
  EXPECT_EQ(scores.ranking[1].roc.x.front(), 0);
  EXPECT_EQ(scores.ranking[1].roc.x.back(), 1);
  EXPECT_TRUE(std::isinf(scores.ranking[1].roc.thresholds.front()));
}

TEST(Scores, TiesOfProbabilityAreOneStep) {
  const std::vector<int32_t> truth{0, 1, 0, 1};
  const auto scores = classification_scores(truth, std::vector<double>(8, 0.5), 2);
  EXPECT_EQ(scores.auc, 0.5);
  EXPECT_EQ(scores.confusion.at(1, 0), 2);  // of equals the first
}

TEST(Scores, RowsNeverPredictedAreLeftOut) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<int32_t> truth{0, 1, 1};
  const auto scores = classification_scores(truth, std::vector{0.8, 0.2, nan, nan, 0.1, 0.9}, 2);
  EXPECT_EQ(scores.confusion.total(), 2);
  EXPECT_EQ(regression_scores(std::vector{1.0, 2.0}, std::vector{nan, 3.0}).mse, 1);
}

TEST(Scores, OneClassHasNoCurve) {
  const std::vector<int32_t> truth{1, 1};
  const auto scores = classification_scores(truth, std::vector{0.2, 0.8, 0.4, 0.6}, 2);
  EXPECT_TRUE(std::isnan(scores.auc));
  EXPECT_EQ(scores.overall_accuracy, 1);
}

TEST(Scores, OfQuantities) {
  const auto scores =
      regression_scores(std::vector{3.0, -0.5, 2.0, 7.0}, std::vector{2.5, 0.0, 2.0, 8.0});
  EXPECT_NEAR(scores.mse, 0.375, 1e-15);
  EXPECT_NEAR(scores.mae, 0.5, 1e-15);
  EXPECT_NEAR(scores.r2, 0.9486081370449679, 1e-15);
  EXPECT_NEAR(scores.bias, 0.25, 1e-15);
  EXPECT_TRUE(std::isnan(regression_scores(std::vector{1.0, 1.0}, std::vector{1.0, 2.0}).r2));
}

TEST(Scores, OfQuantiles) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> truth{1, 2, 3, 4}, shares{0.1, 0.6, 0.9};
  //                                  below   inside    above    not predicted
  const std::vector<double> predicted{2, 3, 4, 1, 2, 3, 0, 1, 2, nan, nan, nan};
  const auto scores = regression_scores(truth, predicted, {}, shares);
  ASSERT_EQ(scores.quantiles.size(), 3U);
  EXPECT_NEAR(scores.interval_coverage, 1.0 / 3, 1e-15);
  EXPECT_NEAR(scores.quantiles[0].observed, 1.0 / 3, 1e-15);
  EXPECT_NEAR(scores.quantiles[2].observed, 2.0 / 3, 1e-15);
  EXPECT_NEAR(scores.quantiles[0].pinball_loss, (0.9 + 0.1 + 0.3) / 3, 1e-15);
  // The rest is of the quantile nearest to the median: off by 2, 0 and -2.
  EXPECT_NEAR(scores.mse, 8.0 / 3, 1e-15);
  EXPECT_EQ(scores.bias, 0);
  EXPECT_EQ(nearest_to_median(std::vector{0.4, 0.6}), 0U);
}

TEST(Measures, AreNamedAndDirected) {
  EXPECT_EQ(measure_called("", Task::classification).name, "balanced_accuracy");
  const auto rmse = measure_called("rmse", Task::regression);
  EXPECT_TRUE(rmse.better(1, 2));
  EXPECT_TRUE(rmse.better(5, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(rmse.better(std::numeric_limits<double>::quiet_NaN(), 5));
  EXPECT_THROW(measure_called("rmse", Task::classification), Error);
}

}  // namespace
}  // namespace geoloom::learn
