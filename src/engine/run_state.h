// SPDX-License-Identifier: Apache-2.0
// Which items of a run have receipts, and the layers those receipts make.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/receipts.h"
#include "store/store.h"
#include "workflow/run.h"

namespace geoloom::engine {

class RunState : public workflow::Layers {
 public:
  RunState(const workflow::Run& run, const store::Store& store);
  void set(size_t step, size_t item, const Receipt* receipt);
  // Steps of the run that waited have items now; nobody else may use the state meanwhile.
  void run_changed();
  const Receipt* receipt(size_t step, size_t item) const;
  const store::Store& store() const { return store_; }

  const workflow::LayerInfo& info(const std::string& layer) const override;
  std::vector<Entry> files(const std::string& layer, const workflow::Item& item) const override;
  std::vector<workflow::LayerFile> files(const std::string& layer, const workflow::Item& item,
                                         const workflow::LayerSelection& selection) const override;

 private:
  std::optional<workflow::LayerFile> file_at(const std::string& layer, size_t step,
                                             size_t item) const;
  size_t producer(const std::string& layer) const;
  // Names, without labels, of a step's items whose files an item reads.
  std::vector<std::string> parts_for(const workflow::Item& item,
                                     const workflow::StepRun& producing) const;
  const std::unordered_map<std::string, size_t>& places_of(size_t step) const;

  const workflow::Run& run_;
  const store::Store& store_;
  mutable std::mutex mutex_;
  std::vector<std::vector<const Receipt*>> receipts_;  // by step and item
  // By step: where the item of a name stands; made when first asked for.
  mutable std::vector<std::unordered_map<std::string, size_t>> places_;
};

// Finds the receipts that exist for a run, step by step; what has none is left to do.
struct Survey {
  struct StepCount {
    size_t items = 0, done = 0, empty = 0;  // items without those of trials that were given up
    std::string skipped;  // why its items are not wanted, see control_flow.h; empty: they are
    std::string waits;    // why its items are not known yet; empty: they are
  };
  std::vector<StepCount> steps;
  std::vector<std::vector<std::string>>
      fingerprints;  // by step and item; empty text: not known before its inputs are made, or
                     // of a step that is skipped
};
Survey survey(const workflow::Run& run, const ReceiptBook& book, RunState& state);

}  // namespace geoloom::engine
