// SPDX-License-Identifier: Apache-2.0
// The one handler behind every transport: execute(run, step, item) -> done, empty, cached, or an
// Error.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "engine/block_layout.h"
#include "engine/budget.h"
#include "engine/loom.h"
#include "engine/receipts.h"
#include "engine/run_state.h"
#include "engine/work_queue.h"
#include "store/store.h"

namespace geoloom::engine {

// What an attempt took, as far as it came.
struct AttemptCost {
  StageSeconds seconds;
  size_t memory_bytes = 0;  // its ticket
};

enum class Outcome { done, empty, cached };

struct HandlerParts {
  const workflow::Run& run;
  RunState& state;
  store::Store& store;
  ReceiptBook& book;
  MemoryBudget& budget;
  TaskPool& cores;
  TaskPool& reads;
  raster::AssetPool& datasets;
  const store::Scratch& scratch;
  const std::atomic<bool>& stop;
  unsigned items_in_flight = 1;
  std::function<void(double)> task_progress;  // share done of a task
  AttemptCost* cost = nullptr;                // see LoomParts
};

// What one item's chain made, not committed yet.
struct WovenItem {
  WeaveResult result;
  workflow::ItemPlan plan;  // without the dropped scenes
  BlockLayout layout;
};

// What weaving needs of the process.
struct LoomParts {
  MemoryBudget& budget;
  TaskPool& cores;
  TaskPool& reads;
  raster::AssetPool& datasets;
  const std::string& scratch_folder;
  const std::atomic<bool>& stop;
  unsigned items_in_flight = 1;
  AttemptCost* cost = nullptr;  // told what was spent, whether or not it came to anything
};

// Carries out a chain on one item. A scene that cannot be read is left out of the whole item, never
// of some blocks only, and the item is woven again; so the result does not depend on where in the
// item the scene broke. `layers` may be null for a chain that reads none. Throws Error.
WovenItem weave_item(const workflow::StepRun& step, workflow::ItemPlan plan,
                     const workflow::Layers* layers, const LoomParts& parts);
std::vector<std::string> scene_labels(const workflow::ItemPlan& plan);

class ItemHandler {
 public:
  explicit ItemHandler(const HandlerParts& parts) : parts_(parts) {}
  Outcome execute(const WorkMessage& message) const;

 private:
  Outcome execute_chain(const WorkMessage& message) const;
  Outcome execute_task(const WorkMessage& message) const;
  Outcome commit(const WorkMessage& message, Receipt receipt,
                 std::vector<workflow::Product> products) const;
  void put(const workflow::Product& product, Output& output) const;
  // Whether the item has a receipt that counts.
  bool adopt(const WorkMessage& message, const std::string& fingerprint) const;
  Receipt new_receipt(const WorkMessage& message, const std::string& fingerprint) const;

  HandlerParts parts_;
};

// Version and source revision; equal for binaries that promise equal bytes.
std::string build_identity();
// Location-free facts for a file: op chain and parameters, grid, build, scenes.
workflow::Provenance provenance_of(const workflow::Chain& chain, const geo::Grid& grid,
                                   const std::vector<std::string>& scenes,
                                   const std::vector<workflow::Dropped>& dropped);

}  // namespace geoloom::engine
