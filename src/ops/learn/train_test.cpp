// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include "learn/table_file.h"
#include "learn/training_run.h"
#include "learn/training_test.h"
#include "ops/learn/learning_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_train();

namespace {

std::unique_ptr<workflow::TaskOp> train(const std::string& yaml) {
  return bound<workflow::TaskOp>(make_train(), yaml);
}

TEST(Train, MakesAPackageThatTellsHowItWasTested) {
  LearningStage stage;
  auto table = made_table(400, 1);
  table.schema.features[2].recipe = "r2";
  table.sampling.period = geo::Period{1'588'291'200'000, 1'590'969'600'000};
  stage.add_table("samples", table);
  const auto op = train(
      "{table: samples, parameters: {trees: 30}, validate: [random, spatial], "
      "spatial: {blocks: 25}, applicability: true, permutations: 2}");
  op->set_result_name("crops");
  const auto info = op->plan(stage.layers);
  EXPECT_EQ(info.kind, workflow::LayerKind::model);
  ASSERT_NE(info.model, nullptr);
  EXPECT_EQ(info.model->features.size(), 4U);
  auto context = stage.context();
  context.fingerprint = "f00d";
  const auto product = op->run(context);
  const auto package = learn::read_model_package(product.scratch_path);
  EXPECT_EQ(package.card.classes.at(1).name, "other");
  EXPECT_EQ(package.card.fingerprint, "f00d");
  EXPECT_EQ(package.card.features.at(2).recipe, "r2");
  EXPECT_EQ(package.card.period_start, "2020-05-01T00:00:00Z");
  EXPECT_EQ(package.card.period_end, "2020-06-01T00:00:00Z");
  EXPECT_EQ(package.card.data_hash.size(), 64U);
  EXPECT_EQ(package.card.samples, 400U);
  for (const char* kind : {"random cross-validation", "spatial cross-validation", "out of bag"})
    EXPECT_TRUE(package.card.metrics.contains(kind)) << kind;
  EXPECT_TRUE(package.extra.contains(learn::kEvaluationFileName));
  EXPECT_TRUE(package.extra.contains(learn::kApplicabilityFileName));
  const auto kubeflow = nlohmann::json::parse(package.extra.at(learn::kKubeflowFileName));
  EXPECT_EQ(
      kubeflow["random cross-validation"]["confusionMatrix"]["annotationSpecs"][0]["displayName"],
      "crop");
  ASSERT_TRUE(product.metrics.has_value());
  // Everything that was declared was measured.
  for (const auto& metric : info.metrics)
    EXPECT_TRUE(product.metrics->scalars.contains(metric.name)) << metric.name;
  EXPECT_GT(std::get<double>(product.metrics->scalars.at("random.balanced_accuracy").value), 0.75);
}

TEST(Train, TheSameTwice) {
  LearningStage stage;
  stage.add_table("samples", made_table(200, 2));
  const auto op = train("{table: samples, parameters: {trees: 10}}");
  const auto first = op->run(stage.context()).summary.sha256;
  EXPECT_EQ(op->run(stage.context()).summary.sha256, first);
}

TEST(Train, TablesOfManyItemsAreOne) {
  LearningStage stage;
  stage.add_table("samples", made_table(100, 3));
  stage.add_table("samples", made_table(150, 4));
  const auto product = train("{table: samples, parameters: {trees: 5}}")->run(stage.context());
  EXPECT_EQ(learn::read_model_package(product.scratch_path).card.samples, 250U);
}

TEST(Train, IncompleteRowsAreLeftOutAndTold) {
  LearningStage stage;
  auto table = made_table(100, 5);
  table.features[3] = std::numeric_limits<float>::quiet_NaN();
  table.class_labels[7] = learn::kNoClass;
  stage.add_table("samples", table);
  std::vector<std::string> notes;
  auto context = stage.context();
  context.notes = &notes;
  const auto product =
      train("{table: samples, parameters: {trees: 5}, validate: []}")->run(context);
  EXPECT_EQ(notes.size(), 3U);
  // One by one: rows of four features.
  const auto told =
      learn::read_model_package(product.scratch_path).extra.at(learn::kLeftOutFileName);
  const auto name = table.schema.features.at(3).name;
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 3);
  EXPECT_NE(told.find("\n0,"), std::string::npos) << told;
  EXPECT_NE(told.find(",no " + name + "\n7,"), std::string::npos) << told;
  EXPECT_TRUE(told.ends_with(",no label\n")) << told;
  EXPECT_THROW(train("{table: samples, missing: refuse}")->run(stage.context()), Error);
}

TEST(Train, ParametersAreChosenWithinFolds) {
  LearningStage stage;
  stage.add_table("samples", made_table(300, 6));
  const auto product =
      train("{table: samples, parameters: {trees: 10}, grid: {max_depth: [1, 6]}, folds: 3}")
          ->run(stage.context());
  const auto package = learn::read_model_package(product.scratch_path);
  EXPECT_TRUE(package.card.parameters.contains("max_depth"));
  const auto evaluation = nlohmann::json::parse(package.extra.at(learn::kEvaluationFileName));
  EXPECT_TRUE(evaluation["tests"][0]["folds"][0].contains("parameters"));
}

TEST(Train, RefusesBeforeAnythingRuns) {
  LearningStage stage;
  stage.add_table("samples", made_table(50, 7));
  const auto refused = [&](const std::string& yaml) {
    return error_of([&] { train(yaml)->plan(stage.layers); });
  };
  EXPECT_NE(refused("{table: samples, parameters: {n_estimator: 3}}").find("n_estimators"),
            std::string::npos);
  EXPECT_NE(refused("{table: samples, algorithm: linear}").find("logistic"), std::string::npos);
  EXPECT_NE(refused("{table: samples, validate: [spatial]}").find("blocks"), std::string::npos);
  EXPECT_NE(refused("{table: samples, measure: rmse}").find("rmse"), std::string::npos);
  EXPECT_NE(refused("{table: samples, validate: [random, random]}").find("twice"),
            std::string::npos);
  EXPECT_NE(refused("{table: samples, validate: [], applicability: true}").find("validate"),
            std::string::npos);
  EXPECT_NE(refused("{table: samples, grid: {trees: 5}}").find("grid"), std::string::npos);
  EXPECT_NE(refused("{table: samples, quantiles: [0.1, 0.9]}").find("classes"), std::string::npos);
  EXPECT_NE(refused("{table: samples, quantiles: [0.9, 0.1]}").find("rise"), std::string::npos);
}

TEST(Train, SaysWhatATableLacks) {
  LearningStage stage;
  auto table = made_table(50, 8);
  std::fill(table.class_labels.begin(), table.class_labels.end(), 10);
  stage.add_table("alike", table);
  EXPECT_NE(error_of([&] { train("{table: alike}")->run(stage.context()); }).find("one class"),
            std::string::npos);
  stage.add_table("none", made_table(0, 9));
  error_of([&] { train("{table: none}")->run(stage.context()); });
  EXPECT_NE(error_of([&] {
              stage.add_table("few", made_table(20, 10));
              train("{table: few, validate: [table]}")->run(stage.context());
            }).find("folds"),
            std::string::npos);
}

}  // namespace
}  // namespace geoloom::ops
