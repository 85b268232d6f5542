// SPDX-License-Identifier: Apache-2.0
// From a table of samples to a model in its package, tested in the ways that were asked for: the
// whole of what the op `train` does, without a workflow.
#pragma once

#include <string>
#include <vector>

#include "learn/evaluation.h"
#include "learn/model_package.h"
#include "learn/sample_table.h"
#include "learn/splits.h"

namespace geoloom::learn {

inline constexpr const char* kEvaluationFileName = "evaluation.json";
// The same numbers under the names of Kubeflow Pipelines, by kind of test.
inline constexpr const char* kKubeflowFileName = "kubeflow.json";
// CSV of the samples that were not learned from, where there are any: see left_out_csv().
inline constexpr const char* kLeftOutFileName = "left_out.csv";

// A row of the table (a pixel of a block) that cannot be learned from.
struct LeftOutRow {
  size_t sample = 0, at = 0;  // row of the table; its place among all pixels of all rows
  bool labelled = false;      // then features are missing
};

// Rows that can be learned from, and what they are called. A block of pixels is a row per pixel,
// and its pixels are one group, so that no split parts them.
struct LearnableRows {
  size_t columns = 0, class_count = 0;
  std::vector<float> features;
  std::vector<int32_t> classes;
  std::vector<double> targets, weights;  // weights: empty where not asked for
  std::vector<int64_t> groups;
  std::vector<int32_t> folds;  // of the table; empty without
  std::vector<double> x, y;    // empty where the table has none
  std::vector<int64_t> dates;
  Problem problem;
  size_t unlabelled = 0, incomplete = 0;  // rows left out
  std::vector<LeftOutRow> left_out;       // the same one by one, the first kMostLeftOut of them
  static constexpr size_t kMostLeftOut = 100'000;

  TrainingData view() const;
};

enum class MissingFeatures {
  drop,    // rows with a missing feature are left out, and counted
  keep,    // for algorithms that learn from them
  refuse,  // an error
};

// Without `classes` those that rows have are taken, by rising code; with them, rows of other
// classes are left out as unlabelled: a model's classes, for a table it is tested with. Throws
// Error(invalid) where labels are absent, and as MissingFeatures says.
LearnableRows learnable_rows(const SampleTable& table, MissingFeatures missing, bool weighted,
                             const std::vector<int64_t>& classes = {});

// A line for each: sample (row of the table, from 0), item, x and y and group where the table has
// them, reason: "no label", or "no " and the features that are missing.
std::string left_out_csv(const SampleTable& table, const std::vector<LeftOutRow>& rows);

struct ValidationPlan {
  TestKind kind = TestKind::random_folds;
  bool table_folds = false;  // those the table has, instead of the rule
  SplitRule rule;
};

struct TrainingPlan {
  std::string name;  // of the model
  std::string algorithm = "random_forest";
  nlohmann::json parameters = nlohmann::json::object();
  nlohmann::json grid;            // lists of values to choose among; null: none
  std::string measure;            // to choose by; empty: see measure_called()
  std::vector<double> quantiles;  // of a quantity, instead of its mean
  std::vector<ValidationPlan> validations;
  MissingFeatures missing = MissingFeatures::drop;
  bool weighted = false;               // by the table's weights
  double held_back_share = 0.2;        // of rows, for early stopping
  size_t permutations = 0;             // of each feature, in each validation
  std::vector<double> learning_curve;  // shares of the rows; by the first validation
  bool applicability = false;
  size_t applicability_rows = 10'000;
  uint64_t seed = 42;
  std::string data_hash;    // of the table's file
  std::string fingerprint;  // of the training, for the card
};

struct TrainingOutcome {
  ModelPackage package;  // with evaluation.json, and applicability.safetensors where asked for
  Evaluation evaluation;
  std::vector<std::string> notes;  // for people: rows left out, what was chosen
};

// Parameters of a grid are chosen by the folds of spatial validation where there is one, else of
// the first; what the validations report is nested, so that the choice has no part in it. Throws
// Error as its parts do.
TrainingOutcome train_model(const SampleTable& table, const TrainingPlan& plan,
                            const FitContext& context);

// How well a finished model predicts the rows of a table. Throws as find_features() and, without
// `any_recipe`, require_recipes() do.
Test tested_model(const Model& model, const SampleTable& table, const std::string& described,
                  const FitContext& context, bool any_recipe = false);

}  // namespace geoloom::learn
