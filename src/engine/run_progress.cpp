// SPDX-License-Identifier: Apache-2.0
#include "engine/run_progress.h"

#include <algorithm>

#include "engine/process_memory.h"

namespace geoloom::engine {

size_t RunSummary::failed() const {
  size_t count = 0;
  for (const auto& step : steps) count += step.failed;
  return count;
}

size_t RunSummary::not_started() const {
  size_t count = 0;
  for (const auto& step : steps) count += step.not_started;
  return count;
}

void RunProgress::step_started(const workflow::StepRun& step) {
  const std::lock_guard lock(mutex_);
  StepSummary summary;
  summary.name = step.step->name;
  summary.items = step.items.size();
  summary_.steps.push_back(summary);
  observer_.step_started(step.step->name, step.items.size(), step.items.size());
}

void RunProgress::item_ended(const ItemEvent& event) {
  const std::lock_guard lock(mutex_);
  auto& step = summary_.steps.back();
  switch (event.outcome) {
    case ItemOutcome::done:
      ++step.done;
      break;
    case ItemOutcome::empty:
      ++step.empty;
      break;
    case ItemOutcome::cached:
      ++step.cached;
      break;
    case ItemOutcome::failed:
      ++step.failed;
      break;
    case ItemOutcome::retried:
      break;
  }
  observer_.item_ended(event);
}

void RunProgress::task_progress(const std::string& step, double share) {
  const std::lock_guard lock(mutex_);
  observer_.task_progress(step, share);
}

void RunProgress::step_ended(const workflow::StepRun& step,
                             const std::vector<const Receipt*>& receipts,
                             std::vector<Published> published, double wall_seconds) {
  const std::lock_guard lock(mutex_);
  summary_.steps.back().wall_seconds = wall_seconds;
  for (auto& entry : published) summary_.published.push_back(std::move(entry));
  for (const auto* receipt : receipts)
    if (receipt) count_pixels(*receipt);
  observer_.step_ended(step.step->name);
}

void RunProgress::count_pixels(const Receipt& receipt) {
  summary_.clipped += receipt.clipped_at_load;
  for (const auto& dropped : receipt.dropped)
    if (!dropped.excluded()) dropped_scenes_.insert(dropped.scene);
  for (const auto& output : receipt.outputs) {
    for (const auto& band : output.bands) {
      summary_.clipped += band.clipped;
      summary_.nodata_collisions += band.nodata_collisions;
    }
    // The first band of each slice: that of a series may be covered by clouds.
    const size_t bands = output.schema ? std::max<size_t>(1, output.schema->bands.size()) : 1;
    for (size_t band = 0; band < output.bands.size(); band += bands) {
      summary_.valid_pixels += output.bands[band].valid;
      summary_.total_pixels += output.bands[band].total;
    }
  }
  for (const auto& text : receipt.notes) {
    summary_.notes.push_back(text);
    observer_.note(text);
  }
}

void RunProgress::note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  summary_.notes.push_back(text);
  observer_.note(text);
}

void RunProgress::pause(const Error& why) {
  const std::lock_guard lock(mutex_);
  paused_.store(true);
  summary_.paused_because = why.what();
  summary_.paused_code = why.code();
}

StepSummary RunProgress::current_step() const {
  const std::lock_guard lock(mutex_);
  return summary_.steps.back();
}

void RunProgress::count_not_started(const workflow::Run& run) {
  for (const auto& step : run.steps()) {
    if (!step.selected) continue;
    const auto known =
        std::find_if(summary_.steps.begin(), summary_.steps.end(),
                     [&](const StepSummary& summary) { return summary.name == step.step->name; });
    if (known == summary_.steps.end()) {
      StepSummary summary;
      summary.name = step.step->name;
      summary.items = summary.not_started = step.items.size();
      summary_.steps.push_back(summary);
    } else {
      known->not_started =
          known->items - known->done - known->empty - known->cached - known->failed;
    }
  }
}

RunSummary RunProgress::finish(const workflow::Run& run) {
  const std::lock_guard lock(mutex_);
  count_not_started(run);
  summary_.run_id = run.record().id;
  summary_.scenes_dropped = dropped_scenes_.size();
  summary_.interrupted = outer_stop_.load();
  summary_.peak_memory_bytes = peak_resident_bytes();
  if (summary_.total_pixels > 0)
    summary_.valid_share =
        static_cast<double>(summary_.valid_pixels) / static_cast<double>(summary_.total_pixels);
  return std::move(summary_);
}

}  // namespace geoloom::engine
