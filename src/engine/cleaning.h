// SPDX-License-Identifier: Apache-2.0
// Removing what runs made. A plan says what would go; carrying it out is safe to interrupt:
// receipts go before the files they promise, and a file without receipt is one that `orphans`
// finds.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "store/store.h"
#include "workflow/registry.h"

namespace geoloom::engine {

struct CleaningPlan {
  struct File {
    std::string name;  // in the store
    int64_t bytes = 0;
  };
  std::vector<std::string> runs;
  std::vector<File> friendly;          // copies and lists with friendly names; go first
  std::set<std::string> fingerprints;  // receipts that are void then
  std::vector<File> files;             // what they promised, or orphans
  std::vector<File> records;           // run records, attempts, trials; go last
  size_t shared_receipts = 0;          // kept, because other runs refer to them
  int64_t bytes() const;
  size_t objects() const;
};

// What the runs made and no other run of the store refers to. Throws Error: missing (no such run),
// invalid (the record of another run cannot be read, so what it refers to is not known).
CleaningPlan plan_cleaning(store::Store& store, const workflow::Registry& registry,
                           const std::vector<std::string>& runs);
// Files below layers/ that no receipt knows and that are older than `age_s`: what killed attempts
// left. Younger ones may belong to an item that is being committed.
CleaningPlan plan_orphans(store::Store& store, int64_t age_s);

// Throws Error(unavailable) while a process of this machine works in a folder store: its records
// would be lost. Buckets do not tell who works in them.
void carry_out(const CleaningPlan& plan, store::Store& store);

}  // namespace geoloom::engine
