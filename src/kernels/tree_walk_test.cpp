// SPDX-License-Identifier: Apache-2.0
#include "kernels/tree_walk.h"

#include <gtest/gtest.h>

#include <limits>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

// Random trees over random columns, as any values of the type.
template <class Value>
struct Forest {
  std::vector<std::vector<PackedNode>> nodes;
  std::vector<std::vector<Value>> leaves;
  std::vector<PackedTree<Value>> trees;
  std::vector<std::vector<float>> values;
  std::vector<const float*> columns;
  size_t width, outputs, pixels;

  Forest(size_t tree_count, int depth, size_t width_of_leaf, size_t pixel_count, unsigned seed)
      : width(width_of_leaf), outputs(width == 1 ? 3 : 1), pixels(pixel_count), random_(seed) {
    for (size_t c = 0; c < 7; ++c) {
      values.emplace_back();
      for (size_t p = 0; p < pixels; ++p) values.back().push_back(value());
    }
    for (const auto& column : values) columns.push_back(column.data());
    for (size_t t = 0; t < tree_count; ++t) add(depth, t % outputs);
    for (size_t t = 0; t < tree_count; ++t) trees.push_back({nodes[t], leaves[t], t % outputs});
  }

  PackedTrees<Value> packed() const { return {trees, columns.size(), width}; }
  size_t stride() const { return pixels + 3; }
  std::vector<Value> zeros() const {
    return std::vector<Value>(width == 1 ? outputs * stride() : pixels * width);
  }

 private:
  float value() {
    const uint32_t kind = random() % 50;
    if (kind == 0) return std::numeric_limits<float>::quiet_NaN();
    if (kind == 1) return std::numeric_limits<float>::infinity();
    return static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 8;
  }
  void add(int depth, size_t) {
    nodes.emplace_back(1);
    leaves.emplace_back();
    grow(0, depth);
  }
  void grow(uint32_t place, int depth) {
    auto& tree = nodes.back();
    auto& rows = leaves.back();
    if (depth == 0 || (tree.size() > 1 && random() % 8 == 0)) {
      tree[place] = PackedNode::leaf(static_cast<uint32_t>(rows.size() / width), place);
      for (size_t i = 0; i < width; ++i)
        rows.push_back(static_cast<Value>(random() % 10007) / static_cast<Value>(7));
      return;
    }
    const auto left = static_cast<uint32_t>(tree.size());
    float threshold = value();
    if (!(threshold < 1000)) threshold = 0;
    tree[place] = PackedNode::inner(threshold, random() % 7, left);
    tree.resize(tree.size() + 2);
    grow(left, depth - 1);
    grow(left + 1, depth - 1);
  }

  uint32_t random() { return static_cast<uint32_t>(random_()); }

  std::mt19937 random_;
};

template <class Value>
void expect_as_reference(const Forest<Value>& forest) {
  auto wanted = forest.zeros();
  reference::add_trees(forest.packed(), forest.columns.data(), forest.pixels, wanted.data(),
                       forest.stride());
  on_every_target([&] {
    auto got = forest.zeros();
    TreeScratch scratch;
    add_trees(forest.packed(), forest.columns.data(), forest.pixels, got.data(), forest.stride(),
              scratch);
    ASSERT_EQ(std::memcmp(got.data(), wanted.data(), got.size() * sizeof(Value)), 0);
  });
}

TEST(TreeWalk, EveryTargetGivesTheBytesOfTheReference) {
  unsigned seed = 1;
  for (const size_t pixels : {1, 8, 17, 63, 200, 3000, 20001}) {
    expect_as_reference(Forest<float>(7, 9, 1, pixels, ++seed));
    expect_as_reference(Forest<double>(5, 6, 1, pixels, ++seed));
    for (const size_t width : {2, 4, 8, 24}) {
      expect_as_reference(Forest<uint32_t>(4, 8, width, pixels, ++seed));
      expect_as_reference(Forest<double>(4, 5, width, pixels, ++seed));
    }
  }
}

TEST(TreeWalk, ALoneLeafIsATree) {
  expect_as_reference(Forest<float>(3, 0, 1, 100, 1));
}

TEST(TreeWalk, GroupingOfPixelsChangesNothing) {
  const Forest<float> forest(20, 10, 1, 500, 5);
  auto wanted = forest.zeros(), got = forest.zeros();
  TreeScratch scratch;
  add_trees(forest.packed(), forest.columns.data(), forest.pixels, wanted.data(), forest.stride(),
            scratch);
  for (size_t first = 0; first < forest.pixels; first += 93) {
    std::vector<const float*> columns;
    for (const float* column : forest.columns) columns.push_back(column + first);
    add_trees(forest.packed(), columns.data(), std::min<size_t>(93, forest.pixels - first),
              got.data() + first, forest.stride(), scratch);
  }
  EXPECT_EQ(std::memcmp(got.data(), wanted.data(), got.size() * sizeof(float)), 0);
}

// A chain of half a million nodes: no recursion follows it.
TEST(TreeWalk, AsDeepAsATreeCanBe) {
  std::vector<PackedNode> nodes(1);
  constexpr size_t kLevels = PackedNode::kMostNodes / 2 - 1;
  for (size_t level = 0; level < kLevels; ++level) {
    const auto left = static_cast<uint32_t>(nodes.size());
    nodes[level == 0 ? 0 : left - 1] = PackedNode::inner(static_cast<float>(level), 0, left);
    nodes.push_back(PackedNode::leaf(0, left));
    nodes.emplace_back();
  }
  nodes.back() = PackedNode::leaf(1, static_cast<uint32_t>(nodes.size() - 1));
  const std::vector<double> leaves{1, 2};
  const std::vector<PackedTree<double>> trees{{nodes, leaves, 0}};
  std::vector<float> values(300, 1e9F);
  values[7] = 3;
  const float* const column = values.data();
  on_every_target([&] {
    std::vector<double> sums(values.size());
    TreeScratch scratch;
    add_trees<double>({trees, 1, 1}, &column, values.size(), sums.data(), values.size(), scratch);
    EXPECT_EQ(sums[0], 2);
    EXPECT_EQ(sums[7], 1);
  });
}

}  // namespace
}  // namespace geoloom::kernels
