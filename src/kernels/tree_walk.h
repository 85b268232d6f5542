// SPDX-License-Identifier: Apache-2.0
// Sums over the trees of an ensemble, for many pixels. Trees are packed: nodes of eight bytes, a
// comparison of floats and nothing else; what is missing or rounded has been settled in columns and
// thresholds before.
//
// Pixels go through a tree together. The list of pixels at a node is parted into those that go left
// and those that go right, as long as there are many; the few that are left at a node of their own
// walk the rest, side by side. Parting reads each node once for all pixels, and pixels that are
// alike stay together. What a pixel gets never depends on the others: its own sums grow tree after
// tree in their order.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace geoloom::kernels {

// The children of a node are neighbours: the one for x <= threshold, then that for x > threshold.
// A leaf is its own left child, and its threshold is a NaN that holds its row, so that a walk
// stays.
struct PackedNode {
  static constexpr uint32_t kColumnBits = 12;
  static constexpr uint32_t kLeafBits = 0x7fc00000U;
  static constexpr size_t kMostColumns = size_t{1} << kColumnBits;
  static constexpr size_t kMostNodes = size_t{1} << (32 - kColumnBits);  // of a tree
  static constexpr size_t kMostRows = size_t{1} << 22;                   // of leaves of a tree

  float threshold;  // never +infinity or NaN but in leaves
  uint32_t link;    // left child's place in the tree, then the column

  static PackedNode inner(float threshold, uint32_t column, uint32_t left) {
    return {threshold, left << kColumnBits | column};
  }
  static PackedNode leaf(uint32_t row, uint32_t own_place) {
    return {std::bit_cast<float>(kLeafBits | row), own_place << kColumnBits};
  }
  bool is_leaf() const { return threshold != threshold; }
  uint32_t row() const { return std::bit_cast<uint32_t>(threshold) & ~kLeafBits; }
  uint32_t column() const { return link & (kMostColumns - 1); }
  uint32_t left() const { return link >> kColumnBits; }
};

// Value is float or double, added in this type tree after tree, or uint32_t: fixed-point numbers
// whose sums do not overflow, and which are exact in any order.
template <class Value>
struct PackedTree {
  std::span<const PackedNode> nodes;  // the root first
  std::span<const Value> leaves;      // rows of `width`
  size_t output;                      // which sum a leaf is added to; 0 where width > 1
};

// Every pass reads all nodes once, whatever its pixels: calls that have these make whole passes.
inline constexpr size_t kPixelsPerPass = 8192;

template <class Value>
struct PackedTrees {
  std::span<const PackedTree<Value>> trees;
  size_t columns;
  size_t width;  // values per leaf: 1, 2, 4 or a multiple of 8
};

// Kept by a thread from call to call.
struct TreeScratch {
  std::vector<float> rows;
  std::vector<uint32_t> here, there;
};

// columns[c] are the values of column c for `pixels` pixels. NaN goes left. Adds to `sums`: with a
// width of 1, sums[output * stride + p]; otherwise sums[p * width + i].
template <class Value>
void add_trees(const PackedTrees<Value>& trees, const float* const* columns, size_t pixels,
               Value* sums, size_t stride, TreeScratch& scratch);

// One pixel after the other, node after node; every target gives these bytes.
namespace reference {
template <class Value>
void add_trees(const PackedTrees<Value>& trees, const float* const* columns, size_t pixels,
               Value* sums, size_t stride);
}  // namespace reference
}  // namespace geoloom::kernels
