// SPDX-License-Identifier: Apache-2.0
// A model from a table of samples, tested in ways that are told apart.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "learn/table_schema.h"
#include "learn/training_run.h"
#include "ops/export/profile.h"
#include "ops/learn/learn_layers.h"
#include "ops/result_choice.h"

namespace geoloom::ops {
namespace {

using learn::TestKind;

const workflow::OpDescription kDescription{
    .name = "train",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "Train a model from a table of samples and test it honestly",
    .documentation =
        R"(Reads the table (of all items, where it has several files) and makes one file: a model package, which `predict` reads. It is a zip; the
model in it is in its library's own format and can be taken out.

**Algorithms.** `random_forest` and `extra_trees` are Geoloom's own and grow trees as scikit-learn does; `logistic` (classes) and `linear`
(quantities) are baselines, with features standardised inside. `lightgbm` and `xgboost` train in their own libraries, which have to be there:
`pip install lightgbm` in a virtual environment, and activate it or set `GEOLOOM_LIGHTGBM` (`GEOLOOM_XGBOOST`) to the path of the shared library.
Python itself is not used.

**Parameters** are those of the algorithm, under the names that scikit-learn and the wrappers of the libraries have for them (`n_estimators`,
`max_features`, `class_weight: balanced`, `num_leaves`, `colsample_bytree` ...); LightGBM's and XGBoost's own go through as they are. `grid` gives lists of values to
choose among. With `early_stopping_rounds` a share of the rows (`held_back`) is watched and not trained on. The number of threads is the run's.

**Intervals.** `quantiles: [0.05, 0.5, 0.95]` learns these quantiles of a quantity with `xgboost`; `predict` then gives a band for each (`p5`, `p50`,
`p95`). The tests tell `interval_coverage`, the share of true values between the lowest and the highest (0.9 is meant here), and how often each
quantile was not exceeded; R2 and the like are those of the quantile nearest to the median.

**Tests.** `validate` names how the model is tested, and the numbers carry the name of the test:

| test | what is held back together | what the numbers say |
|---|---|---|
| `random` | rows, of one polygon or block together | how well gaps between samples are filled; flatters where samples lie close |
| `spatial` | places: squares `spatial.blocks` wide, or clusters at most `spatial.clusters` wide | how well the model does where nobody sampled |
| `temporal` | periods: the samples of one date | how well it does in other times |
| `table` | the folds that the table has | what the table's split says |

None of them is the accuracy of a map. A choice of parameters is made anew within each fold, so that tested rows have no part in it. A forest that draws rows
is tested out of bag as well.

**Applicability.** With `applicability: true` the package holds the area of applicability (Meyer and Pebesma 2021) for the folds of the spatial test, or of
the first: pixels unlike all training rows can be told.

**Rows.** Rows without a label, and rows with missing features (`missing: drop`), are left out and counted; `left_out.csv` in the package tells which and why. A block of pixels is a row per pixel, and stays in one fold.
The same table, parameters and seed give the same model; the libraries' models are those of the library's version.

Measured values are named after the test: `$step.MODEL.spatial.balanced_accuracy`.)",
    .inputs = {},
    .outputs = {{"model", "a model package"}}};

struct SpatialFolds {
  double blocks = 0, clusters = 0;

  void declare(workflow::Parameters& parameters) {
    parameters.add("blocks", &blocks, "Width of squares, in the units of the table's places")
        .range(0, 1e9);
    parameters
        .add("clusters", &clusters,
             "Largest extent of clusters (complete linkage), in the units of the table's places")
        .range(0, 1e9);
  }
};

TestKind kind_of(const std::string& validation) {
  if (validation == "random") return TestKind::random_folds;
  if (validation == "spatial") return TestKind::spatial_folds;
  if (validation == "temporal") return TestKind::temporal_folds;
  return TestKind::held_out;
}

class Train : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& p) override {
    p.add("table", &table_, "The table of samples")
        .main()
        .required()
        .meaning(workflow::Meaning::layer);
    p.add("algorithm", &algorithm_, "What to train").choices(learn::algorithm_names());
    p.add("parameters", &parameters_, "Of the algorithm: names and values");
    p.add("grid", &grid_, "Names of parameters and lists of values to choose among");
    p.add("measure", &measure_,
          "What to choose by, and what importance and learning curve tell; by default "
          "balanced_accuracy "
          "of classes, r2 of quantities");
    p.add(
         "quantiles", &quantiles_,
         "Shares whose quantiles of a quantity are predicted, instead of its mean; rising. xgboost")
        .range(0.001, 0.999);
    p.add("validate", &validate_, "How to test")
        .choices({"random", "spatial", "temporal", "table"});
    p.add("folds", &folds_, "How many folds").range(2, 1000);
    p.add("spatial", &spatial_, "What is a place for spatial folds");
    p.add("seed", &seed_, "Of folds, permutations and rows held back").range(0, 9e15);
    p.add("missing", &missing_, "Rows with missing features").choices({"drop", "keep", "refuse"});
    p.add("weighted", &weighted_, "Rows count as the table's weights say");
    p.add("held_back", &held_back_, "Share of rows that early stopping watches").range(0.01, 0.9);
    p.add("permutations", &permutations_,
          "How often each feature is shuffled in each test to tell its importance; 0: never")
        .range(0, 100);
    p.add("learning_curve", &learning_curve_,
          "Shares of the rows to train on, for a learning curve")
        .range(0.001, 1);
    p.add("applicability", &applicability_, "Tell where the model may be applied");
    p.add("applicability_rows", &applicability_rows_,
          "Most training rows that pixels are compared with")
        .range(2, 100'000);
  }

  void set_result_name(const std::string& layer) override { result_ = layer; }
  void check() override {
    check_layer_name("train.as", layer_made());
    if (!validate_.empty()) check_choice("train.validate", validate_);
    const bool spatial = std::count(validate_.begin(), validate_.end(), "spatial") > 0;
    if (spatial && (spatial_.blocks > 0) == (spatial_.clusters > 0))
      throw Error(ErrorCode::invalid, "train.spatial: what is a place?")
          .hint(
              "spatial: {blocks: 20000} or spatial: {clusters: 20000}, in the units of the table's "
              "places");
    if (validate_.empty() && (applicability_ || !learning_curve_.empty() || !grid().is_null()))
      throw Error(ErrorCode::invalid,
                  "train.validate: grid, learning_curve and applicability need a test")
          .hint("validate: [spatial]");
    if (!parameters().is_null() && !parameters().is_object())
      throw Error(ErrorCode::invalid, "train.parameters: they are no map of names and values");
    learn::grid_of(parameters(), grid());
    if (std::adjacent_find(quantiles_.begin(), quantiles_.end(), std::greater_equal<>()) !=
        quantiles_.end())
      throw Error(ErrorCode::invalid, "train.quantiles: they do not rise")
          .hint("quantiles: [0.05, 0.5, 0.95]");
  }
  std::string layer_made() const override { return result_.empty() ? table_ + "_model" : result_; }
  std::vector<std::string> layers_read() const override { return {table_}; }
  bool needs_grid() const override { return false; }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    const auto& info = layers.info(table_);
    workflow::require_kind(info, workflow::LayerKind::table, "train.table");
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::model;
    std::optional<learn::Task> task;
    if (info.table) {
      task = task_of(*info.table);
      check_parameters(*info.table, *task);
      made.model = planned_card(*info.table, *task);
    }
    for (const auto& validation : validate_)
      declare_scores(std::string(learn::short_name(kind_of(validation))), task, !quantiles_.empty(),
                     made.metrics);
    if (algorithm_ == "random_forest")
      declare_scores(std::string(learn::short_name(TestKind::out_of_bag)), task, false,
                     made.metrics);
    return made;
  }

  size_t memory_bytes(const geo::Grid&) const override { return size_t{512} << 20; }

  workflow::Product run(const workflow::TaskContext& context) const override {
    const auto read = table_of_layer(table_, context);
    auto plan = training_plan(read.sha256);
    plan.fingerprint = context.fingerprint;
    auto outcome = learn::train_model(read.table, plan, fit_context(context));
    if (context.notes != nullptr)
      context.notes->insert(context.notes->end(), outcome.notes.begin(), outcome.notes.end());
    const auto path = fmt::format("{}/{}.zip", context.scratch_folder, layer_made());
    learn::write_model_package(path, std::move(outcome.package));
    auto product = file_product(layer_made(), path, ".zip", learn::kModelMediaType);
    product.metrics = metrics_of(outcome.evaluation);
    return product;
  }

 private:
  nlohmann::json parameters() const { return workflow::to_json(parameters_); }
  nlohmann::json grid() const { return workflow::to_json(grid_); }

  static learn::Task task_of(const learn::TableSchema& schema) {
    if (schema.label_type == learn::LabelType::none)
      throw Error(ErrorCode::invalid, "train.table: its samples have no labels")
          .hint("give `sample` a label band or a label column");
    return schema.label_type == learn::LabelType::classes ? learn::Task::classification
                                                          : learn::Task::regression;
  }

  // What a mistyped parameter is told for, before anything runs. Names of classes may be known
  // later only.
  void check_parameters(const learn::TableSchema& schema, learn::Task task) const {
    if (!quantiles_.empty() && task == learn::Task::classification)
      throw Error(ErrorCode::invalid, "train.quantiles: the labels are classes")
          .hint("classes have probabilities: `predict: {outputs: [probabilities]}`");
    learn::Problem problem{.task = task, .features = schema.feature_names()};
    problem.quantiles = quantiles_;
    for (const auto& each : schema.classes) {
      problem.class_values.push_back(each.code);
      problem.class_names.push_back(each.name);
    }
    auto checked = learn::grid_of(parameters(), grid()).front();
    if (problem.class_values.empty()) checked.erase("class_weight");
    learn::make_estimator(algorithm_, problem, checked);
    learn::measure_called(measure_, task);
    if (weighted_ && !schema.weighted)
      throw Error(ErrorCode::invalid, "train.weighted: the table has no weights");
    if (spatial_.blocks + spatial_.clusters > 0 && !schema.located)
      throw Error(ErrorCode::invalid, "train.spatial: the table has no places");
  }

  std::shared_ptr<const learn::ModelCard> planned_card(const learn::TableSchema& schema,
                                                       learn::Task task) const {
    auto card = std::make_shared<learn::ModelCard>();
    card->name = layer_made();
    card->task = task;
    card->method = algorithm_;
    for (const auto& feature : schema.features)
      card->features.push_back(
          {.name = feature.name, .unit = feature.unit, .recipe = feature.recipe});
    if (applicability_) card->applicability = {{"file", learn::kApplicabilityFileName}};
    card->label = schema.label;
    card->label_unit = schema.label_unit;
    card->set_quantiles(quantiles_);
    for (const auto& each : schema.classes)
      card->classes.push_back({.value = each.code, .name = each.name});
    return card;
  }

  learn::TrainingPlan training_plan(const std::string& data_hash) const {
    learn::TrainingPlan plan;
    plan.name = layer_made();
    plan.algorithm = algorithm_;
    plan.parameters = parameters().is_null() ? nlohmann::json::object() : parameters();
    plan.grid = grid();
    plan.measure = measure_;
    plan.quantiles = quantiles_;
    plan.missing = missing_ == "drop"   ? learn::MissingFeatures::drop
                   : missing_ == "keep" ? learn::MissingFeatures::keep
                                        : learn::MissingFeatures::refuse;
    plan.weighted = weighted_;
    plan.held_back_share = held_back_;
    plan.permutations = static_cast<size_t>(permutations_);
    plan.learning_curve = learning_curve_;
    plan.applicability = applicability_;
    plan.applicability_rows = static_cast<size_t>(applicability_rows_);
    plan.seed = static_cast<uint64_t>(seed_);
    plan.data_hash = data_hash;
    for (const auto& validation : validate_)
      plan.validations.push_back(validation_plan(validation));
    return plan;
  }

  learn::ValidationPlan validation_plan(const std::string& validation) const {
    learn::ValidationPlan plan{.kind = kind_of(validation), .table_folds = validation == "table"};
    plan.rule.folds = static_cast<size_t>(folds_);
    plan.rule.seed = static_cast<uint64_t>(seed_);
    if (validation == "temporal") plan.rule.method = learn::SplitMethod::temporal;
    if (validation == "spatial") {
      plan.rule.method =
          spatial_.blocks > 0 ? learn::SplitMethod::blocks : learn::SplitMethod::clusters;
      plan.rule.block_size = spatial_.blocks;
      plan.rule.max_distance = spatial_.clusters;
    }
    return plan;
  }

  static workflow::Metrics metrics_of(const learn::Evaluation& evaluation) {
    workflow::Metrics metrics;
    for (const auto& test : evaluation.tests)
      set_scores(std::string(learn::short_name(test.kind)), test, evaluation.problem, metrics);
    for (const auto& series : evaluation.series) {
      auto& to = metrics.series[series.name];
      for (size_t i = 0; i < series.values.size(); ++i)
        to.steps.push_back(static_cast<int64_t>(i + 1));
      to.values = series.values;
    }
    return metrics;
  }

  std::string table_, result_, algorithm_ = "random_forest", measure_, missing_ = "drop";
  workflow::Value parameters_, grid_;
  std::vector<std::string> validate_{"random"};
  SpatialFolds spatial_;
  int64_t folds_ = 5, seed_ = 42, permutations_ = 0, applicability_rows_ = 10'000;
  bool weighted_ = false, applicability_ = false;
  double held_back_ = 0.2;
  std::vector<double> learning_curve_, quantiles_;
};

}  // namespace

std::unique_ptr<workflow::Op> make_train() {
  return std::make_unique<Train>();
}

}  // namespace geoloom::ops
