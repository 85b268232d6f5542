// SPDX-License-Identifier: Apache-2.0
// What items were made of, within a run: which items of earlier steps each one reads, and from
// there to scenes; and the other way, what a scene went into.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/run_state.h"

namespace geoloom::engine {

// A step of a run and an item of it, by index.
using ItemAt = std::pair<size_t, size_t>;

class Lineage {
 public:
  // Both outlive it. `state` has the receipts there are: see survey().
  Lineage(const workflow::Run& run, const RunState& state);

  // The items whose layers an item reads itself, as far as they are made.
  std::set<ItemAt> inputs(const ItemAt& item) const;
  // All that an item was made of, itself included.
  std::set<ItemAt> ancestors(const ItemAt& item) const;
  // All made items that the given ones went into, these included. Looks at every item of the steps
  // that read one of their layers.
  std::set<ItemAt> descendants(const std::set<ItemAt>& items) const;
  // The made items that read a scene of that name.
  std::set<ItemAt> readers(const std::string& scene) const;
  // Names of the scenes that any of the items read.
  std::set<std::string> scenes(const std::set<ItemAt>& items) const;

 private:
  const workflow::Run& run_;
  const RunState& state_;
  std::vector<std::unordered_map<std::string, size_t>> items_by_name_;  // by step
};

}  // namespace geoloom::engine
