// SPDX-License-Identifier: Apache-2.0
#include "learn/estimator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error/error.h"
#include "error/spelling.h"
#include "learn/boosting.h"
#include "learn/estimator_parameters.h"
#include "learn/forest.h"
#include "learn/forest_file.h"
#include "learn/linear_model.h"

namespace geoloom::learn {
namespace {

// What the problem calls them, where the model has as many.
template <class Model>
void take_names(const Problem& problem, size_t columns, Model& model) {
  if (problem.features.size() == columns) model.features = problem.features;
  if (problem.class_values.size() != model.class_values.size()) return;
  model.class_values = problem.class_values;
  model.class_names = problem.class_names;
  model.class_names.resize(model.class_values.size());
}

class ForestModel : public TrainedModel {
 public:
  ForestModel(Forest forest, const Problem& problem)
      : forest_(std::move(forest)), problem_(problem) {
    library = "Geoloom";
    iterations = forest_.trees.size();
    out_of_bag = std::move(forest_.out_of_bag);
  }
  std::vector<double> predict(std::span<const float> features,
                              const FitContext& context) const override {
    return forest_.predict(features, context.for_each);
  }
  ModelFile file() const override {
    auto ensemble = ensemble_of(forest_, problem_.task);
    take_names(problem_, ensemble.features.size(), ensemble);
    return {kForestFileName, forest_file_bytes(ensemble)};
  }
  std::vector<double> importances() const override { return forest_.importances; }

 private:
  Forest forest_;
  Problem problem_;
};

// An algorithm of this program: it learns from complete rows, with weights of classes.
class OwnEstimator : public Estimator {
 public:
  std::unique_ptr<TrainedModel> fit(const TrainingData& data, const TrainingData*,
                                    const FitContext& context) const final {
    context.check_cancelled();
    check(data, false, problem_.features);
    const auto weights = class_weights_.of(data);
    auto weighted = data;
    weighted.weights = weights;
    return train(weighted, context);
  }

 protected:
  OwnEstimator(const std::string& algorithm, const Problem& problem,
               const nlohmann::json& parameters)
      : problem_(problem), reader_(algorithm, parameters), class_weights_(reader_, problem) {}
  virtual std::unique_ptr<TrainedModel> train(const TrainingData& data,
                                              const FitContext& context) const = 0;
  const Problem& problem() const { return problem_; }
  EstimatorParameters& reader() { return reader_; }

 private:
  Problem problem_;
  EstimatorParameters reader_;
  ClassWeights class_weights_;
};

class ForestEstimator : public OwnEstimator {
 public:
  ForestEstimator(ForestKind kind, const std::string& algorithm, const Problem& problem,
                  const nlohmann::json& parameters)
      : OwnEstimator(algorithm, problem, parameters) {
    parameters_.kind = kind;
    read(reader());
    reader().ignore({"n_jobs", "oob_score", "verbose"});
    reader().finish();
  }

 private:
  std::unique_ptr<TrainedModel> train(const TrainingData& data,
                                      const FitContext& context) const override {
    return std::make_unique<ForestModel>(train_forest(data, parameters_, context.for_each),
                                         problem());
  }
  void read(EstimatorParameters& reader) {
    const bool classes = problem().task == Task::classification;
    const auto criterion = reader.text({"criterion"}, classes ? "gini" : "squared_error");
    if (criterion == "gini")
      parameters_.criterion = SplitCriterion::gini;
    else if (criterion == "entropy" || criterion == "log_loss")
      parameters_.criterion = SplitCriterion::entropy;
    else if (criterion == "squared_error" || criterion == "mse")
      parameters_.criterion = SplitCriterion::squared_error;
    else
      throw reader.error("criterion", fmt::format("is '{}'", criterion))
          .hint("gini and entropy for classes, squared_error for quantities");
    if (classes == (parameters_.criterion == SplitCriterion::squared_error))
      throw reader.error("criterion", fmt::format("{} does not fit the label", criterion))
          .hint("gini and entropy are for classes, squared_error is for quantities");
    parameters_.trees = reader.whole({"trees", "n_estimators"}, 100, 1);
    parameters_.max_depth = reader.whole({"max_depth"}, 0);
    parameters_.min_samples_split = reader.whole({"min_samples_split"}, 2, 2);
    parameters_.min_samples_leaf = reader.whole({"min_samples_leaf"}, 1, 1);
    parameters_.min_impurity_decrease = reader.number({"min_impurity_decrease"}, 0, 0);
    parameters_.bootstrap =
        reader.truth({"bootstrap"}, parameters_.kind == ForestKind::random_forest);
    parameters_.max_samples = reader.number({"max_samples"}, 1, 0);
    parameters_.seed = reader.seed(1);
    parameters_.max_features = FeatureLimit::parsed(classes ? "sqrt" : "all");
    if (const auto value = reader.any({"max_features"}))
      parameters_.max_features =
          FeatureLimit::parsed(value->is_string() ? value->get<std::string>() : value->dump());
  }

  ForestParameters parameters_;
};

class LinearTrained : public TrainedModel {
 public:
  LinearTrained(LinearFit fit, const Problem& problem) : model_(std::move(fit.model)) {
    library = "Geoloom";
    iterations = fit.steps;
    take_names(problem, model_.columns(), model_);
  }
  std::vector<double> predict(std::span<const float> features, const FitContext&) const override {
    return model_.predict(features);
  }
  ModelFile file() const override { return {kLinearFileName, to_json(model_).dump(1)}; }
  // Coefficients of standardised features, without their signs.
  std::vector<double> importances() const override {
    std::vector<double> sizes(model_.columns(), 0);
    for (size_t i = 0; i < model_.coefficients.size(); ++i)
      sizes[i % sizes.size()] += std::fabs(model_.coefficients[i]);
    return as_shares(std::move(sizes));
  }

 private:
  LinearModel model_;
};

class LogisticEstimator : public OwnEstimator {
 public:
  LogisticEstimator(const Problem& problem, const nlohmann::json& parameters)
      : OwnEstimator("logistic", problem, parameters) {
    if (problem.task != Task::classification)
      throw Error(ErrorCode::invalid, "logistic: it is for classes, and the label is a quantity")
          .hint("linear is its counterpart");
    parameters_.c = reader().number({"C"}, 1, 1e-300);
    const auto penalty = reader().text({"penalty"}, "l2");
    if (penalty != "l2" && penalty != "none")
      throw reader().error("penalty", fmt::format("is '{}'", penalty)).hint("l2 or none");
    parameters_.penalised = penalty == "l2";
    parameters_.intercept = reader().truth({"intercept", "fit_intercept"}, true);
    parameters_.most_steps = reader().whole({"max_iter"}, 100, 1);
    reader().ignore({"n_jobs", "verbose", "seed", "random_state"});
    reader().finish();
  }

 private:
  std::unique_ptr<TrainedModel> train(const TrainingData& data,
                                      const FitContext& context) const override {
    return std::make_unique<LinearTrained>(fit_logistic(data, parameters_, context.for_each),
                                           problem());
  }

  LogisticParameters parameters_;
};

class LinearEstimator : public OwnEstimator {
 public:
  LinearEstimator(const Problem& problem, const nlohmann::json& parameters)
      : OwnEstimator("linear", problem, parameters) {
    if (problem.task != Task::regression)
      throw Error(ErrorCode::invalid, "linear: it is for quantities, and the label is a class")
          .hint("logistic is its counterpart");
    alpha_ = reader().number({"alpha"}, 0, 0);
    intercept_ = reader().truth({"intercept", "fit_intercept"}, true);
    reader().ignore({"n_jobs", "verbose", "seed", "random_state"});
    reader().finish();
  }

 private:
  std::unique_ptr<TrainedModel> train(const TrainingData& data, const FitContext&) const override {
    return std::make_unique<LinearTrained>(fit_linear(data, alpha_, intercept_), problem());
  }

  double alpha_ = 0;
  bool intercept_ = true;
};

}  // namespace

void FitContext::check_cancelled() const {
  if (cancelled && cancelled()) throw Error(ErrorCode::cancelled, "training was cancelled");
}

const std::vector<std::string>& algorithm_names() {
  static const std::vector<std::string> names{"random_forest", "extra_trees", "lightgbm",
                                              "xgboost",       "logistic",    "linear"};
  return names;
}

std::unique_ptr<Estimator> make_estimator(const std::string& algorithm, const Problem& problem,
                                          const nlohmann::json& parameters) {
  if (!problem.quantiles.empty() && algorithm != "xgboost")
    throw Error(ErrorCode::invalid, fmt::format("{} does not learn quantiles", algorithm))
        .hint("xgboost does");
  if (algorithm == "random_forest" || algorithm == "extra_trees")
    return std::make_unique<ForestEstimator>(
        algorithm == "random_forest" ? ForestKind::random_forest : ForestKind::extra_trees,
        algorithm, problem, parameters);
  if (algorithm == "lightgbm") return make_lightgbm(problem, parameters);
  if (algorithm == "xgboost") return make_xgboost(problem, parameters);
  if (algorithm == "logistic") return std::make_unique<LogisticEstimator>(problem, parameters);
  if (algorithm == "linear") return std::make_unique<LinearEstimator>(problem, parameters);
  throw Error(ErrorCode::invalid, fmt::format("'{}' is no algorithm to train with", algorithm))
      .hint(spelling_hint(algorithm, algorithm_names()));
}

}  // namespace geoloom::learn
