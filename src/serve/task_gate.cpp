// SPDX-License-Identifier: Apache-2.0
#include "serve/task_gate.h"

#include <utility>

namespace geoloom::serve {
namespace {

// Weight of the newest task in the mean.
constexpr double kNewest = 0.2;

}  // namespace

TaskGate::TaskGate(const Limits& limits) : limits_(limits) {
  for (unsigned i = 0; i < limits_.running; ++i) threads_.emplace_back([this] { work(); });
  refuser_ = std::thread([this] { refuse_impatient(); });
}

TaskGate::~TaskGate() {
  close();
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  refuser_.join();
}

void TaskGate::submit(std::function<void()> task, std::function<void(Refusal)> refuse) {
  std::unique_lock lock(mutex_);
  // A free thread takes the task at once; it does not wait, as far as the limit goes.
  const size_t free = limits_.running > running_ ? limits_.running - running_ : 0;
  if (closed_ || waiting_.size() >= limits_.waiting + free) {
    const auto why = closed_ ? Refusal::closed : Refusal::busy;
    lock.unlock();
    return refuse(why);
  }
  waiting_.push_back({std::move(task), std::move(refuse), Clock::now() + limits_.patience});
  lock.unlock();
  wake_.notify_one();
  changed_.notify_all();
}

void TaskGate::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return !waiting_.empty() || ending_; });
    if (waiting_.empty()) return;
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    ++running_;
    lock.unlock();
    const auto start = Clock::now();
    next.task();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    lock.lock();
    mean_task_seconds_ = mean_task_seconds_ == 0
                             ? seconds
                             : mean_task_seconds_ + kNewest * (seconds - mean_task_seconds_);
    --running_;
    changed_.notify_all();
  }
}

void TaskGate::refuse_impatient() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    // They wait equally long, so the first is the first to lose patience.
    if (waiting_.empty()) {
      changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    } else {
      // A copy: the task may be taken away meanwhile.
      const auto until = waiting_.front().until;
      changed_.wait_until(lock, until);
    }
    while (!waiting_.empty() && waiting_.front().until <= Clock::now()) {
      const auto late = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      late.refuse(Refusal::busy);
      lock.lock();
    }
  }
}

void TaskGate::close() {
  std::deque<Waiting> refused;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    refused.swap(waiting_);
  }
  for (const auto& waiting : refused) waiting.refuse(Refusal::closed);
}

bool TaskGate::wait_until_idle(Clock::time_point until) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, until, [this] { return running_ == 0 && waiting_.empty(); });
}

TaskGate::Counts TaskGate::counts() const {
  const std::lock_guard lock(mutex_);
  return {running_, waiting_.size(), mean_task_seconds_};
}

}  // namespace geoloom::serve
