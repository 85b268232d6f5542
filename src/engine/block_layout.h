// SPDX-License-Identifier: Apache-2.0
// Which blocks an item is read and computed in. Blocks never change a byte of the result; they
// decide memory, and how often a compressed block of a source is decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "geo/grid.h"
#include "workflow/run.h"

namespace geoloom::engine {

// What a chain needs for one item, from the plan of its nodes.
struct ChainCost {
  size_t slices = 0;
  size_t source_bytes_per_pixel_slice = 0;
  size_t strip_bytes_per_pixel = 0;        // intermediate results when all slices are there at once
  size_t strip_bytes_per_pixel_slice = 0;  // of those, the part that grows with the batch
  size_t state_bytes_per_pixel = 0;        // streaming reducers
  bool streaming = false;                  // no node needs all slices at once
  int64_t halo_pixels = 0;                 // that sources read, and ops compute, around each block
  bool remote = false;  // sources over a network: as few and as large requests as can be
  int64_t source_block_width = 256, source_block_height = 256;
  int64_t source_block_origin_x = 0, source_block_origin_y = 0;
  bool blocks_lie_across = false;  // no window ends where source blocks do, or there is a halo
  int64_t least_strip_pixels = 0;  // that a node asks for
  size_t sink_bytes = 0;
  size_t resident_bytes = 0;        // of models and the like
  size_t read_bytes_per_pixel = 0;  // that one read holds beside the block
  size_t read_bytes = 0;            // the same, whatever the block
};
ChainCost cost_of(const workflow::Chain& chain, const workflow::ItemPlan& plan);

// While one batch of a streaming chain is computed with, the next is read.
inline constexpr size_t kBatchesOnTheirWay = 2;

struct BlockLayout {
  int64_t block_width = 0, block_height = 0;  // blocks start at origin + k * size
  int64_t origin_x = 0, origin_y = 0;
  size_t batch_slices = 0;   // read together; of a streaming chain kBatchesOnTheirWay are in memory
  int64_t strip_pixels = 0;  // a strip has about that many
  int64_t least_strip_rows = 1;  // where the block is that high
  size_t memory_bytes = 0;
  // Pixels of source blocks decoded per pixel of the window, 1 at best.
  double read_amplification = 1;
};

// The largest blocks that respect the sources' tiling within preferred_bytes; else within
// limit_bytes; else parts of source blocks, decoded again. Throws Error(resource) that names the
// smallest sufficient memory.
BlockLayout choose_layout(const ChainCost& cost, const geo::Window& window, size_t preferred_bytes,
                          size_t limit_bytes, unsigned threads, unsigned reads);
// The least memory any layout of the window needs.
size_t smallest_memory(const ChainCost& cost, const geo::Window& window, unsigned threads,
                       unsigned reads);
// The blocks of a window, row by row.
std::vector<geo::Window> blocks_of(const BlockLayout& layout, const geo::Window& window);

}  // namespace geoloom::engine
