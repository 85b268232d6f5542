// SPDX-License-Identifier: Apache-2.0
// A flag that stops an attempt: because all are to stop, or because it took too long.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace geoloom::engine {

class Deadline {
 public:
  // Without a timeout the flag is `stop` itself, which outlives this.
  Deadline(const std::atomic<bool>& stop, std::optional<std::chrono::milliseconds> timeout);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline();

  const std::atomic<bool>& flag() const { return watcher_.joinable() ? either_ : stop_; }
  bool passed() const { return passed_.load(); }

 private:
  void watch(std::chrono::steady_clock::time_point until);

  const std::atomic<bool>& stop_;
  std::atomic<bool> either_{false}, passed_{false};
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread watcher_;
};

}  // namespace geoloom::engine
