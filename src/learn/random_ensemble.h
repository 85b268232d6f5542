// SPDX-License-Identifier: Apache-2.0
// Ensembles and pixels made of random numbers, for tests.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "learn/random_numbers.h"
#include "learn/tree_ensemble.h"

namespace geoloom::learn {

struct RandomEnsembleKind {
  size_t trees = 20, features = 6, outputs = 1, leaf_width = 1;
  int depth = 7;
  Comparison comparison = Comparison::less_equal;
  SumType sum_type = SumType::float64;
  std::vector<MissingRule> missing = {MissingRule::nan};
  bool categories = false;
};

class RandomEnsemble {
 public:
  RandomEnsemble(const RandomEnsembleKind& kind, uint64_t seed) : kind_(kind), random_(seed) {
    ensemble_.outputs = kind.outputs;
    ensemble_.leaf_width = kind.leaf_width;
    ensemble_.comparison = kind.comparison;
    ensemble_.sum_type = kind.sum_type;
    ensemble_.features.resize(kind.features);
    if (kind.leaf_width > 1) {
      ensemble_.link = Link::class_distribution;
      ensemble_.task = Task::classification;
      ensemble_.divisor = static_cast<double>(kind.trees);
      for (size_t i = 0; i < kind.outputs; ++i)
        ensemble_.class_values.push_back(static_cast<int64_t>(10 + i));
    }
    if (kind.categories) ensemble_.category_sets = {{.bits = {0x5a5aU}}, {.bits = {3U, 1U}}};
    for (size_t t = 0; t < kind.trees; ++t) {
      auto& tree = ensemble_.trees.emplace_back();
      tree.output = kind.leaf_width > 1 ? 0 : static_cast<int32_t>(t % kind.outputs);
      tree.nodes.resize(1);
      grow(tree, 0, kind.depth);
    }
  }
  TreeEnsemble take() { return std::move(ensemble_); }

 private:
  void grow(Tree& tree, size_t place, int depth) {
    if (depth == 0 || random_.below(10) == 0) return make_leaf(tree.nodes[place]);
    const size_t left = tree.nodes.size();
    tree.nodes.resize(left + 2);
    auto& node = tree.nodes[place];
    node.feature = static_cast<int32_t>(random_.below(kind_.features));
    node.left = static_cast<int32_t>(left + 1);
    node.right = static_cast<int32_t>(left);
    // Halves are values that pixels have, others lie between float32 numbers.
    node.threshold = random_.below(2) == 0 ? static_cast<double>(random_.below(41)) / 2 - 10
                                           : random_.unit() * 20 - 10;
    node.missing = kind_.missing[random_.below(kind_.missing.size())];
    node.missing_left = random_.below(2) == 0;
    if (kind_.categories && random_.below(3) == 0)
      node.categories = static_cast<int32_t>(random_.below(2));
    grow(tree, left, depth - 1);
    grow(tree, left + 1, depth - 1);
  }
  void make_leaf(TreeNode& node) {
    node.leaf = static_cast<int32_t>(ensemble_.leaf_rows());
    double total = 0;
    std::vector<double> row;
    for (size_t i = 0; i < kind_.leaf_width; ++i) {
      row.push_back(random_.below(3) == 0 ? 0 : random_.unit());
      total += row.back();
    }
    for (double& value : row)
      if (kind_.leaf_width > 1) value = total == 0 ? 0 : value / total;
    ensemble_.leaf_values.insert(ensemble_.leaf_values.end(), row.begin(), row.end());
  }

  RandomEnsembleKind kind_;
  RandomNumbers random_;
  TreeEnsemble ensemble_;
};

// Halves of -10 .. 10; where `special`, also zeros, tiny numbers, infinities and NaN.
inline std::vector<std::vector<float>> random_planes(size_t features, size_t pixels, bool special,
                                                     uint64_t seed) {
  constexpr float kSpecial[] = {0.0F,
                                -0.0F,
                                1e-36F,
                                std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::quiet_NaN()};
  RandomNumbers random(seed);
  std::vector<std::vector<float>> planes(features, std::vector<float>(pixels));
  for (auto& plane : planes)
    for (float& value : plane)
      value = special && random.below(4) == 0
                  ? kSpecial[random.below(6)]
                  : static_cast<float>(random.below(3) == 0
                                           ? static_cast<double>(random.below(41)) / 2 - 10
                                           : random.unit() * 20 - 10);
  return planes;
}

}  // namespace geoloom::learn
