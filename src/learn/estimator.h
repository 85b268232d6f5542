// SPDX-License-Identifier: Apache-2.0
// A way to learn, and what it has learned: the one form in which training, cross-validation and
// evaluation meet forests, boosted trees and linear models.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "learn/training_data.h"
#include "learn/tree_ensemble.h"

namespace geoloom::learn {

// What the columns and answers of the data are called.
struct Problem {
  Task task = Task::classification;
  std::vector<std::string> features;     // in the order of the columns
  std::vector<int64_t> class_values;     // what class 0, 1, ... is in labels and maps
  std::vector<std::string> class_names;  // as many; "" where unknown
  std::vector<double> quantiles;         // see TrainingData
};

struct FitContext {
  unsigned threads = 1;
  ForEachIndex for_each = in_order;
  std::function<bool()> cancelled;  // may be empty

  // Throws Error(cancelled).
  void check_cancelled() const;
};

// A model as its own library writes it; goes into the model package under this name.
struct ModelFile {
  std::string name;  // "model.txt"
  std::string bytes;
};

// A number after each iteration of training: "training/l2", "held_out/l2".
struct TrainingSeries {
  std::string name;
  std::vector<double> values;
};

class TrainedModel {
 public:
  virtual ~TrainedModel() = default;
  // rows x outputs: probabilities per class, in the order of the classes, or one value. Rows have
  // the columns of the training data.
  virtual std::vector<double> predict(std::span<const float> features,
                                      const FitContext& context) const = 0;
  virtual ModelFile file() const = 0;
  // How much each feature contributed while training, as shares of the whole; all 0 where no
  // feature did.
  virtual std::vector<double> importances() const = 0;

  std::vector<TrainingSeries> series;
  size_t iterations = 0;           // kept in the model: trees, rounds, steps of the solver
  std::vector<double> out_of_bag;  // forests: see Forest::out_of_bag
  std::string library;             // what trained it: "LightGBM", "XGBoost 3.2.0", "Geoloom"
};

class Estimator {
 public:
  virtual ~Estimator() = default;
  virtual bool learns_from_missing() const { return false; }
  // Whether training is stopped by what it comes to on rows held out: fit() wants them then.
  virtual bool stops_early() const { return false; }
  // Throws Error as check() of training data does; cancelled; missing and unavailable as a library
  // that is loaded; invalid with the library's own words. `held_out` may be null.
  virtual std::unique_ptr<TrainedModel> fit(const TrainingData& data, const TrainingData* held_out,
                                            const FitContext& context) const = 0;
};

// random_forest, extra_trees, lightgbm, xgboost, logistic, linear: all but the last are for
// classes, all but `logistic` for quantities.
const std::vector<std::string>& algorithm_names();
// `parameters` is an object: names of the algorithm's own parameters, or those that scikit-learn
// and the libraries' wrappers have for them. Throws Error(invalid) for unknown algorithms and
// parameters (with the nearest name) and values that cannot be.
std::unique_ptr<Estimator> make_estimator(const std::string& algorithm, const Problem& problem,
                                          const nlohmann::json& parameters);

}  // namespace geoloom::learn
