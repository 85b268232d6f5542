// SPDX-License-Identifier: Apache-2.0
#include "engine/deadline.h"

#include <algorithm>

namespace geoloom::engine {

Deadline::Deadline(const std::atomic<bool>& stop, std::optional<std::chrono::milliseconds> timeout)
    : stop_(stop) {
  if (timeout)
    watcher_ =
        std::thread([this, until = std::chrono::steady_clock::now() + *timeout] { watch(until); });
}

Deadline::~Deadline() {
  if (!watcher_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_all();
  watcher_.join();
}

void Deadline::watch(std::chrono::steady_clock::time_point until) {
  using Clock = std::chrono::steady_clock;
  // Looks now and then: a signal handler, which sets `stop`, cannot notify.
  constexpr std::chrono::milliseconds kLook{20};
  std::unique_lock lock(mutex_);
  while (!over_) {
    if (Clock::now() >= until) passed_.store(true);
    if (passed_.load() || stop_.load()) {
      either_.store(true);
      return;
    }
    ended_.wait_until(lock, std::min(until, Clock::now() + kLook));
  }
}

}  // namespace geoloom::engine
