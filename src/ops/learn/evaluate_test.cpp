// SPDX-License-Identifier: Apache-2.0
#include "learn/training_run.h"
#include "ops/learn/learning_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_train();
std::unique_ptr<workflow::Op> make_evaluate();

namespace {

class Evaluate : public testing::Test {
 protected:
  void SetUp() override {
    stage.add_table("samples", made_table(300, 1));
    const auto op =
        bound<workflow::TaskOp>(make_train(), "{table: samples, parameters: {trees: 30}}");
    op->set_result_name("crops");
    const auto info = op->plan(stage.layers);
    stage.add_model("crops", op->run(stage.context()), info.model);
  }
  static std::unique_ptr<workflow::TaskOp> evaluate(const std::string& yaml) {
    return bound<workflow::TaskOp>(make_evaluate(), yaml);
  }
  static std::string text_of(const workflow::Product& product) {
    return gdal::read_file(product.scratch_path, size_t{64} << 20);
  }

  LearningStage stage;
};

TEST_F(Evaluate, ShowsTheTestsOfTheModel) {
  const auto op = evaluate("crops");
  EXPECT_EQ(op->plan(stage.layers).kind, workflow::LayerKind::page);
  const auto page = text_of(op->run(stage.context()));
  EXPECT_NE(page.find("random cross-validation"), std::string::npos);
  EXPECT_EQ(page.find("the evaluation goes here"), std::string::npos);
  EXPECT_EQ(page.find("http://"), page.find("http://www.w3.org")) << "loads nothing";
}

TEST_F(Evaluate, TestsWithAnotherTable) {
  stage.add_table("others", made_table(500, 2));
  const auto op = evaluate("{model: crops, table: others}");
  const auto declared = op->plan(stage.layers).metrics;
  const auto product = op->run(stage.context());
  ASSERT_TRUE(product.metrics.has_value());
  for (const auto& metric : declared)
    EXPECT_TRUE(product.metrics->scalars.contains(metric.name)) << metric.name;
  EXPECT_GT(std::get<double>(product.metrics->scalars.at("test.overall_accuracy").value), 0.75);
  EXPECT_NE(text_of(product).find("another table"), std::string::npos);
}

TEST_F(Evaluate, FindsFeaturesByName) {
  auto table = made_table(200, 3);
  auto turned = table;
  std::swap(turned.schema.features[0], turned.schema.features[3]);
  for (size_t row = 0; row < 200; ++row)
    std::swap(turned.features[row * 4], turned.features[row * 4 + 3]);
  stage.add_table("straight", table);
  stage.add_table("turned", turned);
  const auto matrix = [&](const std::string& name) {
    return evaluate("{model: crops, table: " + name + "}")
        ->run(stage.context())
        .metrics->matrices.at("test.confusion")
        .values;
  };
  EXPECT_EQ(matrix("straight"), matrix("turned"));
  auto without = table;
  without.schema.features[2].name = "evi";
  stage.add_table("without", without);
  EXPECT_NE(error_of([&] {
              evaluate("{model: crops, table: without}")->plan(stage.layers);
            }).find("ndvi"),
            std::string::npos);
}

TEST_F(Evaluate, ClassesThatTheModelDoesNotKnowAreLeftOut) {
  auto table = made_table(100, 4);
  table.schema.classes.push_back({30, "water"});
  for (size_t row = 0; row < 40; ++row) table.class_labels[row] = 30;
  stage.add_table("more", table);
  const auto metrics = evaluate("{model: crops, table: more}")->run(stage.context()).metrics;
  double rows = 0;
  for (const double cell : metrics->matrices.at("test.confusion").values) rows += cell;
  EXPECT_EQ(rows, 60);
}

TEST_F(Evaluate, WantsAModel) {
  error_of([&] { evaluate("samples")->plan(stage.layers); });
}

}  // namespace
}  // namespace geoloom::ops
