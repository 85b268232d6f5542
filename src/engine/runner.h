// SPDX-License-Identifier: Apache-2.0
// Runs a whole run in this process: steps in order, items over the queue, retries by error class.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "engine/item_handler.h"
#include "engine/manifest.h"

namespace geoloom::engine {

struct RunnerOptions {
  size_t memory_bytes = 0;  // of the whole process; 0 = default_memory_bytes()
  unsigned threads = 0;     // 0 = cores of the machine
  unsigned reads = 0;       // in flight; 0 = what reads_in_flight() says
  int attempts = 3;         // of an item, for errors that may pass
};

// 60 % of what the machine or the container has.
size_t default_memory_bytes();

// options.reads, or else as many as threads; for a run that reads over a network up to 16, of which
// most wait, as far as the memory suffices for them.
unsigned reads_in_flight(const workflow::Run& run, const RunnerOptions& options);

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

enum class ItemOutcome { done, empty, cached, failed, retried };

struct ItemEvent {
  std::string step, item;
  ItemOutcome outcome = ItemOutcome::done;
  int attempt = 1;
  double wall_seconds = 0;
  const Error* error = nullptr;      // failed, retried
  const Receipt* receipt = nullptr;  // done, empty, cached
};

// What a run tells while it goes on. Calls come from several threads, one at a time.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void step_started(const std::string& /*step*/, size_t /*items*/, size_t /*to_do*/) {}
  virtual void item_ended(const ItemEvent& /*event*/) {}
  virtual void task_progress(const std::string& /*step*/, double /*share*/) {}
  virtual void step_ended(const std::string& /*step*/) {}
  virtual void note(const std::string& /*text*/) {}
};

struct StepSummary {
  std::string name;
  size_t items = 0, done = 0, empty = 0, cached = 0, failed = 0, not_started = 0;
  double wall_seconds = 0;
};

struct RunSummary {
  std::string run_id;
  std::vector<StepSummary> steps;
  std::vector<Published> published;
  std::vector<std::string> notes;
  double valid_share = 0;  // of all pixels of rasters made, first band
  uint64_t valid_pixels = 0, total_pixels = 0;
  uint64_t clipped = 0, nodata_collisions = 0;
  size_t scenes_dropped = 0;  // left out of items under `tolerate`
  size_t peak_memory_bytes = 0;
  double wall_seconds = 0;
  size_t failed() const;
  size_t not_started() const;
  bool interrupted = false;
  std::string paused_because;  // denied, or disk or memory exhausted: others would fail alike
  ErrorCode paused_code = ErrorCode::denied;
};

RunSummary execute_run(const workflow::Run& run, store::Store& store, const RunnerOptions& options,
                       RunObserver& observer, const std::atomic<bool>& stop);

// Attempts of a run, as the segments tell.
std::vector<AttemptRecord> read_attempts(const store::Store& store, const std::string& run_id);

}  // namespace geoloom::engine
