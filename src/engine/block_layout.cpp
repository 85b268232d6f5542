// SPDX-License-Identifier: Apache-2.0
#include "engine/block_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/loom.h"
#include "error/error.h"

namespace geoloom::engine {
namespace {

// Small source blocks are read several at a time.
constexpr int64_t kLeastBlockEdge = 256;
constexpr int64_t kSmallestEdge = 16;
// Intermediate results of one strip stay in a core's second level cache.
constexpr size_t kStripBytes = size_t{512} << 10;
constexpr int64_t kLeastStripPixels = 256;
// What ops that look at neighbours need beyond a strip is computed for each strip again: strips are
// that many halos high, so that this is at most half of the work.
constexpr int64_t kStripHalos = 4;
constexpr size_t kMostBatchSlices = 64;
// More slices at once than every read needs are no gain, and memory that is used again is warm.
constexpr size_t kWarmBatchBytes = size_t{48} << 20;
constexpr unsigned kBatchSlicesPerRead = 2;
constexpr int64_t kRequestsAhead = 64;  // over a network

int64_t floor_div(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

int64_t strip_pixels(const ChainCost& cost, size_t batch) {
  const size_t per_pixel = cost.streaming ? cost.strip_bytes_per_pixel_slice * batch + 1
                                          : cost.strip_bytes_per_pixel + 1;
  return std::max(
      {kLeastStripPixels, cost.least_strip_pixels, static_cast<int64_t>(kStripBytes / per_pixel)});
}

int64_t least_strip_rows(const ChainCost& cost, int64_t height, unsigned threads) {
  const int64_t share = (height + threads - 1) / std::max(1U, threads);
  return std::max<int64_t>(1, std::min(kStripHalos * cost.halo_pixels, share));
}

size_t memory_of(const ChainCost& cost, int64_t width, int64_t height, size_t batch,
                 unsigned threads, unsigned reads) {
  const auto grown =
      static_cast<size_t>((width + 2 * cost.halo_pixels) * (height + 2 * cost.halo_pixels));
  const int64_t rows =
      std::min(height, std::max(strip_pixels(cost, batch) / std::max<int64_t>(1, width) + 1,
                                least_strip_rows(cost, height, threads)));
  const auto strip =
      static_cast<size_t>((width + 2 * cost.halo_pixels) * (rows + 2 * cost.halo_pixels));
  const size_t per_strip_pixel =
      cost.streaming ? cost.strip_bytes_per_pixel_slice * batch + cost.strip_bytes_per_pixel
                     : cost.strip_bytes_per_pixel;
  const size_t slices = batch * (cost.streaming ? kBatchesOnTheirWay : 1);
  return grown * cost.source_bytes_per_pixel_slice * slices + grown * cost.state_bytes_per_pixel +
         threads * strip * per_strip_pixel +
         reads * (grown * cost.read_bytes_per_pixel + cost.read_bytes) + cost.sink_bytes +
         cost.resident_bytes;
}

size_t best_batch(const ChainCost& cost, int64_t width, int64_t height, size_t limit,
                  unsigned threads, unsigned reads) {
  if (!cost.streaming) return cost.slices;
  const size_t most = std::min(cost.slices, kMostBatchSlices);
  const size_t busy = size_t{kBatchSlicesPerRead} * reads;
  const auto slice_bytes =
      static_cast<size_t>((width + 2 * cost.halo_pixels) * (height + 2 * cost.halo_pixels)) *
      cost.source_bytes_per_pixel_slice;
  for (size_t batch = most; batch > 1; batch /= 2) {
    const bool warm = batch <= busy || kBatchesOnTheirWay * batch * slice_bytes <= kWarmBatchBytes;
    if (warm && memory_of(cost, width, height, batch, threads, reads) <= limit) return batch;
  }
  return std::min<size_t>(1, cost.slices);
}

// Shares of source blocks that an axis cut into parts decodes, per pixel needed.
double axis_amplification(int64_t start, int64_t length, int64_t part, int64_t part_origin,
                          int64_t block, int64_t block_origin) {
  int64_t decoded = 0;
  for (int64_t at = start; at < start + length;) {
    const int64_t end =
        std::min(start + length, (floor_div(at - part_origin, part) + 1) * part + part_origin);
    const int64_t first = floor_div(at - block_origin, block),
                  last = floor_div(end - 1 - block_origin, block);
    decoded += (last - first + 1) * block;
    at = end;
  }
  return static_cast<double>(decoded) / static_cast<double>(length);
}

// Where blocks lie across, each part decodes about a block more than it is long.
double axis_amplification_across(int64_t length, int64_t part, int64_t block) {
  const int64_t parts = (length + part - 1) / part;
  return static_cast<double>(length + parts * block) / static_cast<double>(length);
}

struct Edge {
  int64_t width, height;
};

// Where source blocks lie across the grid, those on the border of two windows are decoded for both:
// from the whole window down to groups of source blocks.
std::vector<Edge> halves_of(const geo::Window& window, Edge least) {
  std::vector<Edge> edges;
  for (Edge edge{window.width, window.height};
       edge.width > least.width || edge.height > least.height;) {
    edges.push_back(edge);
    const bool across =
        edge.height <= least.height || (edge.width > edge.height && edge.width > least.width);
    int64_t& longer = across ? edge.width : edge.height;
    longer = std::max(across ? least.width : least.height, (longer + 1) / 2);
  }
  return edges;
}

// Over a network a row of source blocks is one request whatever its length, and many requests on
// their way at once are what hides the distance: whole rows, and several of them where slices are
// few. Widths go down to half a row, then a quarter, and so on.
std::vector<Edge> rows_of_blocks(const ChainCost& cost, const geo::Window& window, Edge least) {
  std::vector<Edge> edges;
  const auto slices = static_cast<int64_t>(std::max<size_t>(1, cost.slices));
  const int64_t rows = std::clamp<int64_t>(kRequestsAhead / slices, 1, window.height);
  for (int64_t r = rows; r > 1; r /= 2)
    edges.push_back({window.width, std::min(window.height, r * least.height)});
  for (int64_t width = window.width; width > least.width;
       width = std::max(least.width, width / 2 / least.width * least.width))
    edges.push_back({width, least.height});
  return edges;
}

// From whole groups of source blocks down to slivers of one, in the order they are tried.
std::vector<Edge> candidates(const ChainCost& cost, const geo::Window& window) {
  const auto grouped = [](int64_t block, int64_t length) {
    const int64_t groups = (kLeastBlockEdge + block - 1) / block;
    return block >= length ? length : std::min(length, groups * block);
  };
  Edge edge{grouped(cost.source_block_width, window.width),
            grouped(cost.source_block_height, window.height)};
  std::vector<Edge> edges;
  if (cost.remote)
    edges = rows_of_blocks(cost, window, edge);
  else if (cost.blocks_lie_across)
    edges = halves_of(window, edge);
  edges.push_back(edge);
  const auto halve = [](int64_t edge_length, int64_t block) {
    // Whole source blocks as long as there are several in the group, then parts of one.
    if (edge_length > block) return std::max(block, edge_length / 2 / block * block);
    return std::max<int64_t>(1, edge_length / 2);
  };
  while (edge.height > kSmallestEdge || edge.width > kSmallestEdge) {
    if (edge.height > std::min(cost.source_block_height, kSmallestEdge) && edge.height > 1)
      edge.height = halve(edge.height, cost.source_block_height);
    else if (edge.width > kSmallestEdge)
      edge.width = halve(edge.width, cost.source_block_width);
    else
      break;
    edges.push_back(edge);
  }
  return edges;
}

BlockLayout layout_of(const ChainCost& cost, const geo::Window& window, const Edge& edge,
                      size_t limit, unsigned threads, unsigned reads) {
  BlockLayout layout;
  layout.block_width = edge.width;
  layout.block_height = edge.height;
  // A block as wide as the window starts with it; others start with the sources' blocks.
  layout.origin_x = edge.width >= window.width ? window.x : cost.source_block_origin_x;
  layout.origin_y = edge.height >= window.height ? window.y : cost.source_block_origin_y;
  layout.batch_slices = best_batch(cost, edge.width, edge.height, limit, threads, reads);
  layout.strip_pixels = strip_pixels(cost, layout.batch_slices);
  layout.least_strip_rows = least_strip_rows(cost, edge.height, threads);
  layout.memory_bytes =
      memory_of(cost, edge.width, edge.height, layout.batch_slices, threads, reads);
  if (cost.blocks_lie_across) {
    layout.read_amplification =
        axis_amplification_across(window.width, layout.block_width, cost.source_block_width) *
        axis_amplification_across(window.height, layout.block_height, cost.source_block_height);
    return layout;
  }
  layout.read_amplification =
      axis_amplification(window.x, window.width, layout.block_width, layout.origin_x,
                         cost.source_block_width, cost.source_block_origin_x) *
      axis_amplification(window.y, window.height, layout.block_height, layout.origin_y,
                         cost.source_block_height, cost.source_block_origin_y);
  return layout;
}

}  // namespace

ChainCost cost_of(const workflow::Chain& chain, const workflow::ItemPlan& plan) {
  ChainCost cost;
  const auto modes = time_modes(chain, plan);
  cost.streaming = modes.streaming;
  const auto needs = halo_needs(chain, plan);
  for (size_t n = 0; n < chain.nodes.size(); ++n) {
    const auto& node = plan.nodes[n];
    const auto kind = chain.nodes[n].kind();
    if (kind == workflow::OpKind::source) {
      cost.slices = std::max(cost.slices, node.source.members.size());
      cost.source_bytes_per_pixel_slice += node.source.schema.bytes_per_pixel(1);
      cost.halo_pixels = std::max<int64_t>(cost.halo_pixels, needs[n]);
      cost.read_bytes_per_pixel =
          std::max(cost.read_bytes_per_pixel, node.source.scratch_bytes_per_pixel);
      cost.read_bytes = std::max(cost.read_bytes, node.source.scratch_bytes);
      cost.remote = cost.remote || node.source.remote;
      cost.blocks_lie_across = cost.blocks_lie_across || node.source.blocks_lie_across;
      cost.source_block_width = node.source.block_width;
      cost.source_block_height = node.source.block_height;
      cost.source_block_origin_x = node.source.block_origin_x;
      cost.source_block_origin_y = node.source.block_origin_y;
    } else if (kind == workflow::OpKind::block) {
      cost.resident_bytes += node.resident_bytes;
      cost.least_strip_pixels = std::max(cost.least_strip_pixels, node.least_strip_pixels);
      size_t bytes = node.scratch_bytes_per_pixel;
      for (const auto& output : node.outputs)
        bytes += output.bytes_per_pixel(modes.timeful[n] ? 1 : output.slices.size());
      if (modes.streaming && modes.timeful[n])
        cost.strip_bytes_per_pixel_slice += bytes;
      else if (modes.timeful[n])
        cost.strip_bytes_per_pixel +=
            bytes * std::max<size_t>(1, node.outputs.front().slices.size());
      else
        cost.strip_bytes_per_pixel += bytes;
      if (modes.streaming && node.time_need == workflow::TimeNeed::streaming)
        cost.state_bytes_per_pixel += node.state_bytes_per_pixel;
      else if (node.time_need == workflow::TimeNeed::streaming)
        cost.strip_bytes_per_pixel += node.state_bytes_per_pixel;
    } else {
      const auto& input = chain.nodes[n].inputs.front();
      cost.sink_bytes += chain.nodes[n].sink().memory_bytes(
          plan.item.grid, plan.nodes[input.node].outputs[input.output]);
    }
  }
  // With a halo no window ends where source blocks do, and what lies around it is computed again.
  cost.blocks_lie_across = cost.blocks_lie_across || cost.halo_pixels > 0;
  return cost;
}

BlockLayout choose_layout(const ChainCost& cost, const geo::Window& window, size_t preferred_bytes,
                          size_t limit_bytes, unsigned threads, unsigned reads) {
  const auto edges = candidates(cost, window);
  const auto best =
      layout_of(cost, window, edges.front(), preferred_bytes, threads, reads).read_amplification;
  // Fewer slices at once than reads would leave reads idle, which larger blocks do not make up for.
  const size_t fewest =
      cost.streaming && cost.blocks_lie_across ? std::min<size_t>(cost.slices, reads) : 1;
  const double worst = cost.blocks_lie_across ? HUGE_VAL : best * 1.001;
  // First choice: no source block decoded twice, even if that means one item at a time; where they
  // lie across, which cannot be had, the largest window.
  for (const size_t limit : {preferred_bytes, limit_bytes}) {
    for (const auto& edge : edges) {
      const auto layout = layout_of(cost, window, edge, limit, threads, reads);
      if (layout.memory_bytes <= limit && layout.read_amplification <= worst &&
          std::min(layout.batch_slices, cost.slices) >= fewest)
        return layout;
    }
  }
  BlockLayout layout;
  for (const auto& edge : edges) {
    layout = layout_of(cost, window, edge, limit_bytes, threads, reads);
    if (layout.memory_bytes <= limit_bytes) return layout;
  }
  throw Error(
      ErrorCode::resource,
      fmt::format(
          "{} slices need at least {} MiB for pixels at {} x {} pixels a block; there are {} MiB",
          cost.slices, (layout.memory_bytes >> 20) + 1, layout.block_width, layout.block_height,
          limit_bytes >> 20))
      .hint(
          fmt::format("raise --memory by {} MiB", ((layout.memory_bytes - limit_bytes) >> 20) + 1));
}

size_t smallest_memory(const ChainCost& cost, const geo::Window& window, unsigned threads,
                       unsigned reads) {
  size_t least = SIZE_MAX;
  for (const auto& edge : candidates(cost, window))
    least = std::min(least, layout_of(cost, window, edge, 0, threads, reads).memory_bytes);
  return least;
}

std::vector<geo::Window> blocks_of(const BlockLayout& layout, const geo::Window& window) {
  std::vector<geo::Window> blocks;
  const auto end_of = [](int64_t at, int64_t size, int64_t origin) {
    return (floor_div(at - origin, size) + 1) * size + origin;
  };
  for (int64_t y = window.y; y < window.bottom();) {
    const int64_t bottom =
        std::min(window.bottom(), end_of(y, layout.block_height, layout.origin_y));
    for (int64_t x = window.x; x < window.right();) {
      const int64_t right =
          std::min(window.right(), end_of(x, layout.block_width, layout.origin_x));
      blocks.push_back({x, y, right - x, bottom - y});
      x = right;
    }
    y = bottom;
  }
  return blocks;
}

}  // namespace geoloom::engine
