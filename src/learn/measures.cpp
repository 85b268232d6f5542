// SPDX-License-Identifier: Apache-2.0
#include "learn/measures.h"

#include <fmt/format.h>

#include <cmath>

#include "error/error.h"
#include "error/spelling.h"
#include "learn/scores.h"

namespace geoloom::learn {
namespace {

const std::vector<Measure>& all_measures() {
  static const std::vector<Measure> all{{"balanced_accuracy", Task::classification, true},
                                        {"overall_accuracy", Task::classification, true},
                                        {"kappa", Task::classification, true},
                                        {"f1", Task::classification, true},
                                        {"auc", Task::classification, true},
                                        {"average_precision", Task::classification, true},
                                        {"log_loss", Task::classification, false},
                                        {"brier", Task::classification, false},
                                        {"r2", Task::regression, true},
                                        {"rmse", Task::regression, false},
                                        {"mae", Task::regression, false},
                                        {"mse", Task::regression, false}};
  return all;
}

double of_classes(const std::string& name, const ClassificationScores& scores) {
  if (name == "overall_accuracy") return scores.overall_accuracy;
  if (name == "kappa") return scores.kappa;
  if (name == "f1") return scores.macro.f1;
  if (name == "auc") return scores.auc;
  if (name == "average_precision") return scores.average_precision;
  if (name == "log_loss") return scores.log_loss;
  if (name == "brier") return scores.brier;
  return scores.balanced_accuracy;
}

double of_quantities(const std::string& name, const RegressionScores& scores) {
  if (name == "rmse") return scores.rmse;
  if (name == "mae") return scores.mae;
  if (name == "mse") return scores.mse;
  return scores.r2;
}

}  // namespace

double Measure::of(const TrainingData& data, std::span<const double> predictions) const {
  if (task == Task::regression)
    return of_quantities(
        name, regression_scores(data.targets, predictions, data.weights, data.quantiles));
  return of_classes(
      name, classification_scores(data.classes, predictions, data.class_count, data.weights));
}

bool Measure::better(double a, double b) const {
  if (std::isnan(a)) return false;
  if (std::isnan(b)) return true;
  return larger_is_better ? a > b : a < b;
}

Measure measure_called(const std::string& name, Task task) {
  std::vector<std::string> known;
  for (const auto& measure : all_measures()) {
    if (measure.task != task) continue;
    if (name.empty() || name == measure.name) return measure;
    known.push_back(measure.name);
  }
  throw Error(ErrorCode::invalid,
              fmt::format("'{}' is no measure of {}", name,
                          task == Task::classification ? "classes" : "quantities"))
      .hint(spelling_hint(name, known));
}

}  // namespace geoloom::learn
