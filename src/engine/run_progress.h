// SPDX-License-Identifier: Apache-2.0
// What a run tells while it goes on, and what it comes to.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/breaker.h"
#include "engine/run_control.h"
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
  // Why items are made again, a line each, before they are.
  virtual void explained(const std::vector<std::string>& /*lines*/) {}
  virtual void step_skipped(const std::string& /*step*/, const std::string& /*reason*/) {}
  virtual void note(const std::string& /*text*/) {}
};

struct StepSummary {
  std::string name;
  size_t items = 0, done = 0, empty = 0, cached = 0, failed = 0, not_started = 0;
  size_t given_up = 0;  // of trials that may fail: neither failed nor not started
  std::string skipped;  // why it was not wanted; empty: it was
  double wall_seconds = 0;
  // Why the rest was not started: a budget, a deadline, a step whose layers it reads; or empty.
  std::string ended_early;
};
// Each {"name", "items", "done", "empty", "unchanged", "failed", "not_started", "ended_early",
// "skipped", "wall_seconds"}, as summaries and closing ops tell it.
workflow::OrderedJson to_json(const std::vector<StepSummary>& steps);

// How an execution of a run ended.
enum class RunEnding { done, failed, paused, waiting, cancelled, interrupted, past_deadline };
// "done", "failed", "paused", "waiting", "cancelled", "interrupted" (by a signal), "past_deadline".
const char* name_of(RunEnding ending);

struct RunSummary {
  std::string run_id;
  std::vector<StepSummary> steps;
  std::vector<Published> published;
  std::vector<std::string> notes;
  workflow::OrderedJson outputs = workflow::OrderedJson::object();  // of the document
  std::vector<std::string> closing_failures;  // what of `finally` could not be done
  double valid_share = 0;                     // of all pixels of rasters made, first band
  uint64_t valid_pixels = 0, total_pixels = 0;
  uint64_t clipped = 0, nodata_collisions = 0;
  size_t scenes_dropped = 0;  // left out of items under `tolerate`
  size_t peak_memory_bytes = 0;
  double wall_seconds = 0;
  size_t failed() const;
  size_t not_started() const;
  RunEnding ending = RunEnding::done;
  std::string reason;        // in words; empty when done, or when items just failed
  bool interrupted = false;  // by who started the run
  std::string paused_because;
  // Denied, or disk or memory exhausted, so that others would fail alike; nullopt: the breaker, or
  // somebody.
  std::optional<ErrorCode> paused_code;
};

// Counts, passes on to the observer, and decides when there is no use in going on. Thread-safe.
class RunProgress {
 public:
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;

  // `stop` is set by who started the run; `deadline` is that of the run, from now on.
  RunProgress(RunObserver& observer, const std::atomic<bool>& stop,
              std::optional<Milliseconds> deadline = std::nullopt)
      : observer_(observer),
        outer_stop_(stop),
        run_deadline_(deadline),
        run_until_(from_now(deadline)) {}

  // A step that is left out, and has receipts for so many of its items from before.
  void step_adopted(const workflow::StepRun& step, size_t receipts);
  // Why a step is not started: it reads layers of one that was ended early; or empty. A step with
  // `min_ok` decides by what is there.
  std::string obstacle(const workflow::StepRun& step) const;
  void step_not_started(const workflow::StepRun& step, const std::string& why);
  // The same of one that waits for a file or a person, or needs what such a step would make: it did
  // not fail.
  void step_waits(const workflow::StepRun& step, const std::string& why);
  void step_started(const workflow::StepRun& step);
  // So many items without a receipt are of trials that may fail.
  void give_up(const workflow::StepRun& step, size_t items);
  // A step that is not carried out: none of its items is missing.
  void step_skipped(const workflow::StepRun& step, const std::string& reason);
  void explained(const std::vector<std::string>& lines);
  void item_ended(const ItemEvent& event);
  // An item failed as often as its step tries it, and somebody else may try it again: the breaker
  // counts it.
  void item_given_up(const ItemEvent& event);
  void task_progress(const std::string& step, double share);
  // With the receipts of all its items, as far as there are any.
  void step_ended(const workflow::StepRun& step, const std::vector<const Receipt*>& receipts,
                  std::vector<Published> published, double wall_seconds);
  void note(const std::string& text);
  // Somebody asks to pause or to cancel the run.
  void hold(const RunControl& control);
  bool paused_by_breaker() const;
  // What stopped this item would stop all others: those under way end, too.
  void pause(const Error& why);

  // Nothing further is started of the step under way.
  bool stopped() const {
    return run_over() || step_stop_.load() || Clock::now() >= step_until_.load();
  }
  // Those under way are to end, and count as not started.
  bool items_to_end() const {
    const auto now = Clock::now();
    return outer_stop_.load() || run_stop_.load() == Stop::items_too || now >= run_until_ ||
           now >= step_until_.load();
  }
  // No further step is started.
  bool run_over() const {
    return outer_stop_.load() || run_stop_.load() != Stop::no || Clock::now() >= run_until_;
  }
  // Items of the step under way are left over, because something stopped it.
  bool step_cut_short() const;
  // The step was not started, or left items over because something stopped it.
  bool ended_early(const workflow::StepRun& step) const;
  // Of the step under way, for who must know that all were heard of.
  StepSummary current_step() const;
  RunSummary finish(const workflow::Run& run);

 private:
  // Whether what is under way may end by itself.
  enum class Stop { no, no_more, items_too };

  void count_pixels(const Receipt& receipt);
  void count_not_started(const workflow::Run& run);
  void given_up(const ItemEvent& event);
  bool lacks_input(const ItemEvent& event) const;
  bool cut_short() const;
  void leave_out(const workflow::StepRun& step, const std::string& why);
  void check_budget(const ItemEvent& event);
  static Clock::time_point from_now(std::optional<Milliseconds> deadline);
  void trip(const Breaker::Cause& cause);
  void note_incomplete(const workflow::StepRun& step);
  std::string unaffected() const;
  std::string ended_early_text() const;
  void conclude();

  RunObserver& observer_;
  const std::atomic<bool>& outer_stop_;
  const std::optional<Milliseconds> run_deadline_;
  const Clock::time_point run_until_;
  std::atomic<Clock::time_point> step_until_{Clock::time_point::max()};
  std::atomic<Stop> run_stop_{Stop::no};
  std::atomic<bool> step_stop_{false};
  mutable std::mutex mutex_;
  std::set<std::string> dropped_scenes_;
  std::optional<Breaker> breaker_;                  // of the step under way
  workflow::StepPolicy policy_;                     // of it
  bool reads_incomplete_ = false;                   // it reads one of the following
  std::set<std::string> incomplete_;                // layers of steps that lack items
  std::map<std::string, std::string> ended_early_;  // layers of steps that ended early -> step
  size_t waiting_items_ = 0;
  size_t unknown_steps_ = 0, waiting_steps_ = 0;  // left out; the former without known items
  bool past_deadline_ = false, tripped_ = false;
  std::string cancelled_;  // by whom
  RunSummary summary_;
};

}  // namespace geoloom::engine
