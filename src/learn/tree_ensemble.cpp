// SPDX-License-Identifier: Apache-2.0
#include "learn/tree_ensemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error/error.h"
#include "kernels/elementary.h"

namespace geoloom::learn {
namespace {

constexpr size_t kMostFeatures = size_t{1} << 20;
constexpr size_t kMostOutputs = 4096;
// LightGBM's kZeroThreshold, a float literal.
constexpr double kTiny = static_cast<double>(1e-35F);

[[noreturn]] void throw_corrupt(const std::string& file, const std::string& what) {
  throw Error(ErrorCode::corrupt, "the model cannot be used: " + what)
      .at({.file = file})
      .hint("write the model again with the program that trained it");
}

template <class Number>
bool within(Number value, size_t count) {
  return value >= 0 && static_cast<size_t>(value) < count;
}

// Of one tree, each node reached once.
class TreeCheck {
 public:
  TreeCheck(const TreeEnsemble& ensemble, size_t number, const std::string& file)
      : ensemble_(ensemble), tree_(ensemble.trees[number]), number_(number), file_(file) {}

  void run() {
    if (tree_.nodes.empty()) fail("it has no nodes");
    if (!within(tree_.output, ensemble_.outputs)) fail(fmt::format("output {}", tree_.output));
    std::vector<bool> seen(tree_.nodes.size(), false);
    std::vector<int32_t> open{0};
    seen[0] = true;
    size_t reached = 0;
    while (!open.empty()) {
      const auto& node = tree_.nodes[static_cast<size_t>(open.back())];
      open.pop_back();
      ++reached;
      check(node);
      if (node.is_leaf()) continue;
      for (const int32_t child : {node.right, node.left}) {
        if (!within(child, tree_.nodes.size())) fail(fmt::format("a child at {}", child));
        if (seen[static_cast<size_t>(child)]) fail(fmt::format("node {} has two parents", child));
        seen[static_cast<size_t>(child)] = true;
        open.push_back(child);
      }
    }
    if (reached != tree_.nodes.size()) fail("nodes that no path reaches");
  }

 private:
  void check(const TreeNode& node) const {
    if (node.is_leaf()) {
      if (!within(node.leaf, ensemble_.leaf_rows())) fail(fmt::format("leaf row {}", node.leaf));
      return;
    }
    if (!within(node.feature, ensemble_.features.size()))
      fail(fmt::format("feature {} of {}", node.feature, ensemble_.features.size()));
    if (node.categories >= 0) {
      if (!within(node.categories, ensemble_.category_sets.size())) fail("a set that is not there");
    } else if (std::isnan(node.threshold)) {
      fail("a threshold that is not a number");
    }
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw_corrupt(file_, fmt::format("tree {} has {}", number_, what));
  }

  const TreeEnsemble& ensemble_;
  const Tree& tree_;
  size_t number_;
  const std::string& file_;
};

void check_outputs(const TreeEnsemble& e, const std::string& file) {
  if (e.features.empty() || e.features.size() > kMostFeatures)
    throw_corrupt(file, fmt::format("{} features", e.features.size()));
  if (e.outputs == 0 || e.outputs > kMostOutputs)
    throw_corrupt(file, fmt::format("{} outputs", e.outputs));
  if (e.leaf_width != 1 && e.leaf_width != e.outputs)
    throw_corrupt(file, fmt::format("{} values per leaf for {} outputs", e.leaf_width, e.outputs));
  if (e.leaf_values.size() % e.leaf_width != 0) throw_corrupt(file, "leaf values in part rows");
  if (!e.base_scores.empty() && e.base_scores.size() != e.outputs)
    throw_corrupt(file,
                  fmt::format("{} base scores for {} outputs", e.base_scores.size(), e.outputs));
  if (!(e.divisor > 0) || std::isinf(e.divisor)) throw_corrupt(file, "a divisor that is none");
  if (!std::isfinite(e.slope)) throw_corrupt(file, "a slope that is none");
}

void check_classes(const TreeEnsemble& e, const std::string& file) {
  if (e.task == Task::regression) return;
  const bool two_of_one = e.outputs == 1 && (e.link == Link::logistic || e.link == Link::step ||
                                             e.link == Link::second_class);
  const size_t classes = two_of_one ? 2 : e.outputs;
  if (e.class_values.size() != classes)
    throw_corrupt(file, fmt::format("{} classes for {} outputs", e.class_values.size(), e.outputs));
  if (!e.class_names.empty() && e.class_names.size() != classes)
    throw_corrupt(file, fmt::format("{} names for {} classes", e.class_names.size(), classes));
}

bool is_missing(const TreeNode& node, double value) {
  if (std::isnan(value)) return node.missing != MissingRule::nan_is_zero;
  return node.missing == MissingRule::nan_or_zero && std::fabs(value) <= kTiny;
}

bool goes_left(const TreeEnsemble& ensemble, const TreeNode& node, double value) {
  if (node.categories >= 0) {
    if (std::isnan(value)) return node.missing_left;
    const auto& set = ensemble.category_sets[static_cast<size_t>(node.categories)];
    return set.contains(value) == set.members_left;
  }
  if (is_missing(node, value)) return node.missing_left;
  if (std::isnan(value)) value = 0;
  return ensemble.comparison == Comparison::less ? value < node.threshold : value <= node.threshold;
}

// In the steps of XGBoost where sums are float32, so that what it calls the more probable class is
// the more probable one here: its sigmoid has the constants below.
double logistic(double x, SumType type) {
  if (type == SumType::float64) return 1 / (1 + kernels::exponential(-x));
  const auto power = static_cast<float>(kernels::exponential(std::min(-x, double{88.7F})));
  return static_cast<double>(static_cast<float>(1 / (static_cast<double>(power + 1.0F) + 1e-16)));
}

// The largest is taken off first, as all libraries do: exponents then stay in range.
void softmax(std::span<const double> sums, SumType type, std::span<double> results) {
  const auto rounded = [&](double value) {
    return type == SumType::float32 ? static_cast<double>(static_cast<float>(value)) : value;
  };
  const double most = *std::max_element(sums.begin(), sums.end());
  double total = 0;
  for (size_t i = 0; i < sums.size(); ++i)
    total += results[i] = rounded(kernels::exponential(rounded(sums[i] - most)));
  for (double& value : results) value = rounded(value / rounded(total));
}

double linked(const TreeEnsemble& ensemble, double x) {
  switch (ensemble.link) {
    case Link::logistic:
    case Link::one_against_rest:
      return logistic(ensemble.slope * x, ensemble.sum_type);
    case Link::exponential:
      return kernels::exponential(x);
    case Link::signed_square:
      return std::copysign(x * x, x);
    case Link::softplus:
      return kernels::natural_logarithm_of_one_plus(kernels::exponential(x));
    case Link::step:
      return x > 0 ? 1 : 0;
    default:
      return x;
  }
}

template <class Sum>
void add_trees(const TreeEnsemble& ensemble, std::span<const float> pixel, std::span<double> sums) {
  std::vector<Sum> total(ensemble.outputs, Sum{0});
  const auto add_base = [&] {
    for (size_t i = 0; i < ensemble.base_scores.size(); ++i)
      total[i] = static_cast<Sum>(total[i] + static_cast<Sum>(ensemble.base_scores[i]));
  };
  if (ensemble.base_is_first) add_base();
  const size_t width = ensemble.leaf_width;
  for (const auto& tree : ensemble.trees) {
    const auto row = static_cast<size_t>(leaf_of(ensemble, tree, pixel)) * width;
    const size_t first = width == 1 ? static_cast<size_t>(tree.output) : 0;
    for (size_t i = 0; i < width; ++i)
      total[first + i] += static_cast<Sum>(ensemble.leaf_values[row + i]);
  }
  if (ensemble.divisor != 1)
    for (Sum& value : total) value /= static_cast<Sum>(ensemble.divisor);
  if (!ensemble.base_is_first) add_base();
  std::copy(total.begin(), total.end(), sums.begin());
}

}  // namespace

bool CategorySet::contains(double value) const {
  if (!(value > -1) || value >= static_cast<double>(bits.size()) * 32) return false;
  const auto category = static_cast<size_t>(value);
  return (bits[category / 32] >> (category % 32) & 1U) != 0;
}

size_t TreeEnsemble::result_width() const {
  return task == Task::classification ? class_values.size() : outputs;
}

void validate(const TreeEnsemble& ensemble, const std::string& file) {
  check_outputs(ensemble, file);
  check_classes(ensemble, file);
  if (ensemble.trees.empty() && ensemble.base_scores.empty())
    throw_corrupt(file, "it has no trees");
  for (size_t i = 0; i < ensemble.trees.size(); ++i) TreeCheck(ensemble, i, file).run();
}

int32_t leaf_of(const TreeEnsemble& ensemble, const Tree& tree, std::span<const float> pixel) {
  const TreeNode* node = tree.nodes.data();
  while (!node->is_leaf()) {
    double value = static_cast<double>(pixel[static_cast<size_t>(node->feature)]);
    if (ensemble.flushes_tiny_values && std::fabs(value) <= kTiny) value = 0;
    const int32_t next = goes_left(ensemble, *node, value) ? node->left : node->right;
    node = tree.nodes.data() + next;
  }
  return node->leaf;
}

void sums_of(const TreeEnsemble& ensemble, std::span<const float> pixel, std::span<double> sums) {
  if (ensemble.sum_type == SumType::float32)
    add_trees<float>(ensemble, pixel, sums);
  else
    add_trees<double>(ensemble, pixel, sums);
}

void apply_link(const TreeEnsemble& ensemble, std::span<const double> sums,
                std::span<double> results) {
  if (ensemble.link == Link::softmax) return softmax(sums, ensemble.sum_type, results);
  const bool two_of_one = ensemble.outputs == 1 && results.size() == 2;
  for (size_t i = 0; i < sums.size(); ++i) results[two_of_one ? 1 : i] = linked(ensemble, sums[i]);
  if (two_of_one) results[0] = 1 - results[1];
}

size_t depth_of(const Tree& tree) {
  struct Open {
    int32_t node;
    size_t depth;
  };
  std::vector<Open> open{{0, 0}};
  size_t deepest = 0;
  while (!open.empty()) {
    const auto [place, depth] = open.back();
    open.pop_back();
    const auto& node = tree.nodes[static_cast<size_t>(place)];
    deepest = std::max(deepest, depth);
    if (node.is_leaf()) continue;
    open.push_back({node.left, depth + 1});
    open.push_back({node.right, depth + 1});
  }
  return deepest;
}

}  // namespace geoloom::learn
