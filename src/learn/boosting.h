// SPDX-License-Identifier: Apache-2.0
// Boosted trees by the libraries people trust, through their C interfaces. Parameters go to the
// library as they are given; here is what the wrappers of Python do beside it: the objective of the
// task, class weights, early stopping, numbers after each iteration.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "learn/estimator.h"
#include "learn/estimator_parameters.h"

namespace geoloom::learn {

std::unique_ptr<Estimator> make_lightgbm(const Problem& problem, const nlohmann::json& parameters);
std::unique_ptr<Estimator> make_xgboost(const Problem& problem, const nlohmann::json& parameters);

// What both have in common, and take off the parameters before the library sees them.
struct BoostingPlan {
  size_t iterations = 100;
  // Stop when none of the numbers of the held out rows got better for so many iterations; 0: never.
  size_t patience = 0;
  bool first_number_only = false;
  double least_gain = 0;
  ClassWeights class_weights;

  BoostingPlan(EstimatorParameters& parameters, const Problem& problem);
};

// Watches numbers that should fall or rise, and says when to stop, as the libraries' own callbacks
// do: as soon as one of them has not become better for `patience` iterations.
class EarlyStopping {
 public:
  explicit EarlyStopping(const BoostingPlan& plan) : plan_(plan) {}
  // After an iteration (0, 1, ...): its numbers, and which of them should rise.
  bool should_stop(size_t iteration, std::span<const double> numbers,
                   const std::vector<bool>& rises);
  // How many iterations to keep.
  size_t best_iterations(size_t done) const { return plan_.patience == 0 ? done : stopped_at_; }

 private:
  struct Best {
    double value = 0;
    size_t iteration = 0;
  };

  const BoostingPlan& plan_;
  std::vector<Best> best_;
  size_t stopped_at_ = 0;
};

// A probability per class of what a library gives for two classes: that of the second.
std::vector<double> both_classes(std::span<const double> second);

// The text of a parameter's value as the libraries read it: lists joined by commas.
std::string parameter_text(const std::string& algorithm, const std::string& name,
                           const nlohmann::json& value);

// Names of the features as a library can write them: white space becomes '_'. Empty where a name
// holds a sign that the library has a meaning for, or two would be alike: then the model file names
// no features, and its card does.
std::vector<std::string> writable_names(const Problem& problem, size_t columns,
                                        std::string_view forbidden);

// Shares of the whole.
std::vector<double> as_shares(std::vector<double> numbers);

}  // namespace geoloom::learn
