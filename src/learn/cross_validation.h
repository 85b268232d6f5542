// SPDX-License-Identifier: Apache-2.0
// How well a way to learn does on rows it has not seen. Which rows are held back together decides
// what the number means, and it is not chosen here: folds drawn at random say how well gaps between
// samples are filled; folds of places say how well the model does where nobody sampled. Neither is
// the accuracy of a map, which needs a probability sample of the map itself.
//
// Every row of fold k is predicted once, by a model trained on all rows that are not in fold k;
// rows without a fold (negative) are only trained on.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "learn/estimator.h"
#include "learn/measures.h"
#include "learn/scores.h"

namespace geoloom::learn {

// Rows that training keeps back to know when to stop (early stopping); not for the final numbers.
struct HoldBack {
  double share = 0.2;
  std::span<const int64_t> groups;  // per row; rows of one group stay together. Negative: none
  uint64_t seed = 1;
};

// Trains, with rows held back where the estimator stops early.
std::unique_ptr<TrainedModel> fit_holding_back(const Estimator& estimator, const TrainingData& data,
                                               const HoldBack& hold_back,
                                               const FitContext& context);

struct FoldResult {
  int32_t fold = 0;
  size_t trained_rows = 0, tested_rows = 0;
  nlohmann::json parameters;  // chosen for this fold where it was tuned
  ClassificationScores classes;
  RegressionScores quantities;
  std::vector<double> permutation_importance;  // on its tested rows, where asked for
};

struct CrossValidation {
  std::vector<double> predictions;  // rows x outputs; NaN for rows without a fold
  std::vector<FoldResult> folds;    // by number
  // Of all predictions together: every row counts once, whatever the size of its fold.
  ClassificationScores classes;
  RegressionScores quantities;

  // Per feature the mean over folds of what the measure loses, and its standard deviation.
  std::vector<double> importance, importance_deviation;
};

// Ways to learn that differ in parameters, to choose among.
struct Candidates {
  std::string algorithm;
  Problem problem;
  std::vector<nlohmann::json> parameters;  // at least one
  Measure measure;                         // by which to choose
};

// All combinations of the lists in `grid` ({"max_depth": [4, 8], "criterion": ["gini"]}), each with
// the values of `fixed` beside them; the last name changes quickest. At most 10 000. Throws
// Error(invalid) for empty lists and more combinations.
std::vector<nlohmann::json> grid_of(const nlohmann::json& fixed, const nlohmann::json& grid);

struct Choice {
  size_t best = 0;
  std::vector<double> scores;  // of each candidate, over all folds; NaN: could not be said
};
// The candidate whose predictions of the folds are best, the first of equals. One candidate is
// chosen unseen.
Choice choose(const Candidates& candidates, const TrainingData& data,
              std::span<const int32_t> folds, const HoldBack& hold_back, const FitContext& context);

struct ValidationSettings {
  HoldBack hold_back;
  // Where set: how much the measure loses when a feature's values are shuffled (Breiman 2001), in
  // the tested rows of each fold, so many times.
  size_t permutations = 0;
};

// With several candidates the choice is nested: it is made anew for each fold, by cross-validation
// over the other folds, so that the tested rows have no part in it. Throws Error(invalid) where
// fewer than two folds have rows, and with the fold's number where it cannot be trained.
CrossValidation cross_validate(const Candidates& candidates, const TrainingData& data,
                               std::span<const int32_t> folds, const ValidationSettings& settings,
                               const FitContext& context);

// What the measure loses on these rows when the values of each feature are shuffled, the mean of
// `repeats` times; positive: the feature matters. Seeded.
std::vector<double> permutation_importance(const TrainedModel& model, const TrainingData& data,
                                           const Measure& measure, size_t repeats, uint64_t seed,
                                           const FitContext& context);

// How the measure grows with the number of training rows: for each share, in each fold, a model is
// trained on that share of its rows (the smaller sets are part of the larger ones).
struct LearningCurve {
  std::vector<double> shares;
  std::vector<size_t> rows;             // trained on, mean over folds
  std::vector<double> trained, tested;  // the measure, on rows trained on and of the folds
};
LearningCurve learning_curve(const Candidates& candidates, const TrainingData& data,
                             std::span<const int32_t> folds, std::span<const double> shares,
                             const HoldBack& hold_back, const FitContext& context);

}  // namespace geoloom::learn
