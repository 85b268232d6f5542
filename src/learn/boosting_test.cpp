// SPDX-License-Identifier: Apache-2.0
// What can be tested without the libraries, and with them where they are found; that models equal
// those of Python's wrappers is tested by properties/training_test.py.
#include "learn/boosting.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "error/error.h"
#include "learn/scores.h"
#include "learn/shared_library.h"
#include "learn/training_test.h"

namespace geoloom::learn {
namespace {

using Json = nlohmann::json;

BoostingPlan plan_of(const Json& json) {
  EstimatorParameters parameters("lightgbm", json);
  return BoostingPlan(parameters, {});
}

TEST(EarlyStopping, StopsWhenNothingGotBetter) {
  const auto plan = plan_of({{"early_stopping_rounds", 2}});
  EarlyStopping stopping(plan);
  const std::vector<double> losses{5, 4, 4.5, 4.1, 3};
  size_t iteration = 0;
  for (; iteration < losses.size(); ++iteration)
    if (stopping.should_stop(iteration, std::span(losses).subspan(iteration, 1), {false})) break;
  EXPECT_EQ(iteration, 3U);
  EXPECT_EQ(stopping.best_iterations(4), 2U);
}

TEST(EarlyStopping, GainsMayHaveToBeLarge) {
  const auto plan = plan_of({{"early_stopping_rounds", 1}, {"early_stopping_min_delta", 0.5}});
  EarlyStopping stopping(plan);
  const double first = 0.5, second = 0.9;
  EXPECT_FALSE(stopping.should_stop(0, {&first, 1}, {true}));
  EXPECT_TRUE(stopping.should_stop(1, {&second, 1}, {true}));
}

TEST(BoostingPlan, TakesAllNames) {
  EXPECT_EQ(plan_of({}).iterations, 100U);
  EXPECT_EQ(plan_of({{"num_boost_round", 7}}).iterations, 7U);
  EXPECT_THROW(plan_of({{"n_estimators", 7}, {"num_iterations", 8}}), Error);
}

TEST(SharedLibrary, SaysHowToGetWhatIsNotThere) {
  const LibraryNames names{.title = "Nothing",
                           .variable = "GEOLOOM_TEST_NO_LIBRARY",
                           .package = "nothing",
                           .in_packages = {"nothing/lib.so"},
                           .file = "libgeoloom_test_nothing.so"};
  try {
    const SharedLibrary library(names);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::missing);
    EXPECT_NE(error.hint().find("pip install nothing"), std::string::npos);
    EXPECT_NE(error.hint().find("GEOLOOM_TEST_NO_LIBRARY"), std::string::npos);
  }
  setenv("GEOLOOM_TEST_NO_LIBRARY", "/no/such/file.so", 1);
  EXPECT_THROW(find_library(names), Error);
  unsetenv("GEOLOOM_TEST_NO_LIBRARY");
}

class Boosting : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<TrainedModel> fit(const Json& parameters, const MadeRows& rows,
                                    const MadeRows* held = nullptr) {
    const Problem problem{.task = rows.class_count > 0 ? Task::classification : Task::regression,
                          .features = {"a b", "c,d", "e[0]"},
                          .class_values = {},
                          .class_names = {}};
    const auto watched = held == nullptr ? TrainingData{} : held->view();
    return make_estimator(GetParam(), problem, parameters)
        ->fit(rows.view(), held == nullptr ? nullptr : &watched, {});
  }
  void SetUp() override {
    try {
      fit({{"n_estimators", 1}}, made_quantities(100, 3, 1));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::missing) GTEST_SKIP() << error.what();
      throw;
    }
  }
};

TEST_P(Boosting, LearnsQuantitiesAndClasses) {
  const auto train = made_quantities(2000, 3, 1), test = made_quantities(500, 3, 2);
  const auto model = fit({}, train);
  EXPECT_GT(regression_scores(test.targets, model->predict(test.features, {})).r2, 0.95);
  EXPECT_EQ(model->iterations, 100U);
  EXPECT_GT(model->importances()[0], model->importances()[2]);
  EXPECT_EQ(model->series[0].values.size(), 100U);
  for (const size_t classes : {2, 4}) {
    const auto rows = made_classes(1000, 3, classes, 3), others = made_classes(500, 3, classes, 4);
    const auto predicted = fit({{"n_estimators", 20}}, rows)->predict(others.features, {});
    EXPECT_EQ(predicted.size(), 500 * classes);
    EXPECT_GT(classification_scores(others.classes, predicted, classes).overall_accuracy, 0.6);
  }
}

TEST(FeatureNames, AreWrittenWhereTheyCanBe) {
  const Problem problem{.task = Task::regression, .features = {"red edge", "nir"}};
  EXPECT_EQ(writable_names(problem, 2, "[]"), (std::vector<std::string>{"red_edge", "nir"}));
  EXPECT_TRUE(
      writable_names({.task = Task::regression, .features = {"b[1]", "nir"}}, 2, "[]").empty());
  EXPECT_TRUE(
      writable_names({.task = Task::regression, .features = {"a b", "a_b"}}, 2, "[]").empty());
}

TEST_P(Boosting, StopsEarly) {
  const auto rows = made_classes(500, 3, 2, 5), held = made_classes(200, 3, 2, 6);
  const auto model = fit({{"n_estimators", 500}, {"early_stopping_rounds", 5}}, rows, &held);
  EXPECT_LT(model->iterations, 200U);
  EXPECT_EQ(model->series.size(), 2U);
  EXPECT_EQ(model->series[1].name.substr(0, 9), "held_out/");
  const auto& losses = model->series[1].values;
  EXPECT_EQ(losses.size(), model->iterations + 5);
  for (const double loss : losses) EXPECT_GE(loss, losses[model->iterations - 1]);
}

TEST_P(Boosting, RefusesInItsOwnWords) {
  const auto rows = made_classes(100, 3, 2, 7);
  try {
    fit({{"objective", "no_such_objective"}}, rows);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_NE(std::string(error.what()).find("no_such_objective"), std::string::npos)
        << error.what();
  }
  EXPECT_THROW(fit({{"num_leafs", 3}}, rows), Error);
}

TEST_P(Boosting, LearnsFromMissingValues) {
  auto rows = made_quantities(500, 3, 8);
  for (size_t row = 0; row < 500; row += 7)
    rows.features[row * 3] = std::numeric_limits<float>::quiet_NaN();
  for (const double value : fit({{"n_estimators", 5}}, rows)->predict(rows.features, {}))
    EXPECT_TRUE(std::isfinite(value));
}

INSTANTIATE_TEST_SUITE_P(Libraries, Boosting, testing::Values("lightgbm", "xgboost"),
                         [](const auto& library) { return std::string(library.param); });

}  // namespace
}  // namespace geoloom::learn
