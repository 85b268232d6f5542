// SPDX-License-Identifier: Apache-2.0
// Trees as their library trained them: what the readers of model files and our own training fill,
// and what prediction is made from. Nothing is rounded here: thresholds and leaf values are kept
// as the library has them, together with how it compares, what it does with missing values and in
// which precision it sums, so that its results can be repeated exactly.
//
// One pixel is a row of float32 features; NaN is a missing one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace geoloom::learn {

// When a value x goes left at a threshold t. Both are compared as doubles, which is exact.
enum class Comparison : uint8_t {
  less_equal,  // x <= t: scikit-learn, LightGBM, ONNX's BRANCH_LEQ
  less,        // x < t: XGBoost
};

// Which values are missing at a node. Missing ones go where `missing_left` says.
enum class MissingRule : uint8_t {
  nan,          // NaN: scikit-learn, XGBoost, LightGBM's missing type "nan"
  nan_or_zero,  // NaN and |x| <= 1e-35: LightGBM's "zero"
  nan_is_zero,  // NaN is compared as 0: LightGBM's "none"
};

// A leaf has `feature` -1 and names its row of leaf values; an inner node names its children, by
// their places in the tree. The root is node 0.
struct TreeNode {
  int32_t feature = -1;
  int32_t left = -1;
  int32_t right = -1;
  int32_t leaf = -1;  // row of TreeEnsemble::leaf_values
  double threshold = 0;
  MissingRule missing = MissingRule::nan;
  bool missing_left = false;
  int32_t categories = -1;  // place in TreeEnsemble::category_sets: no threshold, but a set

  bool is_leaf() const { return feature < 0; }
};

// A split by category: the feature's value, cut to a whole number, is in the set or not. Negative
// and larger values are not. NaN goes where the node's `missing_left` says.
struct CategorySet {
  std::vector<uint32_t> bits;  // category c: bit c % 32 of word c / 32
  bool members_left = true;    // LightGBM; in XGBoost members go right

  bool contains(double value) const;
};

struct Tree {
  std::vector<TreeNode> nodes;
  int32_t output = 0;  // which output a leaf's value is added to; 0 where leaves hold all outputs
};

// What is made of the sums, per output.
enum class Link : uint8_t {
  identity,
  logistic,          // 1 / (1 + exp(-slope x)); of one output, the probability of the second class
  softmax,           // over all outputs
  one_against_rest,  // logistic of each output by itself; not normalised, as in LightGBM
  exponential,       // Poisson, gamma, Tweedie
  signed_square,     // sign(x) x^2: LightGBM's reg_sqrt
  softplus,          // log(1 + exp(x)): LightGBM's cross_entropy_lambda
  step,              // 1 where x > 0: XGBoost's binary:hinge
  second_class,      // the sum is the second class's probability: ONNX's binary forests
  class_distribution,  // the outputs are the classes' probabilities already (forests)
};

// In which type sums are kept, tree after tree in their order: it decides their last bits.
enum class SumType : uint8_t { float32, float64 };

enum class Task : uint8_t { classification, regression };

struct TreeEnsemble {
  Task task = Task::regression;
  std::vector<std::string> features;  // names in the order of the columns; "" where unknown
  std::vector<Tree> trees;
  size_t outputs = 1;     // sums per pixel
  size_t leaf_width = 1;  // values per leaf: 1, added to the tree's output, or `outputs`
  // Rows of `leaf_width` values. Rows may be shared by leaves.
  std::vector<double> leaf_values;
  std::vector<CategorySet> category_sets;
  Comparison comparison = Comparison::less_equal;
  // Values with |x| <= 1e-35 are taken as 0 before anything else, as LightGBM does.
  bool flushes_tiny_values = false;

  SumType sum_type = SumType::float64;
  std::vector<double> base_scores;  // one per output; empty: zeros
  bool base_is_first = true;  // sums start with the base scores; otherwise they are added last
  double divisor = 1;         // the sum over trees is divided by it (means), after all trees
  Link link = Link::identity;
  double slope = 1;  // of the logistic function

  // Of a classification: the values written for classes, in the order of probabilities. Names may
  // be empty. One output of a logistic ensemble stands for two classes.
  std::vector<int64_t> class_values;
  std::vector<std::string> class_names;

  // Where the model comes from: "LightGBM 4 text", "XGBoost JSON", "ONNX", "geoloom forest".
  std::string origin;

  size_t leaf_rows() const { return leaf_width == 0 ? 0 : leaf_values.size() / leaf_width; }
  // Probabilities per pixel of a classification; values per pixel of a regression.
  size_t result_width() const;
};

// Throws Error(corrupt) for what no library writes and no walk would survive: a child, feature,
// leaf row, output or category set out of range, a node that is reached twice or not at all, a
// threshold that is NaN, numbers of classes and outputs that do not fit together, more than 2^20
// features or 4096 outputs. What has passed can be walked without checks. `file` is the place of
// the error.
void validate(const TreeEnsemble& ensemble, const std::string& file = "");

// The leaf row that a tree gives to a pixel.
int32_t leaf_of(const TreeEnsemble& ensemble, const Tree& tree, std::span<const float> pixel);

// What the library sums for one pixel (XGBoost's margin, LightGBM's raw score, a forest's mean), in
// its order and precision; `sums` has room for `outputs`. The definition that all faster code is
// held against.
void sums_of(const TreeEnsemble& ensemble, std::span<const float> pixel, std::span<double> sums);

// From sums to result_width() results: probabilities of a classification, values of a regression.
// Uses kernels/elementary.h, so that it is the same on each machine; within 1e-6 of the libraries.
void apply_link(const TreeEnsemble& ensemble, std::span<const double> sums,
                std::span<double> results);

// Levels of the deepest leaf below the root, 0 for a lone leaf.
size_t depth_of(const Tree& tree);

}  // namespace geoloom::learn
