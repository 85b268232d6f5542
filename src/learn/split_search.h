// SPDX-License-Identifier: Apache-2.0
// Where to split the rows of a tree's node, feature by feature: the heart of growing forests.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learn/forest.h"
#include "learn/random_numbers.h"
#include "learn/ranked_columns.h"

namespace geoloom::learn {

// n ln n, 0 at 0; of whole numbers up to a limit from a table, as weights mostly are.
class EntropyTerms {
 public:
  explicit EntropyTerms(size_t table_size);
  double of(double n) const {
    const auto whole = static_cast<size_t>(n);
    if (whole < table_.size() && static_cast<double>(whole) == n) return table_[whole];
    return computed(n);
  }

 private:
  static double computed(double n);
  std::vector<double> table_;
};

// What a tree is grown from: the data, and the rows' weights in this tree.
struct TreeSample {
  const TrainingData* data = nullptr;
  const RankedColumns* ranked = nullptr;
  const EntropyTerms* entropy = nullptr;
  std::span<const double> weights;  // per row of the data; rows of weight 0 are in no node
};

// Sums over the rows of a node: weights per class, or of weight x target (less the data's mean).
struct NodeSums {
  double weight = 0;
  double target = 0;
  double squares = 0;  // of targets, weighted
  std::vector<double> classes;
};

struct BestSplit {
  bool found = false;
  size_t column = 0;
  uint32_t rank = 0;     // rows up to it go left
  double threshold = 0;  // the same in values
  double score = 0;      // see SplitSearch; larger is better
};

// Scores leave out what is the same for all splits of a node, and are comparable between its
// features: gini sums squares of class weights over weight of both sides, entropy adds n ln n of
// classes less that of the whole, squared error adds squared sums over weight. A score less that of
// the node (score_of) is the decrease of impurity, times the node's weight.
class SplitSearch {
 public:
  SplitSearch(const TreeSample& sample, const ForestParameters& parameters);

  NodeSums sums_of(std::span<const uint32_t> rows) const;
  double score_of(const NodeSums& sums) const;
  bool pure(const NodeSums& sums) const;
  // The best split of `column`, or a random one for extra trees, where it beats `best`. False when
  // all rows have one value.
  bool improve(std::span<const uint32_t> rows, size_t column, const NodeSums& node,
               RandomNumbers& random, BestSplit& best);

 private:
  template <class Sides>
  void scan(size_t column, Sides sides, BestSplit& best) const;
  template <class Sides>
  void try_one(std::span<const uint32_t> rows, size_t column, uint32_t rank, double threshold,
               Sides sides, BestSplit& best) const;
  template <class Use>
  void with_sides(const NodeSums& node, Use use);
  std::pair<double, uint32_t> random_threshold(size_t column, uint32_t lowest, uint32_t highest,
                                               RandomNumbers& random) const;

  const TreeSample& sample_;
  const ForestParameters& parameters_;
  double mean_ = 0;  // of targets, taken off for exact sums
  std::vector<RankKey> keys_, spare_;
  std::vector<double> left_, right_;  // weights per class
};

}  // namespace geoloom::learn
