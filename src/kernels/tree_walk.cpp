// SPDX-License-Identifier: Apache-2.0
// With 512-bit vectors, lists are parted by gathering the pixels' values and compressing their
// numbers, and walks gather nodes. On narrower vectors gathers are slower than plain loads, so the
// same is done without branches in scalar code.
#include "kernels/tree_walk.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tree_walk.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

#ifndef GEOLOOM_KERNELS_TREE_WALK_ONCE
#define GEOLOOM_KERNELS_TREE_WALK_ONCE
namespace geoloom::kernels {
namespace {

// Lists of at most so many pixels walk.
constexpr size_t kFew = 64;
// Below so many levels a list walks however long it is: recursion ends.
constexpr int kDeepest = 128;
// The pixels of a pass: their columns and rows should stay in a cache of the second level, and be
// many, since each pass reads all trees.
constexpr size_t kPassBytes = size_t{5} << 18;
constexpr size_t kFewestPixels = 512;
// One list is written past its end by less than a vector.
constexpr size_t kListSlack = 16;
constexpr size_t kCacheLine = 64;

// What a pass over some pixels and one tree needs.
template <class Value>
struct Pass {
  const PackedNode* nodes;
  const Value* leaves;
  const float* const* columns;
  size_t first;  // pixel of the columns
  const float* rows;
  size_t row_length;
  Value* sums;  // of the first pixel, and of the tree's output
  size_t width;
};

inline void prefetch(const void* data, size_t bytes) {
  const char* const from = static_cast<const char*>(data);
  for (size_t i = 0; i < bytes; i += kCacheLine) __builtin_prefetch(from + i, 0, 2);
}

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <size_t lanes, class Value>
HWY_INLINE void add_row(const Value* leaf, size_t width, Value* to) {
  const hn::CappedTag<Value, lanes> d;
  for (size_t i = 0; i < width; i += hn::Lanes(d))
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, leaf + i)), d, to + i);
}

template <class Value>
HWY_INLINE void add_leaf(const Pass<Value>& pass, uint32_t row, uint32_t pixel) {
  const Value* const leaf = pass.leaves + row * pass.width;
  Value* const to = pass.sums + pixel * pass.width;
  if (pass.width == 1)
    *to += *leaf;
  else if (pass.width == 2)
    add_row<2>(leaf, 2, to);
  else if (pass.width == 4)
    add_row<4>(leaf, 4, to);
  else
    add_row<8>(leaf, pass.width, to);
}

// Writes the pixels of `list` that go left from the front of `parted`, the others from its end, and
// returns how many go left.
HWY_INLINE size_t part_rest(const float* values, float threshold, const uint32_t* list, size_t i,
                            size_t count, size_t left, size_t right, uint32_t* parted) {
  for (; i < count; ++i) {
    const uint32_t pixel = list[i];
    const size_t goes_right = values[pixel] > threshold ? 1 : 0;
    parted[goes_right != 0 ? right - 1 : left] = pixel;
    left += 1 - goes_right;
    right -= goes_right;
  }
  return left;
}

HWY_INLINE size_t part(const float* values, float threshold, const uint32_t* list, size_t count,
                       uint32_t* parted) {
  size_t left = 0, right = count, i = 0;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const hn::CappedTag<uint32_t, 16> d;
  const hn::RebindToFloat<decltype(d)> df;
  const hn::RebindToSigned<decltype(d)> di;
  const auto limit = hn::Set(df, threshold);
  for (; i + 16 <= count; i += 16) {
    const auto pixels = hn::LoadU(d, list + i);
    const auto value = hn::GatherIndex(df, values, hn::BitCast(di, pixels));
    const auto goes_right = hn::RebindMask(d, hn::Gt(value, limit));
    const size_t rights = hn::CountTrue(d, goes_right);
    // There is room for a whole vector: as many pixels as are not yet parted.
    hn::StoreU(hn::Compress(pixels, hn::Not(goes_right)), d, parted + left);
    left += 16 - rights;
    right -= rights;
    hn::CompressBlendedStore(pixels, goes_right, d, parted + right);
  }
#endif
  return part_rest(values, threshold, list, i, count, left, right, parted);
}

// Eight pixels side by side, so that their loads overlap.
template <class Value>
HWY_INLINE void walk_eight(const Pass<Value>& pass, uint32_t root, const uint32_t* list,
                           size_t count) {
  uint32_t place[8];
  const float* row[8];
  for (size_t k = 0; k < 8; ++k) {
    place[k] = root;
    row[k] = pass.rows + list[std::min(k, count - 1)] * pass.row_length;
  }
  for (uint32_t moved = 1; moved != 0;) {
    moved = 0;
    for (size_t k = 0; k < 8; ++k) {
      const PackedNode node = pass.nodes[place[k]];
      const uint32_t next = node.left() + (row[k][node.column()] > node.threshold ? 1U : 0U);
      moved |= next ^ place[k];
      place[k] = next;
    }
  }
  for (size_t k = 0; k < count; ++k) add_leaf(pass, pass.nodes[place[k]].row(), list[k]);
}

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
// `groups` vectors of sixteen pixels side by side; lanes beyond `count` repeat the last pixel.
template <size_t groups, class Value>
HWY_INLINE void walk_vectors(const Pass<Value>& pass, uint32_t root, const uint32_t* list,
                             size_t count) {
  const hn::CappedTag<uint32_t, 16> d;
  const hn::RebindToFloat<decltype(d)> df;
  const hn::RebindToSigned<decltype(d)> di;
  using Vector = hn::Vec<decltype(d)>;
  HWY_ALIGN uint32_t pixel[groups * 16];
  for (size_t k = 0; k < groups * 16; ++k) pixel[k] = list[std::min(k, count - 1)];
  const auto length = hn::Set(d, static_cast<uint32_t>(pass.row_length));
  const auto column_mask = hn::Set(d, static_cast<uint32_t>(PackedNode::kMostColumns - 1));
  const auto one = hn::Set(d, 1U);
  const auto* const thresholds = reinterpret_cast<const float*>(pass.nodes);
  const auto* const links = reinterpret_cast<const uint32_t*>(pass.nodes) + 1;
  Vector place[groups], row[groups];
  for (size_t g = 0; g < groups; ++g) {
    place[g] = hn::Set(d, root);
    row[g] = hn::Mul(hn::Load(d, pixel + g * 16), length);
  }
  for (bool moves = true; moves;) {
    auto moved = hn::Zero(d);
    for (size_t g = 0; g < groups; ++g) {
      const auto node = hn::BitCast(di, hn::Add(place[g], place[g]));
      const auto link = hn::GatherIndex(d, links, node);
      const auto threshold = hn::GatherIndex(df, thresholds, node);
      const auto at = hn::BitCast(di, hn::Add(row[g], hn::And(link, column_mask)));
      const auto goes_right =
          hn::RebindMask(d, hn::Gt(hn::GatherIndex(df, pass.rows, at), threshold));
      const auto next = hn::Add(hn::ShiftRight<PackedNode::kColumnBits>(link),
                                hn::IfThenElseZero(goes_right, one));
      moved = hn::Or(moved, hn::Xor(next, place[g]));
      place[g] = next;
    }
    moves = !hn::AllTrue(d, hn::Eq(moved, hn::Zero(d)));
  }
  HWY_ALIGN uint32_t end[groups * 16];
  for (size_t g = 0; g < groups; ++g) hn::Store(place[g], d, end + g * 16);
  for (size_t k = 0; k < count; ++k) add_leaf(pass, pass.nodes[end[k]].row(), list[k]);
}
#endif

template <class Value>
void walk(const Pass<Value>& pass, uint32_t root, const uint32_t* list, size_t count) {
  size_t i = 0;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  for (; count - i > 32; i += std::min<size_t>(count - i, 64))
    walk_vectors<4>(pass, root, list + i, std::min<size_t>(count - i, 64));
  if (count - i > 16) {
    walk_vectors<2>(pass, root, list + i, count - i);
    return;
  }
  if (count - i > 8) {
    walk_vectors<1>(pass, root, list + i, count - i);
    return;
  }
#endif
  for (; i < count; i += 8) walk_eight(pass, root, list + i, std::min<size_t>(count - i, 8));
}

// Both children are leaves: added at once.
template <class Value>
HWY_INLINE void add_either(const Pass<Value>& pass, const PackedNode& node, const float* values,
                           const uint32_t* list, size_t count) {
  const PackedNode* const leaves = pass.nodes + node.left();
  const uint32_t row[2] = {leaves[0].row(), leaves[1].row()};
  if (pass.width == 1) {
    const Value value[2] = {pass.leaves[row[0]], pass.leaves[row[1]]};
    for (size_t i = 0; i < count; ++i)
      pass.sums[list[i]] += value[values[list[i]] > node.threshold ? 1 : 0];
  } else {
    for (size_t i = 0; i < count; ++i)
      add_leaf(pass, row[values[list[i]] > node.threshold ? 1 : 0], list[i]);
  }
}

// The pixels of `list` from node `place` on. Both buffers are overwritten.
template <class Value>
void descend(const Pass<Value>& pass, uint32_t place, uint32_t* list, uint32_t* other, size_t count,
             int level) {
  for (; count > 0; ++level) {
    const PackedNode node = pass.nodes[place];
    if (node.is_leaf()) {
      for (size_t i = 0; i < count; ++i) add_leaf(pass, node.row(), list[i]);
      return;
    }
    const float* const values = pass.columns[node.column()] + pass.first;
    if (pass.nodes[node.left()].is_leaf() && pass.nodes[node.left() + 1].is_leaf())
      return add_either(pass, node, values, list, count);
    if (count <= kFew || level >= kDeepest) return walk(pass, place, list, count);
    const size_t left = part(values, node.threshold, list, count, other);
    descend(pass, node.left(), other, list, left, level + 1);
    place = node.left() + 1;
    list += left;
    other += left;
    std::swap(list, other);
    count -= left;
  }
}

// Rows of the pixels' values, for walks.
void transpose(const float* const* columns, size_t column_count, size_t first, size_t pixels,
               float* rows) {
  constexpr size_t kTile = 16;
  for (size_t p = 0; p < pixels; p += kTile) {
    const size_t end = std::min(pixels, p + kTile);
    for (size_t c = 0; c < column_count; ++c)
      for (size_t q = p; q < end; ++q) rows[q * column_count + c] = columns[c][first + q];
  }
}

template <class Value>
void add_trees_to(const PackedTrees<Value>& trees, const float* const* columns, size_t pixels,
                  Value* sums, size_t stride, TreeScratch& scratch) {
  const size_t per_pixel = 8 * trees.columns + sizeof(Value) * trees.width + 8;
  const size_t most = std::clamp(kPassBytes / per_pixel / 16 * 16, kFewestPixels, kPixelsPerPass);
  scratch.rows.resize(most * trees.columns);
  scratch.here.resize(most + kListSlack);
  scratch.there.resize(most + kListSlack);
  for (size_t first = 0; first < pixels; first += most) {
    const size_t count = std::min(most, pixels - first);
    transpose(columns, trees.columns, first, count, scratch.rows.data());
    for (size_t t = 0; t < trees.trees.size(); ++t) {
      const auto& tree = trees.trees[t];
      if (t + 1 < trees.trees.size()) {
        prefetch(trees.trees[t + 1].nodes.data(), trees.trees[t + 1].nodes.size_bytes());
        prefetch(trees.trees[t + 1].leaves.data(), trees.trees[t + 1].leaves.size_bytes());
      }
      for (size_t i = 0; i < count; ++i) scratch.here[i] = static_cast<uint32_t>(i);
      const Pass<Value> pass{tree.nodes.data(),
                             tree.leaves.data(),
                             columns,
                             first,
                             scratch.rows.data(),
                             trees.columns,
                             sums + tree.output * stride + first * trees.width,
                             trees.width};
      descend(pass, 0, scratch.here.data(), scratch.there.data(), count, 0);
    }
  }
}

#define DEFINE(Value, suffix)                                                                \
  void add_trees_##suffix(const PackedTrees<Value>& trees, const float* const* columns,      \
                          size_t pixels, Value* sums, size_t stride, TreeScratch& scratch) { \
    add_trees_to(trees, columns, pixels, sums, stride, scratch);                             \
  }
DEFINE(float, f32)
DEFINE(double, f64)
DEFINE(uint32_t, u32)
#undef DEFINE

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {
HWY_EXPORT(add_trees_f32);
HWY_EXPORT(add_trees_f64);
HWY_EXPORT(add_trees_u32);
}  // namespace

template <>
void add_trees(const PackedTrees<float>& trees, const float* const* columns, size_t pixels,
               float* sums, size_t stride, TreeScratch& scratch) {
  HWY_DYNAMIC_DISPATCH(add_trees_f32)(trees, columns, pixels, sums, stride, scratch);
}
template <>
void add_trees(const PackedTrees<double>& trees, const float* const* columns, size_t pixels,
               double* sums, size_t stride, TreeScratch& scratch) {
  HWY_DYNAMIC_DISPATCH(add_trees_f64)(trees, columns, pixels, sums, stride, scratch);
}
template <>
void add_trees(const PackedTrees<uint32_t>& trees, const float* const* columns, size_t pixels,
               uint32_t* sums, size_t stride, TreeScratch& scratch) {
  HWY_DYNAMIC_DISPATCH(add_trees_u32)(trees, columns, pixels, sums, stride, scratch);
}

}  // namespace geoloom::kernels
#endif
