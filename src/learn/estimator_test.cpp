// SPDX-License-Identifier: Apache-2.0
#include "learn/estimator.h"

#include <gtest/gtest.h>

#include "error/error.h"
#include "learn/scores.h"
#include "learn/training_test.h"

namespace geoloom::learn {
namespace {

using Json = nlohmann::json;

Problem classes_problem() {
  return {.task = Task::classification,
          .features = {"red", "nir", "slope"},
          .class_values = {10, 20},
          .class_names = {"crop", "other"}};
}

std::string refusal(const std::string& algorithm, const Json& parameters,
                    const Problem& problem = classes_problem()) {
  try {
    make_estimator(algorithm, problem, parameters);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    return error.what();
  }
  return "";
}

TEST(Estimator, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(refusal("random_forrest", {}).find("random_forest"), std::string::npos);
  EXPECT_NE(refusal("random_forest", {{"n_estimator", 3}}).find("n_estimators"), std::string::npos);
  EXPECT_NE(refusal("xgboost", {{"learning_rat", 3}}).find("learning_rate"), std::string::npos);
  EXPECT_NE(refusal("random_forest", {{"trees", 3}, {"n_estimators", 4}}).find("as well"),
            std::string::npos);
  for (const Json& wrong :
       {Json{{"trees", 0}}, Json{{"trees", 2.5}}, Json{{"trees", "many"}},
        Json{{"max_features", "auto"}}, Json{{"criterion", "mse"}}, Json{{"class_weight", 3}},
        Json{{"class_weight", {{"maize", 2}}}}, Json{{"class_weight", {{"crop", -2}}}},
        Json{{"bootstrap", 1}}, Json(3)})
    EXPECT_NE(refusal("random_forest", wrong), "") << wrong;
  EXPECT_NE(refusal("linear", {}).find("logistic"), std::string::npos);
  EXPECT_NE(refusal("logistic", {{"C", -1}}), "");
  EXPECT_NE(refusal("lightgbm", {{"learning_rate", "0.1 num_leaves=3"}}), "");
}

TEST(Estimator, TakesTheNamesOfScikitLearn) {
  EXPECT_EQ(refusal("random_forest", {{"n_estimators", 20},
                                      {"n_jobs", -1},
                                      {"random_state", 3},
                                      {"max_depth", nullptr},
                                      {"max_features", 0.5},
                                      {"class_weight", {{"crop", 2}, {"20", 1}}},
                                      {"oob_score", true},
                                      {"min_samples_leaf", 2}}),
            "");
  EXPECT_EQ(refusal("lightgbm", {{"n_estimators", 20}, {"num_leaves", 7}, {"subsample", nullptr}}),
            "");
}

TEST(Estimator, ClassWeightsShiftTheBalance) {
  const auto rows = made_classes(400, 3, 2, 1);
  const auto recall = [&](const Json& weight) {
    const auto estimator =
        make_estimator("logistic", classes_problem(), {{"class_weight", weight}});
    const auto model = estimator->fit(rows.view(), nullptr, {});
    return classification_scores(rows.classes, model->predict(rows.features, {}), 2)
        .classes[0]
        .recall;
  };
  EXPECT_GT(recall({{"crop", 20}}), recall(nullptr));
}

TEST(Estimator, BalancedCountsClassesAlike) {
  MadeRows rows{1, 2, {1, 2, 3, 4}, {0, 1, 1, 1}, {}};
  EXPECT_EQ(balanced_weights(rows.view()), (std::vector<double>{2, 4.0 / 6, 4.0 / 6, 4.0 / 6}));
}

TEST(Estimator, ModelsNameTheirFeatures) {
  const auto rows = made_classes(60, 3, 2, 2);
  for (const std::string algorithm : {"random_forest", "extra_trees", "logistic"}) {
    const auto model =
        make_estimator(algorithm, classes_problem(), {})->fit(rows.view(), nullptr, {});
    const auto file = model->file();
    EXPECT_NE(file.bytes.find("slope"), std::string::npos) << file.name;
    EXPECT_NE(file.bytes.find("crop"), std::string::npos) << file.name;
    EXPECT_EQ(model->importances().size(), 3U);
  }
}

}  // namespace
}  // namespace geoloom::learn
