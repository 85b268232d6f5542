// SPDX-License-Identifier: Apache-2.0
// Random forests (Breiman 2001) and extremely randomised trees (Geurts, Ernst and Wehenkel 2006),
// trained here: no library of a licence as free as ours grows them from C++. Trees are grown as
// scikit-learn's are: depth first, exact best splits (the halfway point between two values), leaves
// that hold shares of classes or a mean; a prediction is the mean over trees.
//
// Every tree draws from a generator of its own, made of the seed and the tree's number, so that the
// forest does not depend on threads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "learn/training_data.h"
#include "learn/tree_ensemble.h"

namespace geoloom::learn {

enum class ForestKind {
  random_forest,  // the best split of each feature drawn; rows drawn with replacement
  extra_trees,    // a random split of each feature drawn
};

enum class SplitCriterion { gini, entropy, squared_error };

// How many features are looked at for a split: "sqrt", "log2", "all", a whole number of at least 1,
// or a share of them, above 0 and below 1 (1.0 means all).
class FeatureLimit {
 public:
  FeatureLimit() = default;
  // Throws Error(invalid).
  static FeatureLimit parsed(std::string_view text);
  // At least 1, at most `columns`.
  size_t of(size_t columns) const;

 private:
  enum class Rule { square_root, logarithm, share, number };
  Rule rule_ = Rule::square_root;
  double amount_ = 0;
};

struct ForestParameters {
  ForestKind kind = ForestKind::random_forest;
  SplitCriterion criterion = SplitCriterion::gini;
  size_t trees = 100;
  FeatureLimit max_features;
  size_t max_depth = 0;          // 0: no limit
  size_t min_samples_split = 2;  // rows a node needs to be split
  size_t min_samples_leaf = 1;   // rows on either side of a split
  double min_impurity_decrease = 0;
  bool bootstrap = true;   // draw rows with replacement for each tree
  double max_samples = 1;  // share of rows drawn
  uint64_t seed = 1;
};

// Node 0 is the root; children stand behind their parent. A row goes left when its value of
// `feature` is at most `threshold`.
struct ForestNode {
  int32_t feature = -1;  // -1: a leaf
  uint32_t left = 0;
  uint32_t right = 0;  // of a leaf: which row of values
  double threshold = 0;
};

struct ForestTree {
  std::vector<ForestNode> nodes;
  std::vector<double> values;  // rows of outputs: shares of classes that sum to 1, or a mean
};

struct Forest {
  size_t columns = 0;
  size_t outputs = 0;
  std::vector<ForestTree> trees;
  // Share of each feature in the decrease of impurity, of all trees alike; sums to 1, or all 0.
  std::vector<double> importances;
  // Per row the mean over the trees that did not draw it, rows x outputs; NaN where all drew it.
  // Empty without bootstrap.
  std::vector<double> out_of_bag;

  // rows x outputs; features as in training, none of them NaN.
  std::vector<double> predict(std::span<const float> features,
                              const ForEachIndex& for_each = in_order) const;
};

// Throws Error as check() of training data does (missing values are not allowed), and
// Error(invalid) for parameters that cannot be. Memory: 4 bytes per feature and row, and 30 per row
// and thread, beside the trees.
Forest train_forest(const TrainingData& data, const ForestParameters& parameters,
                    const ForEachIndex& for_each = in_order);

// The same trees for prediction. Names of features, values and names of classes are left to the
// caller: training knows none.
TreeEnsemble ensemble_of(const Forest& forest, Task task);

}  // namespace geoloom::learn
