// SPDX-License-Identifier: Apache-2.0
// Single numbers to choose and compare by, and which way is better.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "learn/training_data.h"
#include "learn/tree_ensemble.h"

namespace geoloom::learn {

struct Measure {
  std::string name;  // as in scores: "balanced_accuracy", "rmse"
  Task task = Task::classification;
  bool larger_is_better = true;

  // Of predictions (rows x outputs) of the data's rows, with their weights. Rows whose prediction
  // is NaN are left out; NaN where it cannot be said.
  double of(const TrainingData& data, std::span<const double> predictions) const;
  // Whether a is better than b; anything is better than NaN.
  bool better(double a, double b) const;
};

// For classes: balanced_accuracy, overall_accuracy, kappa, f1 (mean over classes), auc,
// average_precision, log_loss, brier. For quantities: r2, rmse, mae, mse. The first of each is what
// is taken where nothing is said ("").
// Throws Error(invalid) for other names.
Measure measure_called(const std::string& name, Task task);

}  // namespace geoloom::learn
