// SPDX-License-Identifier: Apache-2.0
// How good a model is, as a page for people and as numbers for the workflow.
#include <fmt/format.h>

#include <fstream>

#include "learn/training_run.h"
#include "ops/export/profile.h"
#include "ops/learn/learn_layers.h"

namespace geoloom::ops {
namespace {

const workflow::OpDescription kDescription{
    .name = "evaluate",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "Show how good a model is, and test it with another table",
    .documentation =
        R"(Makes one page of HTML that needs no network: the tests that `train` made, each with what it says and what not, confusion matrices, ROC and
precision-recall curves, calibration, importance of features, the course of training, the area of applicability.

With `table`, the model predicts the labelled samples of that table, and the numbers stand beside the others as `another table`. Features are found by their
names, and have to be made as those it was trained on, where both know that (`recipe: any` takes others too); samples of classes that the model does not know are left out. They should be samples that the model has not seen. What the numbers say depends on how the
samples were drawn: only a probability sample of the finished map tells the map's accuracy.

Of the other table the numbers are measured too: `$step.PAGE.test.overall_accuracy`.)",
    .inputs = {},
    .outputs = {{"page", "HTML"}}};

class Evaluate : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& p) override {
    p.add("model", &model_, "The model").main().required().meaning(workflow::Meaning::layer);
    p.add("table", &table_, "Labelled samples that the model has not seen")
        .meaning(workflow::Meaning::layer);
    p.add("recipe", &recipe_,
          "Features made as those that the model was trained on, or any of their names")
        .choices({"same", "any"})
        .not_identity();
  }

  void set_result_name(const std::string& layer) override { result_ = layer; }
  void check() override { check_layer_name("evaluate.as", layer_made()); }
  std::string layer_made() const override {
    return result_.empty() ? model_ + "_evaluation" : result_;
  }
  std::vector<std::string> layers_read() const override {
    if (table_) return {model_, *table_};
    return {model_};
  }
  bool needs_grid() const override { return false; }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    const auto& info = layers.info(model_);
    workflow::require_kind(info, workflow::LayerKind::model, "evaluate.model");
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::page;
    if (!table_) return made;
    const auto& table = layers.info(*table_);
    workflow::require_kind(table, workflow::LayerKind::table, "evaluate.table");
    std::optional<learn::Task> task;
    if (info.model) task = info.model->task;
    if (info.model && table.table) {
      const auto places = learn::find_features(*info.model, table.table->feature_names(), model_);
      if (recipe_ == "same")
        learn::require_recipes(*info.model, places, table.table->feature_recipes(), model_);
    }
    declare_scores("test", task, info.model && !info.model->quantiles.empty(), made.metrics);
    return made;
  }

  size_t memory_bytes(const geo::Grid&) const override { return size_t{512} << 20; }

  workflow::Product run(const workflow::TaskContext& context) const override {
    auto package = learn::read_model_package(file_of_layer(model_, context));
    auto evaluation = stored_evaluation(package);
    workflow::Metrics metrics;
    if (table_) {
      const learn::Model model(std::move(package), model_);
      const auto read = table_of_layer(*table_, context);
      const auto problem = problem_of(model.card());
      const auto test =
          learn::tested_model(model, read.table, *table_, fit_context(context), recipe_ == "any");
      evaluation["tests"].push_back(learn::to_json(test, problem));
      set_scores("test", test, problem, metrics);
    }
    const auto path = fmt::format("{}/{}.html", context.scratch_folder, layer_made());
    std::ofstream file(path, std::ios::binary);
    file << learn::evaluation_page(evaluation);
    file.close();
    if (!file)
      throw Error(ErrorCode::resource, fmt::format("cannot write {}", path))
          .hint("is the disk full?");
    auto product = file_product(layer_made(), path, ".html", "text/html");
    if (table_) product.metrics = std::move(metrics);
    return product;
  }

 private:
  static learn::Problem problem_of(const learn::ModelCard& card) {
    learn::Problem problem{.task = card.task, .features = card.feature_names()};
    problem.quantiles = card.quantiles;
    for (const auto& each : card.classes) {
      problem.class_values.push_back(each.value);
      problem.class_names.push_back(each.name);
    }
    return problem;
  }

  // Models of other programs have none: what their card tells is all there is.
  static nlohmann::ordered_json stored_evaluation(const learn::ModelPackage& package) {
    const auto& card = package.card;
    if (const auto found = package.extra.find(learn::kEvaluationFileName);
        found != package.extra.end()) {
      auto stored = nlohmann::ordered_json::parse(found->second, nullptr, false);
      if (stored.is_object() && stored.value("geoloom_evaluation", 0) == learn::kEvaluationVersion)
        return stored;
    }
    learn::Evaluation evaluation;
    evaluation.model = card.name;
    evaluation.algorithm = card.method;
    evaluation.problem = problem_of(card);
    evaluation.parameters = card.parameters;
    evaluation.rows = card.samples;
    evaluation.notes.emplace_back("the model does not tell how it was tested");
    return learn::to_json(evaluation);
  }

  std::string model_, result_, recipe_ = "same";
  std::optional<std::string> table_;
};

}  // namespace

std::unique_ptr<workflow::Op> make_evaluate() {
  return std::make_unique<Evaluate>();
}

}  // namespace geoloom::ops
