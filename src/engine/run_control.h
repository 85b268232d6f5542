// SPDX-License-Identifier: Apache-2.0
// What people ask of a run while it goes on: an object below runs/<id>/control/, which whoever
// carries the run out looks for now and then, in a folder or a bucket alike. The object stays until
// the run is resumed, so a run that is held is not started again by accident.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "error/error.h"
#include "store/store.h"

namespace geoloom::engine {

enum class Hold {
  paused,     // nothing further is started; items under way end
  cancelled,  // items under way are stopped, too
};
const char* name_of(Hold hold);  // "paused", "cancelled"

struct RunControl {
  Hold hold = Hold::paused;
  std::string by;      // "user@host", or kBreaker
  std::string time;    // RFC 3339
  std::string reason;  // or empty

  // "paused by ada@host at 2026-05-01T10:00:00Z: the disk is full"
  std::string text() const;
};
// Who holds a run whose failures workers are not to go on with; it does not outlive the next start.
inline constexpr const char* kBreaker = "breaker";

// "user@host" of this process.
std::string this_person();

// One listing, and a read where there is something. A cancelled run is not just paused.
std::optional<RunControl> read_control(const store::Store& store, const std::string& run_id);
void write_control(store::Store& store, const std::string& run_id, const RunControl& control);
// Nothing holds the run any more.
void clear_control(store::Store& store, const std::string& run_id);

// Looks at once, and then every `interval` until it is destroyed; calls `held` from a thread of its
// own, once for each kind of hold. What cannot be read is looked for again the next time;
// `troubled` is told the first time.
class ControlWatch {
 public:
  using Held = std::function<void(const RunControl&)>;
  using Troubled = std::function<void(const Error&)>;
  // An interval of 0 looks never.
  ControlWatch(const store::Store& store, std::string run_id, std::chrono::milliseconds interval,
               Held held, Troubled troubled);
  ControlWatch(const ControlWatch&) = delete;
  ControlWatch& operator=(const ControlWatch&) = delete;
  ~ControlWatch();

 private:
  void look();

  const store::Store& store_;
  const std::string run_id_;
  const std::chrono::milliseconds interval_;
  const Held held_;
  const Troubled troubled_;
  std::optional<Hold> told_;
  bool told_of_trouble_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread watcher_;
};

// The same for a worker, which is asked item by item: looks again when the last look is older than
// `interval`. Thread-safe.
class ControlPoll {
 public:
  ControlPoll(const store::Store& store, std::string run_id, std::chrono::milliseconds interval)
      : store_(store), run_id_(std::move(run_id)), interval_(interval) {}
  std::optional<RunControl> current();

 private:
  const store::Store& store_;
  const std::string run_id_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> looked_;
  std::optional<RunControl> known_;
};

inline constexpr std::chrono::milliseconds kControlInterval{2000};

}  // namespace geoloom::engine
