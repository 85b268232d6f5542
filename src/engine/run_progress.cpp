// SPDX-License-Identifier: Apache-2.0
#include "engine/run_progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

workflow::OrderedJson to_json(const std::vector<StepSummary>& steps) {
  auto json = workflow::OrderedJson::array();
  for (const auto& step : steps)
    json.push_back({{"name", step.name},
                    {"items", step.items},
                    {"done", step.done},
                    {"empty", step.empty},
                    {"unchanged", step.cached},
                    {"failed", step.failed},
                    {"given_up", step.given_up},
                    {"not_started", step.not_started},
                    {"ended_early", step.ended_early},
                    {"skipped", step.skipped},
                    {"wall_seconds", step.wall_seconds}});
  return json;
}

const char* name_of(RunEnding ending) {
  switch (ending) {
    case RunEnding::done:
      return "done";
    case RunEnding::failed:
      return "failed";
    case RunEnding::paused:
      return "paused";
    case RunEnding::waiting:
      return "waiting";
    case RunEnding::cancelled:
      return "cancelled";
    case RunEnding::interrupted:
      return "interrupted";
    case RunEnding::past_deadline:
      return "past_deadline";
  }
  return "failed";
}

void RunProgress::note_incomplete(const workflow::StepRun& step) {
  incomplete_.insert(step.step->layers_made.begin(), step.step->layers_made.end());
}

void RunProgress::step_adopted(const workflow::StepRun& step, size_t receipts) {
  const std::lock_guard lock(mutex_);
  if (receipts < step.items.size()) note_incomplete(step);
}

RunProgress::Clock::time_point RunProgress::from_now(std::optional<Milliseconds> deadline) {
  return deadline ? Clock::now() + *deadline : Clock::time_point::max();
}

std::string RunProgress::obstacle(const workflow::StepRun& step) const {
  const std::lock_guard lock(mutex_);
  if (step.step->policy.min_ok) return {};
  for (const auto& layer : step.step->layers_read)
    if (const auto found = ended_early_.find(layer); found != ended_early_.end())
      return fmt::format("step '{}', whose layer '{}' it reads, was not completed", found->second,
                         layer);
  return {};
}

void RunProgress::step_not_started(const workflow::StepRun& step, const std::string& why) {
  const std::lock_guard lock(mutex_);
  unknown_steps_ += step.known ? 0 : 1;
  leave_out(step, why);
}

void RunProgress::step_waits(const workflow::StepRun& step, const std::string& why) {
  const std::lock_guard lock(mutex_);
  waiting_items_ += step.items.size();
  ++waiting_steps_;
  leave_out(step, why);
}

void RunProgress::leave_out(const workflow::StepRun& step, const std::string& why) {
  StepSummary summary;
  summary.name = step.step->name;
  summary.items = step.items.size();
  summary.ended_early = why;
  summary_.steps.push_back(summary);
  note_incomplete(step);
  for (const auto& layer : step.step->layers_made) ended_early_[layer] = step.step->name;
  observer_.note(fmt::format("step '{}' is not started: {}", step.step->name, why));
}

bool RunProgress::cut_short() const {
  const auto& step = summary_.steps.back();
  return stopped() && step.done + step.empty + step.cached + step.failed < step.items;
}

bool RunProgress::step_cut_short() const {
  const std::lock_guard lock(mutex_);
  return cut_short();
}

void RunProgress::step_started(const workflow::StepRun& step) {
  const std::lock_guard lock(mutex_);
  policy_ = step.step->policy;
  step_stop_.store(false);
  step_until_.store(from_now(policy_.deadline));
  breaker_.emplace(step.step->policy.breaker, step.items.size());
  const auto& read = step.step->layers_read;
  reads_incomplete_ = std::any_of(read.begin(), read.end(), [this](const std::string& layer) {
    return incomplete_.contains(layer);
  });
  StepSummary summary;
  summary.name = step.step->name;
  summary.items = step.items.size();
  summary_.steps.push_back(summary);
  observer_.step_started(step.step->name, step.items.size(), step.items.size());
}

void RunProgress::step_skipped(const workflow::StepRun& step, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  StepSummary summary;
  summary.name = step.step->name;
  summary.skipped = reason;
  summary_.steps.push_back(summary);
  observer_.step_skipped(step.step->name, reason);
}

void RunProgress::explained(const std::vector<std::string>& lines) {
  const std::lock_guard lock(mutex_);
  if (!lines.empty()) observer_.explained(lines);
}

void RunProgress::item_ended(const ItemEvent& event) {
  const std::lock_guard lock(mutex_);
  auto& step = summary_.steps.back();
  switch (event.outcome) {
    case ItemOutcome::done:
      ++step.done;
      breaker_->made();
      break;
    case ItemOutcome::empty:
      ++step.empty;
      breaker_->made();
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
  if (event.outcome != ItemOutcome::failed) return;
  given_up(event);
  check_budget(event);
}

void RunProgress::check_budget(const ItemEvent& event) {
  auto& step = summary_.steps.back();
  if (!policy_.max_failed || step_stop_.load()) return;
  if (step.failed <= policy_.max_failed->at_most(step.items)) return;
  step_stop_.store(true);
  step.ended_early = fmt::format("more than {} of its items failed (max_failed), the last by: {}",
                                 workflow::text_of(*policy_.max_failed), event.error->message());
  observer_.note(fmt::format("step '{}' ends early: {}", step.name, step.ended_early));
}

void RunProgress::item_given_up(const ItemEvent& event) {
  const std::lock_guard lock(mutex_);
  given_up(event);
}

void RunProgress::given_up(const ItemEvent& event) {
  if (!lacks_input(event))
    if (const auto cause = breaker_->failed(event.item, *event.error, now_text())) trip(*cause);
}

// Items whose input was not made fail at once, spend nothing, and are no new cause.
bool RunProgress::lacks_input(const ItemEvent& event) const {
  return reads_incomplete_ && event.error->code() == ErrorCode::missing;
}

void RunProgress::trip(const Breaker::Cause& cause) {
  if (run_stop_.load() != Stop::no) return;
  run_stop_.store(Stop::no_more);
  tripped_ = true;
  summary_.paused_because =
      fmt::format("step '{}': one cause took {} items since {}: {}: {}{}. {}",
                  summary_.steps.back().name, cause.items, cause.since, cause.code, cause.message,
                  cause.hint.empty() ? "" : ". Hint: " + cause.hint, unaffected());
  observer_.note("paused: no further item is started, those under way end");
}

// What the pause leaves alone.
std::string RunProgress::unaffected() const {
  const auto made = [](const StepSummary& step) { return step.done + step.empty + step.cached; };
  std::vector<std::string> parts;
  for (const auto& step : summary_.steps)
    parts.push_back(fmt::format("{} of {} items of '{}'", made(step), step.items, step.name));
  return fmt::format("Unaffected, as they are made: {}", fmt::join(parts, ", "));
}

void RunProgress::task_progress(const std::string& step, double share) {
  const std::lock_guard lock(mutex_);
  observer_.task_progress(step, share);
}

void RunProgress::step_ended(const workflow::StepRun& step,
                             const std::vector<const Receipt*>& receipts,
                             std::vector<Published> published, double wall_seconds) {
  const std::lock_guard lock(mutex_);
  auto& counts = summary_.steps.back();
  counts.wall_seconds = wall_seconds;
  if (cut_short()) {
    const bool late = Clock::now() >= step_until_.load() && !step_stop_.load();
    if (late && !run_over())
      counts.ended_early =
          fmt::format("its deadline of {} passed", workflow::text_of(*policy_.deadline));
    past_deadline_ |= late;
    for (const auto& layer : step.step->layers_made) ended_early_[layer] = counts.name;
  }
  step_until_.store(Clock::time_point::max());
  if (counts.done + counts.empty + counts.cached < counts.items) note_incomplete(step);
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

void RunProgress::hold(const RunControl& control) {
  const std::lock_guard lock(mutex_);
  if (control.hold == Hold::cancelled) {
    run_stop_.store(Stop::items_too);
    cancelled_ = control.text();
  } else if (run_stop_.load() == Stop::no) {
    run_stop_.store(Stop::no_more);
    summary_.paused_because = control.text();
  }
  observer_.note(fmt::format("{}; items under way {}", control.text(),
                             control.hold == Hold::cancelled ? "are stopped" : "end"));
}

bool RunProgress::paused_by_breaker() const {
  const std::lock_guard lock(mutex_);
  return tripped_;
}

void RunProgress::pause(const Error& why) {
  const std::lock_guard lock(mutex_);
  run_stop_.store(Stop::items_too);
  summary_.paused_because = why.what();
  summary_.paused_code = why.code();
}

bool RunProgress::ended_early(const workflow::StepRun& step) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(summary_.steps.begin(), summary_.steps.end(), [&](const auto& summary) {
    return summary.name == step.step->name && !summary.ended_early.empty();
  });
}

StepSummary RunProgress::current_step() const {
  const std::lock_guard lock(mutex_);
  return summary_.steps.back();
}

void RunProgress::give_up(const workflow::StepRun& step, size_t items) {
  const std::lock_guard lock(mutex_);
  for (auto& summary : summary_.steps)
    if (summary.name == step.step->name) summary.given_up = items;
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
      // They are among those that failed, unless what they need was not even started.
      const auto failed = std::min(known->given_up, known->failed);
      known->failed -= failed;
      known->not_started -= std::min(known->given_up - failed, known->not_started);
    }
  }
}

std::string RunProgress::ended_early_text() const {
  std::vector<std::string> texts;
  for (const auto& step : summary_.steps)
    if (!step.ended_early.empty())
      texts.push_back(fmt::format("step '{}': {}", step.name, step.ended_early));
  return fmt::format("{}", fmt::join(texts, "; "));
}

void RunProgress::conclude() {
  summary_.interrupted = outer_stop_.load();
  if (summary_.interrupted) {
    summary_.ending = RunEnding::interrupted;
    summary_.reason = "stopped by a signal";
  } else if (!cancelled_.empty()) {
    summary_.ending = RunEnding::cancelled;
    summary_.reason = cancelled_;
  } else if (!summary_.paused_because.empty()) {
    summary_.ending = RunEnding::paused;
    summary_.reason = summary_.paused_because;
  } else if (past_deadline_ || (Clock::now() >= run_until_ && summary_.not_started() > 0)) {
    summary_.ending = RunEnding::past_deadline;
    if (Clock::now() >= run_until_)
      summary_.reason =
          fmt::format("the run's deadline of {} passed", workflow::text_of(*run_deadline_));
    else
      summary_.reason = ended_early_text();
  } else if (waiting_steps_ > 0 && unknown_steps_ == 0 && summary_.failed() == 0 &&
             summary_.not_started() == waiting_items_) {
    summary_.ending = RunEnding::waiting;
    summary_.reason = ended_early_text();
  } else if (summary_.failed() > 0 || summary_.not_started() > 0 || unknown_steps_ > 0) {
    summary_.ending = RunEnding::failed;
    summary_.reason = ended_early_text();
  }
}

RunSummary RunProgress::finish(const workflow::Run& run) {
  const std::lock_guard lock(mutex_);
  count_not_started(run);
  summary_.run_id = run.record().id;
  summary_.scenes_dropped = dropped_scenes_.size();
  conclude();
  summary_.peak_memory_bytes = peak_resident_bytes();
  if (summary_.total_pixels > 0)
    summary_.valid_share =
        static_cast<double>(summary_.valid_pixels) / static_cast<double>(summary_.total_pixels);
  return std::move(summary_);
}

}  // namespace geoloom::engine
