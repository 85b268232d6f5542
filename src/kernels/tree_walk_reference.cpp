// SPDX-License-Identifier: Apache-2.0
#include "kernels/tree_walk.h"

namespace geoloom::kernels::reference {

template <class Value>
void add_trees(const PackedTrees<Value>& trees, const float* const* columns, size_t pixels,
               Value* sums, size_t stride) {
  for (size_t p = 0; p < pixels; ++p) {
    for (const auto& tree : trees.trees) {
      const PackedNode* node = tree.nodes.data();
      while (!node->is_leaf()) {
        const bool right = columns[node->column()][p] > node->threshold;
        node = tree.nodes.data() + node->left() + (right ? 1 : 0);
      }
      const Value* const leaf = tree.leaves.data() + node->row() * trees.width;
      Value* const to = trees.width == 1 ? sums + tree.output * stride + p : sums + p * trees.width;
      for (size_t i = 0; i < trees.width; ++i) to[i] += leaf[i];
    }
  }
}

template void add_trees(const PackedTrees<float>&, const float* const*, size_t, float*, size_t);
template void add_trees(const PackedTrees<double>&, const float* const*, size_t, double*, size_t);
template void add_trees(const PackedTrees<uint32_t>&, const float* const*, size_t, uint32_t*,
                        size_t);

}  // namespace geoloom::kernels::reference
