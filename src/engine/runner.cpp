// SPDX-License-Identifier: Apache-2.0
#include "engine/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "engine/process_memory.h"

namespace geoloom::engine {
namespace {

using Clock = std::chrono::steady_clock;

// Left to the allocator, thread stacks and the encoder beside the tickets.
constexpr size_t kSlackBytes = size_t{32} << 20;
constexpr size_t kLeastPixelBytes = size_t{8} << 20;
// An open scene keeps its last decoded block.
constexpr size_t kHandleBytes = size_t{1} << 20;
constexpr size_t kSlackPerReadBytes = size_t{4} << 20;

std::string attempts_folder(const std::string& run_id) {
  return "runs/" + run_id + "/attempts";
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return geo::format_time(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

std::chrono::milliseconds backoff(int attempt) {
  return std::chrono::milliseconds(250LL << std::min(attempt, 8));
}

// One run in progress.
class Execution {
 public:
  // No option may be 0.
  Execution(const workflow::Run& run, store::Store& store, const RunnerOptions& options,
            RunObserver& observer, const std::atomic<bool>& stop)
      : run_(run),
        store_(store),
        options_(options),
        observer_(observer),
        outer_stop_(stop),
        threads_(options.threads),
        reads_count_(options.reads),
        share_(share_memory(options.memory_bytes, reads_count_)),
        book_(store),
        state_(run, store),
        attempts_(store, attempts_folder(run.record().id)),
        scratch_(store::scratch_parent(store)),
        budget_(share_.pixel_bytes),
        datasets_(share_.open_handles),
        cores_(threads_),
        reads_(reads_count_) {
    gdal::set_block_cache_bytes(share_.gdal_cache_bytes);
  }

  RunSummary execute() {
    const auto start = Clock::now();
    summary_.run_id = run_.record().id;
    if (book_.damaged_records() > 0)
      note(fmt::format("{} receipt(s) were torn or altered; their items run again",
                       book_.damaged_records()));
    for (size_t s = 0; s < run_.steps().size() && !stopped(); ++s)
      if (run_.steps()[s].selected)
        run_step(s);
      else
        adopt_step(s);
    count_not_started();
    summary_.scenes_dropped = dropped_scenes_.size();
    attempts_.flush();
    if (!stopped()) book_.compact();
    summary_.interrupted = outer_stop_.load();
    summary_.wall_seconds = std::chrono::duration<double>(Clock::now() - start).count();
    summary_.peak_memory_bytes = peak_resident_bytes();
    if (summary_.total_pixels > 0)
      summary_.valid_share =
          static_cast<double>(summary_.valid_pixels) / static_cast<double>(summary_.total_pixels);
    return std::move(summary_);
  }

 private:
  bool stopped() const { return outer_stop_.load() || paused_.load(); }

  void note(const std::string& text) {
    summary_.notes.push_back(text);
    observer_.note(text);
  }

  // A step left out by --only still gives its layers, where they were made before.
  void adopt_step(size_t s) {
    const auto& step = run_.steps()[s];
    for (size_t i = 0; i < step.items.size(); ++i) {
      try {
        const auto fingerprint = step.step->is_task()
                                     ? step.fingerprint(run_.grid(), state_)
                                     : step.fingerprint(step.plan(step.items[i], &state_));
        if (const auto* receipt = book_.find(fingerprint)) state_.set(s, i, receipt);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::missing) throw;
      }
    }
  }

  void run_step(size_t s) {
    const auto start = Clock::now();
    const auto& step = run_.steps()[s];
    StepSummary summary;
    summary.name = step.step->name;
    summary.items = step.items.size();
    summary_.steps.push_back(summary);
    WorkQueue queue;
    for (size_t i = 0; i < step.items.size(); ++i) queue.push({s, i, 1});
    observer_.step_started(step.step->name, step.items.size(), step.items.size());
    drive(queue, step);
    book_.flush();
    summary_.steps.back().wall_seconds =
        std::chrono::duration<double>(Clock::now() - start).count();
    if (!stopped()) publish(s);
    observer_.step_ended(step.step->name);
  }

  void publish(size_t s) {
    for (auto& published : publish_step(run_, s, state_, store_, scratch_))
      summary_.published.push_back(std::move(published));
    for (size_t i = 0; i < run_.steps()[s].items.size(); ++i)
      if (const auto* receipt = state_.receipt(s, i)) count_pixels(*receipt);
  }

  void count_pixels(const Receipt& receipt) {
    summary_.clipped += receipt.clipped_at_load;
    for (const auto& dropped : receipt.dropped) dropped_scenes_.insert(dropped.scene);
    for (const auto& output : receipt.outputs) {
      for (size_t b = 0; b < output.bands.size(); ++b) {
        summary_.clipped += output.bands[b].clipped;
        summary_.nodata_collisions += output.bands[b].nodata_collisions;
      }
      if (output.bands.empty()) continue;
      summary_.valid_pixels += output.bands.front().valid;
      summary_.total_pixels += output.bands.front().total;
    }
    for (const auto& text : receipt.notes) note(text);
  }

  // As many items at once as there are cores; tickets of the memory budget decide how many of them
  // hold pixels.
  void drive(WorkQueue& queue, const workflow::StepRun& step) {
    const auto in_flight = static_cast<unsigned>(std::min<size_t>(threads_, step.items.size()));
    std::vector<std::thread> drivers;
    for (unsigned d = 0; d < in_flight; ++d) {
      drivers.emplace_back([&] {
        while (const auto message = queue.lease(stop_)) {
          execute_one(queue, *message, step, in_flight);
          if (stopped()) stop_.store(true);
        }
      });
    }
    std::thread watcher([&] {
      // Passes the outer flag on (a signal handler can only set a flag).
      while (!drivers_done_.load()) {
        if (stopped()) stop_.store(true);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
    for (auto& driver : drivers) driver.join();
    drivers_done_.store(true);
    watcher.join();
    drivers_done_.store(false);
  }

  void execute_one(WorkQueue& queue, const WorkMessage& message, const workflow::StepRun& step,
                   unsigned in_flight) {
    const auto start = Clock::now();
    HandlerParts parts{run_,   state_,    store_,   book_, budget_,   cores_,
                       reads_, datasets_, scratch_, stop_, in_flight, {}};
    parts.task_progress = [&](double share) {
      const std::lock_guard lock(mutex_);
      observer_.task_progress(step.step->name, share);
    };
    ItemEvent event{step.step->name,
                    step.items[message.item].name,
                    ItemOutcome::done,
                    message.attempt,
                    0,
                    nullptr,
                    nullptr};
    try {
      const auto outcome = ItemHandler(parts).execute(message);
      event.outcome = outcome == Outcome::done    ? ItemOutcome::done
                      : outcome == Outcome::empty ? ItemOutcome::empty
                                                  : ItemOutcome::cached;
      event.wall_seconds = std::chrono::duration<double>(Clock::now() - start).count();
      event.receipt = state_.receipt(message.step, message.item);
      queue.acknowledge(message);
      report(event);
    } catch (const Error& error) {
      event.wall_seconds = std::chrono::duration<double>(Clock::now() - start).count();
      failed(queue, message, event, error);
    } catch (const std::bad_alloc&) {
      failed(queue, message, event,
             Error(ErrorCode::resource, "out of memory").hint("lower --memory or --threads"));
    } catch (const std::exception& error) {
      failed(queue, message, event, Error(ErrorCode::internal, error.what()));
    }
  }

  void failed(WorkQueue& queue, const WorkMessage& message, ItemEvent event, const Error& error) {
    event.error = &error;
    const auto& row = traits(error.code());
    if (error.code() == ErrorCode::cancelled) {
      queue.acknowledge(message);
      return;  // not started, as far as anybody counts
    }
    if (row.retry == RetryClass::pause_run) {
      const std::lock_guard lock(mutex_);
      paused_.store(true);
      summary_.paused_because = error.what();
      summary_.paused_code = error.code();
    }
    const bool again = row.retry == RetryClass::with_backoff && message.attempt < options_.attempts;
    event.outcome = again ? ItemOutcome::retried : ItemOutcome::failed;
    report(event);
    if (again)
      queue.give_back_after(message, backoff(message.attempt));
    else
      queue.dead_letter(message, error.what());
  }

  void report(const ItemEvent& event) {
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
    if (event.outcome != ItemOutcome::cached) record_attempt(event);
    observer_.item_ended(event);
  }

  void record_attempt(const ItemEvent& event) {
    AttemptRecord record;
    record.time = now_text();
    record.step = event.step;
    record.item = event.item;
    record.attempt = event.attempt;
    record.wall_seconds = event.wall_seconds;
    record.state = event.outcome == ItemOutcome::done    ? "done"
                   : event.outcome == ItemOutcome::empty ? "empty"
                                                         : "failed";
    if (event.error) {
      record.error_code = traits(event.error->code()).name;
      record.message = event.error->message();
      record.place = event.error->place().text();
      record.hint = event.error->hint();
      record.cause = event.error->cause();
    }
    try {
      attempts_.append(to_json(record).dump());
    } catch (const Error& error) {
      // The log of attempts is of use, but no result depends on it.
      observer_.note(fmt::format("the attempt could not be logged: {}", error.what()));
    }
  }

  void count_not_started() {
    for (const auto& step : run_.steps()) {
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

  const workflow::Run& run_;
  store::Store& store_;
  const RunnerOptions& options_;
  RunObserver& observer_;
  const std::atomic<bool>& outer_stop_;
  std::atomic<bool> stop_{false}, paused_{false}, drivers_done_{false};
  const unsigned threads_, reads_count_;
  const MemoryShare share_;
  ReceiptBook book_;
  RunState state_;
  store::SegmentWriter attempts_;
  store::Scratch scratch_;
  MemoryBudget budget_;
  raster::AssetPool datasets_;
  TaskPool cores_, reads_;
  std::mutex mutex_;  // summary, observer
  std::set<std::string> dropped_scenes_;
  RunSummary summary_;
};

}  // namespace

size_t default_memory_bytes() {
  return machine_memory_bytes() / 10 * 6;
}

namespace {

// What would be left for pixels; 0 when nothing would.
MemoryShare share_of(size_t memory_bytes, unsigned reads) {
  MemoryShare share;
  share.process_bytes = resident_bytes() + kSlackBytes + reads * kSlackPerReadBytes;
  share.gdal_cache_bytes =
      std::clamp<size_t>(memory_bytes / 16, size_t{8} << 20,
                         std::max<size_t>(size_t{64} << 20, reads * (size_t{4} << 20)));
  share.open_handles = std::clamp<size_t>(memory_bytes / 32 / kHandleBytes, reads + 4, 256);
  const size_t taken =
      share.process_bytes + share.gdal_cache_bytes + share.open_handles * kHandleBytes;
  share.pixel_bytes = memory_bytes > taken ? memory_bytes - taken : 0;
  return share;
}

// The cache and the handles grow with the budget, so the answer is found by trying.
size_t smallest_budget_mib(size_t memory_bytes, size_t pixel_bytes, unsigned reads) {
  size_t mib = (memory_bytes >> 20) + 1;
  while (share_of(mib << 20, reads).pixel_bytes < pixel_bytes) ++mib;
  return mib + 4;  // the process itself is not the same size each time
}

[[noreturn]] void refuse_budget(const MemoryShare& share, size_t memory_bytes, size_t need,
                                unsigned reads) {
  Error error(ErrorCode::resource,
              share.pixel_bytes < kLeastPixelBytes
                  ? fmt::format("a memory budget of {} MiB leaves nothing for pixels: the program "
                                "itself takes {} MiB",
                                memory_bytes >> 20, share.process_bytes >> 20)
                  : fmt::format("an item needs at least {} MiB for its slices, and a budget of {} "
                                "MiB leaves {} MiB",
                                (need >> 20) + 1, memory_bytes >> 20, share.pixel_bytes >> 20));
  throw error.hint(
      fmt::format("use --memory {}M or more", smallest_budget_mib(memory_bytes, need, reads)));
}

size_t largest_need(const workflow::Run& run, unsigned threads, unsigned reads) {
  // Items of one step are alike; beyond this many they say nothing new.
  constexpr size_t kItemsLookedAt = 1000;
  size_t need = 0;
  for (const auto& step : run.steps()) {
    if (!step.selected || step.step->is_task() || !step.step->layers_read.empty()) continue;
    for (size_t i = 0; i < std::min(step.items.size(), kItemsLookedAt); ++i) {
      const auto plan = step.plan(step.items[i], nullptr);
      if (plan.empty()) continue;
      need = std::max(
          need, smallest_memory(cost_of(*step.step, plan), step.items[i].window, threads, reads));
    }
  }
  return need;
}

bool suffices(const workflow::Run& run, size_t memory_bytes, unsigned threads, unsigned reads) {
  return share_of(memory_bytes, reads).pixel_bytes >=
         std::max(kLeastPixelBytes, largest_need(run, threads, reads));
}

// A round trip takes longer than decoding what it brings, so most of these reads wait.
constexpr unsigned kNetworkReads = 16;

bool reads_over_network(const workflow::Run& run) {
  const bool remote_store = run.workflow().document.store.text.find("://") != std::string::npos;
  return std::any_of(run.steps().begin(), run.steps().end(), [&](const auto& step) {
    if (!step.selected) return false;
    if (remote_store && !step.step->layers_read.empty()) return true;
    return std::any_of(step.sources.begin(), step.sources.end(),
                       [](const auto& source) { return source && source->remote(); });
  });
}

}  // namespace

MemoryShare share_memory(size_t memory_bytes, unsigned reads) {
  auto share = share_of(memory_bytes, reads);
  if (share.pixel_bytes < kLeastPixelBytes)
    refuse_budget(share, memory_bytes, kLeastPixelBytes, reads);
  return share;
}

void check_memory(const workflow::Run& run, size_t memory_bytes, unsigned threads, unsigned reads) {
  const auto share = share_of(memory_bytes, reads);
  const size_t need = std::max(kLeastPixelBytes, largest_need(run, threads, reads));
  if (share.pixel_bytes < need) refuse_budget(share, memory_bytes, need, reads);
}

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

unsigned reads_in_flight(const workflow::Run& run, const RunnerOptions& options) {
  if (options.reads) return options.reads;
  const unsigned threads = options.threads ? options.threads : available_cores();
  if (!reads_over_network(run)) return threads;
  const size_t memory = options.memory_bytes ? options.memory_bytes : default_memory_bytes();
  for (unsigned reads = kNetworkReads; reads > threads; reads /= 2)
    if (suffices(run, memory, threads, reads)) return reads;
  return threads;
}

RunSummary execute_run(const workflow::Run& run, store::Store& store, const RunnerOptions& options,
                       RunObserver& observer, const std::atomic<bool>& stop) {
  auto settled = options;
  settled.threads = options.threads ? options.threads : available_cores();
  settled.memory_bytes = options.memory_bytes ? options.memory_bytes : default_memory_bytes();
  settled.reads = reads_in_flight(run, settled);
  check_memory(run, settled.memory_bytes, settled.threads, settled.reads);
  return Execution(run, store, settled, observer, stop).execute();
}

std::vector<AttemptRecord> read_attempts(const store::Store& store, const std::string& run_id) {
  std::vector<AttemptRecord> attempts;
  for (const auto& payload : store::read_segments(store, attempts_folder(run_id)).payloads) {
    const auto json = workflow::Json::parse(payload, nullptr, false);
    if (json.is_object()) attempts.push_back(attempt_from_json(json));
  }
  std::stable_sort(attempts.begin(), attempts.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  return attempts;
}

}  // namespace geoloom::engine
