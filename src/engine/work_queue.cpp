// SPDX-License-Identifier: Apache-2.0
#include "engine/work_queue.h"

#include <algorithm>

namespace geoloom::engine {

void WorkQueue::push(const WorkMessage& message) {
  const std::lock_guard lock(mutex_);
  ready_.push_back(message);
  changed_.notify_one();
}

std::optional<WorkMessage> WorkQueue::lease(const std::function<bool()>& stopped) {
  std::unique_lock lock(mutex_);
  while (!stopped()) {
    const auto now = Clock::now();
    // Before those that were not tried yet: so an item is given up soon, and many that fail alike
    // are noticed before all have spent an attempt.
    if (!delayed_.empty() && delayed_.begin()->first <= now) {
      ready_.push_front(delayed_.begin()->second);
      delayed_.erase(delayed_.begin());
    }
    if (!ready_.empty()) {
      auto message = ready_.front();
      ready_.pop_front();
      ++leased_;
      return message;
    }
    if (delayed_.empty() && leased_ == 0) return std::nullopt;
    // Short waits: a signal handler sets the flag and cannot notify.
    changed_.wait_for(lock, std::chrono::milliseconds(50));
  }
  return std::nullopt;
}

void WorkQueue::end_lease() {
  --leased_;
  changed_.notify_all();
}

void WorkQueue::acknowledge(const WorkMessage&) {
  const std::lock_guard lock(mutex_);
  end_lease();
}

void WorkQueue::give_back_after(WorkMessage message, std::chrono::milliseconds delay) {
  const std::lock_guard lock(mutex_);
  ++message.attempt;
  delayed_.emplace(Clock::now() + delay, message);
  end_lease();
}

void WorkQueue::dead_letter(const WorkMessage& message, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  dead_.push_back({message, reason});
  end_lease();
}

std::vector<WorkQueue::Dead> WorkQueue::dead() const {
  const std::lock_guard lock(mutex_);
  return dead_;
}

}  // namespace geoloom::engine
