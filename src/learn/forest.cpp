// SPDX-License-Identifier: Apache-2.0
#include "learn/forest.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "error/error.h"
#include "learn/random_numbers.h"
#include "learn/split_search.h"

namespace geoloom::learn {
namespace {

constexpr size_t kRowsTogether = 512;      // in predictions
constexpr size_t kLargestTable = 1 << 20;  // of n ln n

void check_parameters(const TrainingData& data, const ForestParameters& p) {
  const auto refuse = [](std::string message) {
    throw Error(ErrorCode::invalid, "forest: " + std::move(message));
  };
  if (p.trees < 1) refuse("it needs at least one tree");
  if (p.min_samples_leaf < 1) refuse("min_samples_leaf is at least 1");
  if (p.min_samples_split < 2) refuse("min_samples_split is at least 2");
  if (!(p.max_samples > 0 && p.max_samples <= 1)) refuse("max_samples is a share above 0, up to 1");
  if (!(p.min_impurity_decrease >= 0)) refuse("min_impurity_decrease is at least 0");
  const bool for_classes = p.criterion != SplitCriterion::squared_error;
  if (for_classes != data.classification())
    refuse(for_classes
               ? "gini and entropy are criteria for classes, squared_error for quantities"
               : "squared_error is a criterion for quantities, gini and entropy for classes");
  if (data.rows() > std::numeric_limits<uint32_t>::max())
    refuse(fmt::format("{} rows are too many", data.rows()));
}

// How often each row is drawn for a tree; all once without bootstrap.
std::vector<uint32_t> drawn_rows(const TrainingData& data, const ForestParameters& p,
                                 RandomNumbers& random) {
  const size_t rows = data.rows();
  if (!p.bootstrap) return std::vector<uint32_t>(rows, 1);
  std::vector<uint32_t> drawn(rows, 0);
  const auto share = static_cast<size_t>(std::nearbyint(p.max_samples * static_cast<double>(rows)));
  for (size_t i = std::max<size_t>(1, share); i > 0; --i) ++drawn[random.below(rows)];
  return drawn;
}

RandomNumbers numbers_of_tree(const ForestParameters& p, size_t tree) {
  return RandomNumbers(RandomNumbers::mixed(RandomNumbers::mixed(p.seed) + tree));
}

class TreeGrower {
 public:
  TreeGrower(const TreeSample& sample, const ForestParameters& parameters, RandomNumbers random)
      : sample_(sample),
        parameters_(parameters),
        random_(random),
        search_(sample, parameters),
        columns_(sample.data->columns),
        wanted_columns_(parameters.max_features.of(columns_.size())),
        importances_(columns_.size(), 0) {
    std::iota(columns_.begin(), columns_.end(), size_t{0});
    for (uint32_t row = 0; row < sample.weights.size(); ++row) {
      if (sample.weights[row] > 0) rows_.push_back(row);
      total_weight_ += sample.weights[row];
    }
  }

  ForestTree grow() {
    std::vector<Open> open{{0, rows_.size(), 0, 0}};
    tree_.nodes.emplace_back();
    while (!open.empty()) {
      const Open node = open.back();
      open.pop_back();
      extend(node, open);
    }
    return std::move(tree_);
  }
  // After grow().
  std::vector<double> importances() const {
    const double sum = std::accumulate(importances_.begin(), importances_.end(), 0.0);
    auto shares = importances_;
    for (auto& share : shares) share = sum > 0 ? share / sum : 0;
    return shares;
  }

 private:
  struct Open {
    size_t begin, end;  // of rows_
    size_t depth;
    uint32_t node;
  };

  void extend(const Open& node, std::vector<Open>& open) {
    const std::span<uint32_t> rows(rows_.data() + node.begin, node.end - node.begin);
    const auto sums = search_.sums_of(rows);
    const auto split = may_split(node, sums) ? best_split(rows, sums) : BestSplit{};
    if (!split.found) return make_leaf(node.node, sums, rows);
    importances_[split.column] += std::max(0.0, split.score - search_.score_of(sums));
    const size_t boundary = node.begin + partition(rows, split);
    const auto left = static_cast<uint32_t>(tree_.nodes.size());
    tree_.nodes[node.node] = {static_cast<int32_t>(split.column), left, left + 1, split.threshold};
    tree_.nodes.resize(tree_.nodes.size() + 2);
    open.push_back({boundary, node.end, node.depth + 1, left + 1});
    open.push_back({node.begin, boundary, node.depth + 1, left});
  }

  // Rows that go left to the front, in their order, the others behind them; how many go left.
  size_t partition(std::span<uint32_t> rows, const BestSplit& split) {
    const uint32_t* ranks = sample_.ranked->ranks(split.column);
    going_right_.clear();
    size_t left = 0;
    for (const uint32_t row : rows) {
      if (ranks[row] <= split.rank)
        rows[left++] = row;
      else
        going_right_.push_back(row);
    }
    std::copy(going_right_.begin(), going_right_.end(), rows.begin() + left);
    return left;
  }

  bool may_split(const Open& node, const NodeSums& sums) const {
    const size_t count = node.end - node.begin;
    if (parameters_.max_depth > 0 && node.depth >= parameters_.max_depth) return false;
    if (count < parameters_.min_samples_split || count < 2 * parameters_.min_samples_leaf)
      return false;
    return !search_.pure(sums);
  }

  // Features are drawn without replacement until enough were looked at, and one of them could be
  // split at all: those with one value count, as in scikit-learn.
  BestSplit best_split(std::span<const uint32_t> rows, const NodeSums& sums) {
    BestSplit best;
    bool any = false;
    for (size_t seen = 0; seen < columns_.size() && (seen < wanted_columns_ || !any); ++seen) {
      std::swap(columns_[seen], columns_[seen + random_.below(columns_.size() - seen)]);
      any = search_.improve(rows, columns_[seen], sums, random_, best) || any;
    }
    if (best.found &&
        (best.score - search_.score_of(sums)) / total_weight_ < parameters_.min_impurity_decrease)
      best.found = false;
    return best;
  }

  void make_leaf(uint32_t node, const NodeSums& sums, std::span<const uint32_t> rows) {
    const auto& data = *sample_.data;
    tree_.nodes[node].right = static_cast<uint32_t>(tree_.values.size() / data.outputs());
    if (data.classification()) {
      for (const double w : sums.classes) tree_.values.push_back(w / sums.weight);
      return;
    }
    double sum = 0;
    for (const uint32_t row : rows) sum += sample_.weights[row] * data.targets[row];
    tree_.values.push_back(sum / sums.weight);
  }

  const TreeSample& sample_;
  const ForestParameters& parameters_;
  RandomNumbers random_;
  SplitSearch search_;
  std::vector<size_t> columns_;
  size_t wanted_columns_;
  std::vector<double> importances_;
  std::vector<uint32_t> rows_, going_right_;
  double total_weight_ = 0;
  ForestTree tree_;
};

const double* leaf_of(const ForestTree& tree, size_t outputs, const float* features) {
  const ForestNode* nodes = tree.nodes.data();
  const ForestNode* node = nodes;
  while (node->feature >= 0)
    node = nodes + (double{features[node->feature]} <= node->threshold ? node->left : node->right);
  return tree.values.data() + node->right * outputs;
}

using RowSet = std::vector<bool>;

// Per row the mean over trees for which `counts` is true; NaN without such a tree. Trees are added
// in their order, whatever runs first.
template <class Counts>
std::vector<double> mean_over_trees(const Forest& forest, std::span<const float> features,
                                    const ForEachIndex& for_each, Counts counts) {
  const size_t rows = features.size() / forest.columns, outputs = forest.outputs;
  std::vector<double> sums(rows * outputs, 0);
  for_each((rows + kRowsTogether - 1) / kRowsTogether, [&](size_t chunk) {
    const size_t begin = chunk * kRowsTogether, end = std::min(rows, begin + kRowsTogether);
    std::vector<size_t> trees(end - begin, 0);
    for (size_t t = 0; t < forest.trees.size(); ++t) {
      for (size_t row = begin; row < end; ++row) {
        if (!counts(t, row)) continue;
        ++trees[row - begin];
        const double* leaf =
            leaf_of(forest.trees[t], outputs, features.data() + row * forest.columns);
        for (size_t o = 0; o < outputs; ++o) sums[row * outputs + o] += leaf[o];
      }
    }
    for (size_t row = begin; row < end; ++row)
      for (size_t o = 0; o < outputs; ++o)
        sums[row * outputs + o] /= static_cast<double>(trees[row - begin]);  // 0 / 0: NaN
  });
  return sums;
}

}  // namespace

FeatureLimit FeatureLimit::parsed(std::string_view text) {
  FeatureLimit limit;
  if (text == "sqrt") return limit;
  if (text == "log2") {
    limit.rule_ = Rule::logarithm;
    return limit;
  }
  limit.rule_ = Rule::share;
  limit.amount_ = 1;
  if (text == "all") return limit;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit.amount_);
  if (error == std::errc() && end == text.data() + text.size()) {
    const bool share = limit.amount_ > 0 && (limit.amount_ < 1 || text == "1.0");
    const bool whole = limit.amount_ >= 1 && limit.amount_ == std::floor(limit.amount_);
    if (!share) limit.rule_ = Rule::number;
    if (share || whole) return limit;
  }
  throw Error(ErrorCode::invalid, fmt::format("max_features '{}' is no number of features", text))
      .hint("sqrt, log2, all, a whole number, or a share such as 0.3");
}

size_t FeatureLimit::of(size_t columns) const {
  const auto all = static_cast<double>(columns);
  double number = amount_;
  if (rule_ == Rule::square_root) number = std::floor(std::sqrt(all));
  if (rule_ == Rule::logarithm) number = static_cast<double>(std::bit_width(columns)) - 1;
  if (rule_ == Rule::share) number = std::floor(all * amount_);
  return static_cast<size_t>(std::clamp(number, 1.0, all));
}

std::vector<double> Forest::predict(std::span<const float> features,
                                    const ForEachIndex& for_each) const {
  return mean_over_trees(*this, features, for_each, [](size_t, size_t) { return true; });
}

Forest train_forest(const TrainingData& data, const ForestParameters& parameters,
                    const ForEachIndex& for_each) {
  check(data, false);
  check_parameters(data, parameters);
  const RankedColumns ranked(data, for_each);
  const EntropyTerms entropy(parameters.criterion == SplitCriterion::entropy
                                 ? std::min(kLargestTable, 2 * data.rows())
                                 : 0);
  Forest forest{data.columns, data.outputs(), {}, {}, {}};
  forest.trees.resize(parameters.trees);
  std::vector<RowSet> drawn(parameters.bootstrap ? parameters.trees : 0);
  std::vector<std::vector<double>> importances(parameters.trees);
  for_each(parameters.trees, [&](size_t t) {
    auto random = numbers_of_tree(parameters, t);
    const auto counts = drawn_rows(data, parameters, random);
    std::vector<double> weights(counts.size());
    for (size_t row = 0; row < weights.size(); ++row) weights[row] = counts[row] * data.weight(row);
    if (parameters.bootstrap) drawn[t].assign(counts.begin(), counts.end());
    // Only rows of weight 0 were drawn: the tree is grown from all.
    if (std::all_of(weights.begin(), weights.end(), [](double w) { return w == 0; }))
      for (size_t row = 0; row < weights.size(); ++row) weights[row] = data.weight(row);
    const TreeSample sample{&data, &ranked, &entropy, weights};
    TreeGrower grower(sample, parameters, random);
    forest.trees[t] = grower.grow();
    importances[t] = grower.importances();
  });
  forest.importances.assign(data.columns, 0);
  for (const auto& of_tree : importances)
    for (size_t c = 0; c < of_tree.size(); ++c) forest.importances[c] += of_tree[c];
  const double sum = std::accumulate(forest.importances.begin(), forest.importances.end(), 0.0);
  for (auto& share : forest.importances) share = sum > 0 ? share / sum : 0;
  if (parameters.bootstrap)
    forest.out_of_bag = mean_over_trees(forest, data.features, for_each,
                                        [&](size_t t, size_t row) { return !drawn[t][row]; });
  return forest;
}

TreeEnsemble ensemble_of(const Forest& forest, Task task) {
  TreeEnsemble ensemble;
  ensemble.task = task;
  ensemble.features.resize(forest.columns);
  ensemble.outputs = forest.outputs;
  ensemble.leaf_width = forest.outputs;
  ensemble.divisor = static_cast<double>(forest.trees.size());
  ensemble.link = task == Task::classification ? Link::class_distribution : Link::identity;
  ensemble.origin = "geoloom forest";
  for (const auto& tree : forest.trees) {
    const auto first_leaf = static_cast<int32_t>(ensemble.leaf_rows());
    auto& nodes = ensemble.trees.emplace_back().nodes;
    nodes.reserve(tree.nodes.size());
    for (const auto& from : tree.nodes) {
      auto& node = nodes.emplace_back();
      node.feature = from.feature;
      if (node.is_leaf()) {
        node.leaf = first_leaf + static_cast<int32_t>(from.right);
        continue;
      }
      node.left = static_cast<int32_t>(from.left);
      node.right = static_cast<int32_t>(from.right);
      node.threshold = from.threshold;
    }
    ensemble.leaf_values.insert(ensemble.leaf_values.end(), tree.values.begin(), tree.values.end());
  }
  if (task == Task::classification)
    for (size_t c = 0; c < forest.outputs; ++c)
      ensemble.class_values.push_back(static_cast<int64_t>(c));
  ensemble.class_names.resize(ensemble.class_values.size());
  return ensemble;
}

}  // namespace geoloom::learn
