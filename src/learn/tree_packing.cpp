// SPDX-License-Identifier: Apache-2.0
#include "learn/tree_packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace geoloom::learn {
namespace {

using kernels::PackedNode;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

PackedColumn column_of(const TreeNode& node, bool plain) {
  const auto feature = static_cast<size_t>(node.feature);
  if (plain) return {feature, MissingFill::as_they_are};
  switch (node.missing) {
    case MissingRule::nan:
      return {feature, node.missing_left ? MissingFill::as_they_are : MissingFill::high};
    case MissingRule::nan_is_zero:
      return {feature, MissingFill::zero};
    default:
      return {feature, node.missing_left ? MissingFill::zeros_too : MissingFill::zeros_too_high};
  }
}

std::vector<PackedColumn> columns_of(const TreeEnsemble& ensemble, bool plain) {
  std::set<PackedColumn> columns;
  for (const auto& tree : ensemble.trees)
    for (const auto& node : tree.nodes)
      if (!node.is_leaf()) columns.insert(column_of(node, plain));
  // Trees of leaves alone still have a column, so that there is a row.
  if (columns.empty()) columns.insert({0, MissingFill::as_they_are});
  return {columns.begin(), columns.end()};
}

// Children follow each other, and what is below the left one comes before what is below the right
// one: a subtree is one stretch of memory.
void pack_tree(const TreeEnsemble& ensemble, const Tree& tree,
               const std::vector<uint32_t>& leaf_rows, bool plain, PackedNodes& packed) {
  struct Open {
    int32_t node;
    uint32_t place;
  };
  const size_t first = packed.nodes.size();
  packed.nodes.resize(first + tree.nodes.size());
  std::vector<Open> open{{0, 0}};
  uint32_t next = 1;
  while (!open.empty()) {
    const auto [number, place] = open.back();
    open.pop_back();
    const auto& node = tree.nodes[static_cast<size_t>(number)];
    auto& to = packed.nodes[first + place];
    if (node.is_leaf()) {
      to = PackedNode::leaf(leaf_rows[static_cast<size_t>(number)], place);
      continue;
    }
    const auto column =
        std::lower_bound(packed.columns.begin(), packed.columns.end(), column_of(node, plain));
    to = PackedNode::inner(
        packed_threshold(ensemble.comparison, node.threshold, node.missing_left).value_or(0),
        static_cast<uint32_t>(column - packed.columns.begin()), next);
    open.push_back({node.right, next + 1});
    open.push_back({node.left, next});
    next += 2;
  }
}

}  // namespace

std::optional<float> packed_threshold(Comparison comparison, double threshold, bool missing_left) {
  auto rounded = static_cast<float>(threshold);
  const auto exact = static_cast<double>(rounded);
  if (comparison == Comparison::less) {
    if (rounded == -kInfinity && exact >= threshold) return std::nullopt;
    if (exact >= threshold) rounded = std::nextafter(rounded, -kInfinity);
  } else if (exact > threshold) {
    rounded = std::nextafter(rounded, -kInfinity);
  }
  // Nothing is above infinity: what is missing could not go right.
  if (rounded == kInfinity && !missing_left) return std::nullopt;
  return rounded;
}

std::string why_not_packed(const TreeEnsemble& ensemble) {
  for (const auto& tree : ensemble.trees) {
    if (tree.nodes.size() > PackedNode::kMostNodes)
      return fmt::format("a tree of {} nodes", tree.nodes.size());
    for (const auto& node : tree.nodes) {
      if (node.is_leaf()) continue;
      if (node.categories >= 0) return "splits by category";
      if (!packed_threshold(ensemble.comparison, node.threshold, node.missing_left))
        return "a threshold that is infinite";
    }
  }
  const size_t columns = columns_of(ensemble, false).size();
  return columns > PackedNode::kMostColumns ? fmt::format("{} columns", columns) : "";
}

PackedNodes pack_nodes(const TreeEnsemble& ensemble, const LeafRows& leaf_rows, bool plain) {
  PackedNodes packed;
  packed.columns = columns_of(ensemble, plain);
  for (size_t t = 0; t < ensemble.trees.size(); ++t) {
    packed.first_node.push_back(packed.nodes.size());
    pack_tree(ensemble, ensemble.trees[t], leaf_rows[t], plain, packed);
  }
  packed.first_node.push_back(packed.nodes.size());
  return packed;
}

}  // namespace geoloom::learn
