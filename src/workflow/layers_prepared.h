// SPDX-License-Identifier: Apache-2.0
// What the block ops of a chain made of the layers they are given as a whole. One is kept for each
// op, as long as the next item has the same files, so a model is read once per worker.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "workflow/op.h"

namespace geoloom::workflow {

class LayersPrepared {
 public:
  std::shared_ptr<const Prepared> get(size_t node, const BlockOp& op,
                                      const std::shared_ptr<const Prepared>& from_files,
                                      std::span<const LayerFile> files) {
    std::string identity;
    for (const auto& file : files) identity += file.identity() + "\n";
    // Held while it is made: the others would only make it once more.
    const std::lock_guard lock(mutex_);
    auto& kept = by_node_[node];
    if (kept.prepared == nullptr || kept.identity != identity)
      kept = {std::move(identity), op.prepare_layers(from_files, files)};
    return kept.prepared;
  }

 private:
  struct Kept {
    std::string identity;
    std::shared_ptr<const Prepared> prepared;
  };
  std::mutex mutex_;
  std::map<size_t, Kept> by_node_;
};

}  // namespace geoloom::workflow
