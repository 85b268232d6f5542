// SPDX-License-Identifier: Apache-2.0
#include "learn/linear_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "error/error.h"
#include "learn/scores.h"
#include "learn/training_test.h"

namespace geoloom::learn {
namespace {

TEST(LinearModel, FindsThePlane) {
  const auto rows = made_quantities(500, 3, 1);
  const auto fit = fit_linear(rows.view(), 0);
  const auto predicted = fit.model.predict(rows.features);
  EXPECT_GT(regression_scores(rows.targets, predicted).r2, 0.99);
  EXPECT_NEAR(fit.model.coefficients[0] / fit.model.deviations[0], 2, 0.02);
  EXPECT_NEAR(fit.model.coefficients[2], 0, 0.02);
}

TEST(LinearModel, SaysWhenFeaturesDependOnEachOther) {
  auto rows = made_quantities(50, 3, 2);
  for (size_t row = 0; row < 50; ++row) rows.features[row * 3 + 2] = 2 * rows.features[row * 3] + 1;
  EXPECT_THROW(fit_linear(rows.view(), 0), Error);
  EXPECT_NO_THROW(fit_linear(rows.view(), 1));
}

TEST(LinearModel, ConvergesForTwoAndForManyClasses) {
  for (const size_t classes : {2, 4}) {
    const auto rows = made_classes(800, 5, classes, 3);
    const auto fit = fit_logistic(rows.view(), {});
    EXPECT_TRUE(fit.converged);
    EXPECT_LT(fit.steps, 20U);
    EXPECT_EQ(fit.model.intercepts.size(), classes == 2 ? 1U : classes);
    const auto scores =
        classification_scores(rows.classes, fit.model.predict(rows.features), classes);
    EXPECT_GT(scores.overall_accuracy, 0.65);
  }
}

TEST(LinearModel, SeparableClassesAreHeldByThePenalty) {
  MadeRows rows{1, 2, {-2, -1, 1, 2}, {0, 0, 1, 1}, {}};
  const auto fit = fit_logistic(rows.view(), {});
  EXPECT_TRUE(fit.converged);
  EXPECT_TRUE(std::isfinite(fit.model.coefficients[0]));
  LogisticParameters without;
  without.penalised = false;
  EXPECT_NO_THROW(fit_logistic(rows.view(), without));  // ends, if far out
}

TEST(LinearModel, GoesThroughItsFile) {
  const auto rows = made_classes(100, 3, 3, 4);
  const auto model = fit_logistic(rows.view(), {}).model;
  const auto json = nlohmann::json::parse(to_json(model).dump());
  EXPECT_EQ(linear_model_from_json(json, "m").predict(rows.features), model.predict(rows.features));
  for (const auto& [key, value] : json.items()) {
    auto without = json;
    without.erase(key);
    EXPECT_THROW(linear_model_from_json(without, "m"), Error) << key;
    auto wrong = json;
    wrong[key] = {{"x", 1}};
    EXPECT_THROW(linear_model_from_json(wrong, "m"), Error) << key;
  }
  EXPECT_THROW(linear_model_from_json(nlohmann::json::array(), "m"), Error);
}

TEST(LinearModel, MissingFeaturesGiveNothing) {
  const auto rows = made_quantities(50, 2, 5);
  const auto model = fit_linear(rows.view(), 1).model;
  const std::vector<float> pixel{1, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(std::isnan(model.predict(pixel)[0]));
}

}  // namespace
}  // namespace geoloom::learn
