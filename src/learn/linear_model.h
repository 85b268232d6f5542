// SPDX-License-Identifier: Apache-2.0
// Logistic and linear regression: the baselines that a forest has to beat. Features are
// standardised inside (mean 0, standard deviation 1 over the training rows), so that one penalty
// fits all units; the model file holds both, and predicts from features as they are.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "learn/training_data.h"
#include "learn/tree_ensemble.h"

namespace geoloom::learn {

inline constexpr int kLinearModelVersion = 1;  // of the file

struct LinearModel {
  Task task = Task::regression;
  std::vector<std::string> features;  // in the order of the columns; "" where unknown
  std::vector<int64_t> class_values;  // of a classification, in the order of probabilities
  std::vector<std::string> class_names;
  std::vector<double> means, deviations;  // per feature; deviations of constant features are 1
  // One row per sum: one for a quantity and for two classes (the second's), else one per class.
  std::vector<double> coefficients;  // of standardised features
  std::vector<double> intercepts;

  size_t columns() const { return means.size(); }
  size_t outputs() const { return task == Task::classification ? class_values.size() : 1; }
  // rows x outputs: probabilities (logistic or softmax) or values. NaN where a feature is. The same
  // on every machine.
  std::vector<double> predict(std::span<const float> features_of_rows) const;
};

struct LogisticParameters {
  double c = 1;  // inverse strength of the penalty |coefficients|^2 / 2, as scikit-learn's C
  bool penalised = true;
  bool intercept = true;
  size_t most_steps = 100;
};

struct LinearFit {
  LinearModel model;
  size_t steps = 0;       // of Newton's method
  bool converged = true;  // no slope above 1e-9 of the rows' weights is left
};

// Maximum likelihood with the penalty, by Newton's method with conjugate gradients (Lin, Weng and
// Keerthi 2008, "Trust region Newton method for large-scale logistic regression", with a line
// search in place of the trust region, which a convex function allows). Two classes have one
// logistic function, more a softmax.
LinearFit fit_logistic(const TrainingData& data, const LogisticParameters& parameters,
                       const ForEachIndex& for_each = in_order);

// Least squares plus alpha |coefficients|^2, by the normal equations. Throws Error(invalid) where
// alpha is 0 and features depend on each other.
LinearFit fit_linear(const TrainingData& data, double alpha, bool intercept = true);

nlohmann::json to_json(const LinearModel& model);
// Throws Error(corrupt) where it is none.
LinearModel linear_model_from_json(const nlohmann::json& json, const std::string& file);

}  // namespace geoloom::learn
