// SPDX-License-Identifier: Apache-2.0
// So many tasks at once, and a short queue for the others. A push queue counts a refusal as a
// failed delivery, so a worker that is busy for a moment lets a task wait instead of refusing it at
// once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace geoloom::serve {

class TaskGate {
 public:
  struct Limits {
    unsigned running = 1;                        // tasks at once
    size_t waiting = 8;                          // tasks that may wait
    std::chrono::milliseconds patience{20'000};  // how long each may
  };
  enum class Refusal { busy, closed };
  using Clock = std::chrono::steady_clock;

  explicit TaskGate(const Limits& limits);
  TaskGate(const TaskGate&) = delete;
  TaskGate& operator=(const TaskGate&) = delete;
  ~TaskGate();  // closes, and waits for the tasks that run

  // Either runs `task` on one of the gate's threads, or calls `refuse`, once and soon: here when
  // the queue is full or closed, later when the patience is over or the gate closes. Neither may
  // throw.
  void submit(std::function<void()> task, std::function<void(Refusal)> refuse);
  // Refuses what waits and what comes; what runs goes on.
  void close();
  // True when nothing runs any more.
  bool wait_until_idle(Clock::time_point until);

  struct Counts {
    size_t running = 0, waiting = 0;
    double mean_task_seconds = 0;  // of the last tasks; 0 before the first has ended
  };
  Counts counts() const;

 private:
  struct Waiting {
    std::function<void()> task;
    std::function<void(Refusal)> refuse;
    Clock::time_point until;
  };
  void work();
  void refuse_impatient();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, changed_;
  std::deque<Waiting> waiting_;
  size_t running_ = 0;
  double mean_task_seconds_ = 0;
  bool closed_ = false, ending_ = false;
  std::vector<std::thread> threads_;
  std::thread refuser_;
};

}  // namespace geoloom::serve
