// SPDX-License-Identifier: Apache-2.0
// What a run tells while it goes on, and what it comes to.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/run_session.h"

namespace geoloom::engine {

enum class ItemOutcome { done, empty, cached, failed, retried };

struct ItemEvent {
  std::string step, item;
  ItemOutcome outcome = ItemOutcome::done;
  int attempt = 1;
  double wall_seconds = 0;
  const Error* error = nullptr;      // failed, retried
  const Receipt* receipt = nullptr;  // done, empty, cached; null where another process has it
};

// Calls come from several threads, one at a time.
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

// Counts, and passes on to the observer. Thread-safe.
class RunProgress {
 public:
  // `stop` is set by who started the run.
  RunProgress(RunObserver& observer, const std::atomic<bool>& stop)
      : observer_(observer), outer_stop_(stop) {}

  void step_started(const workflow::StepRun& step);
  void item_ended(const ItemEvent& event);
  void task_progress(const std::string& step, double share);
  // With the receipts of all its items, as far as there are any.
  void step_ended(const workflow::StepRun& step, const std::vector<const Receipt*>& receipts,
                  std::vector<Published> published, double wall_seconds);
  void note(const std::string& text);
  // No further item is started: what stopped this one would stop all others.
  void pause(const Error& why);

  bool stopped() const { return outer_stop_.load() || paused_.load(); }
  // Of the step under way, for who must know that all were heard of.
  StepSummary current_step() const;
  RunSummary finish(const workflow::Run& run);

 private:
  void count_pixels(const Receipt& receipt);
  void count_not_started(const workflow::Run& run);

  RunObserver& observer_;
  const std::atomic<bool>& outer_stop_;
  std::atomic<bool> paused_{false};
  mutable std::mutex mutex_;
  std::set<std::string> dropped_scenes_;
  RunSummary summary_;
};

}  // namespace geoloom::engine
