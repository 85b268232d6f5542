// SPDX-License-Identifier: Apache-2.0
// From an ensemble to packed trees and the columns they compare: what tree_predictor is made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/tree_walk.h"
#include "learn/tree_ensemble.h"

namespace geoloom::learn {

// What becomes of missing values of a feature, so that one comparison does the rest: NaN goes left.
enum class MissingFill : uint8_t {
  as_they_are,    // NaN goes left
  high,           // NaN becomes infinity and goes right
  zero,           // NaN becomes 0
  zeros_too,      // zeros become NaN
  zeros_too_high  // NaN and zeros become infinity
};

struct PackedColumn {
  size_t feature;
  MissingFill fill;
  auto operator<=>(const PackedColumn&) const = default;
};

// Nodes of all trees over a list of columns.
struct PackedNodes {
  std::vector<PackedColumn> columns;
  std::vector<kernels::PackedNode> nodes;
  std::vector<size_t> first_node;  // of each tree, and the end
};

// The largest float32 that goes left, or nullopt where no comparison says the same.
std::optional<float> packed_threshold(Comparison comparison, double threshold, bool missing_left);

// Why an ensemble cannot be packed; empty when it can.
std::string why_not_packed(const TreeEnsemble& ensemble);
// By tree and node: the row of a leaf among those of its tree.
using LeafRows = std::vector<std::vector<uint32_t>>;
// With `plain`, missing values do not occur and each feature is one column.
PackedNodes pack_nodes(const TreeEnsemble& ensemble, const LeafRows& leaf_rows, bool plain);

}  // namespace geoloom::learn
