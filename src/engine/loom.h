// SPDX-License-Identifier: Apache-2.0
// The loom: carries out one chain on one item, fused, block by block, in memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/attempts.h"
#include "engine/block_layout.h"
#include "engine/task_pool.h"
#include "error/error.h"
#include "raster/asset_pool.h"
#include "workflow/run.h"

namespace geoloom::engine {

// Which nodes still have the time axis of the source, and whether the chain can be fed batch by
// batch: one source, whose slices reach only pointwise ops and streaming reducers.
struct TimeModes {
  bool streaming = false;
  std::vector<bool> timeful;  // by node
};
TimeModes time_modes(const workflow::Chain& chain, const workflow::ItemPlan& plan);

// How many pixels around a window each node must deliver so that all halos after it are served.
std::vector<int> halo_needs(const workflow::Chain& chain, const workflow::ItemPlan& plan);

// A source's slice that could not be read; the runner decides whether that is tolerated.
class UnreadableSlice : public Error {
 public:
  UnreadableSlice(const Error& error, size_t node_index, std::string label)
      : Error(error), node(node_index), scene(std::move(label)) {}
  size_t node;
  std::string scene;
};

struct WeaveResult {
  std::vector<workflow::Product> products;
  // Wall time; computing and encoding overlap, and share their time by what threads did.
  double read_seconds = 0;
  double compute_seconds = 0;
  double encode_seconds = 0;
  uint64_t clipped_at_load = 0;
};

class Loom {
 public:
  // `cores` compute and encode, `reads` read and decode; handles come from `datasets`.
  Loom(TaskPool& cores, TaskPool& reads, raster::AssetPool& datasets)
      : cores_(cores), reads_(reads), datasets_(datasets) {}
  // Throws UnreadableSlice, Error(cancelled) soon after stop is set, and what ops throw. What was
  // spent is added to `spent`, if given, also then.
  WeaveResult weave(const workflow::StepRun& step, const workflow::ItemPlan& plan,
                    const BlockLayout& layout, const workflow::SinkContext& context,
                    const std::atomic<bool>& stop, StageSeconds* spent = nullptr) const;

 private:
  TaskPool& cores_;
  TaskPool& reads_;
  raster::AssetPool& datasets_;
};

}  // namespace geoloom::engine
