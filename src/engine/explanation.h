// SPDX-License-Identifier: Apache-2.0
// Why items of a run are to be made: what has changed since they were made last, item by item and
// grouped. Receipts tell which run made an item last, and that run's record what it was made of.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/receipts.h"
#include "engine/run_session.h"
#include "engine/run_state.h"

namespace geoloom::engine {

// One thing that is other than it was.
struct Change {
  // In the order in which they explain a group of items: what comes first is told.
  enum class Kind {
    never_made,
    unknown,  // what it reads is not made yet
    too_old,
    files_gone,
    ops,     // other ops, parameters or versions
    tables,  // files that ops read
    grid,
    scenes,  // more, fewer, excluded, changed
    layers,  // pixels of layers it reads
    other,
  };
  Kind kind = Kind::other;
  std::string text;  // without names of scenes: "reclass.value: 1 -> 2", "scenes more"
  std::vector<std::string> scenes;

  // "1 scene more (S2A_20180501)"
  std::string told() const;
};

struct ItemExplanation {
  bool hit = false;
  const Receipt* receipt = nullptr;  // of a hit; else the last one of the item, if there is one
  std::vector<Change> changes;       // of a miss, at least one; by kind
};

struct StepExplanation {
  // Items that share their reasons; the largest group first.
  struct Group {
    std::string reason;
    std::vector<size_t> items;
    bool made_before = false;  // all of them were
  };
  std::string step;
  size_t items = 0, hits = 0;
  std::vector<Group> groups;

  size_t misses() const { return items - hits; }
  // "composite: 12 of 400 items: 1 scene more (S2A_20180501)", a line per group; of those that were
  // made before alone, when `made_before`.
  std::vector<std::string> lines(bool made_before) const;
};

// Looks at the runs of the store when it is asked; not thread-safe. All arguments outlive it.
class Explainer {
 public:
  // `state` has the receipts that count for the run: see survey() and RunSession::adopt().
  Explainer(const workflow::Run& run, const store::Store& store, const ReceiptBook& book,
            const RunState& state);
  ~Explainer();
  Explainer(const Explainer&) = delete;
  Explainer& operator=(const Explainer&) = delete;

  StepExplanation step(size_t step);
  ItemExplanation item(size_t step, size_t item);

 private:
  struct EarlierRun;
  ItemExplanation looked_at(size_t step, size_t item);
  std::vector<Change> changes_of(size_t step, size_t item, const Receipt*& last);
  std::vector<Change> since(size_t step, size_t item, const Receipt& last);
  void compare_plans(const workflow::StepRun& now, const workflow::Item& item,
                     const workflow::StepRun& then, const workflow::Item& then_item,
                     std::vector<Change>& changes) const;
  Change layers_changed(size_t step) const;
  EarlierRun* earlier(const std::string& run_id);
  void find_last(size_t step, const std::vector<size_t>& items);

  const workflow::Run& run_;
  const store::Store& store_;
  const ReceiptBook& book_;
  const RunState& state_;
  std::unordered_map<std::string, const Receipt*> last_;  // by item, of the step looked at
  std::map<std::string, std::unique_ptr<EarlierRun>> earlier_;
};

// Takes over the receipts that count for a step's items, and says of the others that were made
// before why they are made again: a line for each group. Quick where nothing was made before.
std::vector<std::string> lines_before_step(RunSession& session, size_t step);

}  // namespace geoloom::engine
