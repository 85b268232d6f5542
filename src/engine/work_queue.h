// SPDX-License-Identifier: Apache-2.0
// The queue of one process: lease, acknowledge, give back after a delay, dead-letter. Durable
// queues have the same verbs, so the code around them is the same.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace geoloom::engine {

// One item of one step, to be executed.
struct WorkMessage {
  size_t step = 0;
  size_t item = 0;  // index in the step's list of this run
  int attempt = 1;
};

class WorkQueue {
 public:
  using Clock = std::chrono::steady_clock;
  void push(const WorkMessage& message);
  // The next message, in order; waits for messages that are leased or delayed. nullopt when nothing
  // is left, or stopped() says so, which is asked before each lease and every 50 ms.
  std::optional<WorkMessage> lease(const std::function<bool()>& stopped);
  void acknowledge(const WorkMessage& message);
  // Another attempt, not before the delay has passed.
  void give_back_after(WorkMessage message, std::chrono::milliseconds delay);
  void dead_letter(const WorkMessage& message, const std::string& reason);
  struct Dead {
    WorkMessage message;
    std::string reason;
  };
  std::vector<Dead> dead() const;

 private:
  void end_lease();
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<WorkMessage> ready_;
  std::multimap<Clock::time_point, WorkMessage> delayed_;
  std::vector<Dead> dead_;
  size_t leased_ = 0;
};

}  // namespace geoloom::engine
