// SPDX-License-Identifier: Apache-2.0
// How good a model is, told so that it cannot be mistaken for something else: each set of numbers
// carries the kind of test it comes from and what that kind says. As JSON, and as one page that
// needs no network.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "learn/applicability.h"
#include "learn/cross_validation.h"
#include "learn/estimator.h"

namespace geoloom::learn {

inline constexpr int kEvaluationVersion = 1;

// Where tested rows come from decides what a number means.
enum class TestKind {
  random_folds,    // rows drawn at random: how well gaps between samples are filled
  spatial_folds,   // places held back together: how well the model does where nobody sampled
  temporal_folds,  // times held back together: how well the model does in other years
  held_out,        // folds of another rule, or of unknown origin
  out_of_bag,      // rows that a forest's trees had not drawn: as random folds, a little low
  other_table,     // a table the model has not seen
};
// "random cross-validation", "spatial cross-validation", ...
std::string_view name(TestKind kind);
// A short form for names of metrics: "random", "spatial", ...
std::string_view short_name(TestKind kind);
// What the numbers say and what not, in a sentence for people.
std::string_view meaning(TestKind kind);

struct Test {
  TestKind kind = TestKind::held_out;
  std::string described;  // how rows were split, or which table it is: "7 folds: clusters ..."
  size_t rows = 0;        // tested
  ClassificationScores classes;
  RegressionScores quantities;
  std::vector<FoldResult> folds;                         // may be empty
  std::vector<double> importance, importance_deviation;  // by permutation; may be empty
  std::vector<float> truth, predicted;  // of quantities: some of the rows, for a plot
};
// Of a cross-validation of these data.
Test test_of(TestKind kind, std::string described, const TrainingData& data,
             const CrossValidation& result);
// Of predictions (rows x outputs); rows that are NaN were not tested.
Test test_of(TestKind kind, std::string described, const TrainingData& data,
             std::span<const double> predictions);

struct Evaluation {
  std::string model;      // its name
  std::string algorithm;  // and library
  Problem problem;
  nlohmann::json parameters;
  size_t rows = 0;  // trained on
  std::vector<Test> tests;
  std::vector<double> importances;  // while training, shares
  std::vector<TrainingSeries> series;
  std::optional<LearningCurve> learning_curve;
  std::string measure;  // of the learning curve, of importance and of choices
  std::optional<Applicability> applicability;
  std::vector<std::string> notes;
};

// {"geoloom_evaluation": 1, "tests": [{"kind", "meaning", "scores", "confusion", ...}], ...}.
// Numbers that are not finite are null; curves have at most 400 points.
nlohmann::ordered_json to_json(const Evaluation& evaluation);
nlohmann::ordered_json to_json(const Test& test, const Problem& problem);  // one of "tests"
// One page of HTML with tables and plots of that JSON; loads nothing.
std::string evaluation_page(const nlohmann::ordered_json& evaluation);

// The metrics of one entry of "tests" under the names of Kubeflow Pipelines: "metrics" (numbers),
// and of classes "confusionMatrix" {annotationSpecs, rows} and, of two, "confidenceMetrics"
// [{confidenceThreshold, recall, falsePositiveRate}].
nlohmann::ordered_json kubeflow_metrics(const nlohmann::ordered_json& test);

}  // namespace geoloom::learn
