// SPDX-License-Identifier: Apache-2.0
// What a process has for pixels (memory, cores, reads in flight, open scenes), shared by everything
// it works on: one run, or the tasks of many runs.
#pragma once

#include <cstddef>

#include "engine/budget.h"
#include "engine/task_pool.h"
#include "raster/asset_pool.h"
#include "workflow/run.h"

namespace geoloom::engine {

struct MachineOptions {
  size_t memory_bytes = 0;  // of the whole process; 0 = default_memory_bytes()
  unsigned threads = 0;     // 0 = cores of the machine
  unsigned reads = 0;       // in flight; 0 = what reads_in_flight() says
};

// 60 % of what the machine or the container has.
size_t default_memory_bytes();

// A round trip takes longer than decoding what it brings, so most of these reads wait.
inline constexpr unsigned kNetworkReads = 32;
// options.reads, or else as many as threads; for a run that reads over a network up to
// kNetworkReads, of which most wait, as far as the memory suffices for them.
unsigned reads_in_flight(const workflow::Run& run, const MachineOptions& options);

// How the process's memory is shared out, for plans and for runs alike.
struct MemoryShare {
  size_t process_bytes = 0;  // program, libraries, scene tables: what is resident before any pixel
  size_t gdal_cache_bytes = 0;
  size_t open_handles = 0;
  size_t pixel_bytes = 0;  // tickets of items
};
// Throws Error(resource) when nothing would be left for pixels.
MemoryShare share_memory(size_t memory_bytes, unsigned reads);
// Throws Error(resource), naming the smallest budget that works, when an item of the run cannot be
// made within memory_bytes. Looks at plans only.
void check_memory(const workflow::Run& run, size_t memory_bytes, unsigned threads, unsigned reads);
// The bytes the largest item of the run holds at least, each item by itself.
size_t largest_need(const workflow::Run& run, unsigned threads, unsigned reads);

// One per process. Sets the size of GDAL's cache.
class Machine {
 public:
  // Zeros in the options become this machine's; `reads` that is 0 becomes `threads`.
  explicit Machine(const MachineOptions& options);

  const MachineOptions& options() const { return options_; }

 private:
  MachineOptions options_;
  MemoryShare share_;

 public:
  MemoryBudget budget;
  raster::AssetPool datasets;
  TaskPool cores, reads;
};

}  // namespace geoloom::engine
