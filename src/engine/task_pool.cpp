// SPDX-License-Identifier: Apache-2.0
#include "engine/task_pool.h"

#include <algorithm>
#include <exception>

#include "error/message_log.h"

namespace geoloom::engine {

struct TaskPool::Loop {
  size_t count = 0;
  const std::function<void(size_t)>* body = nullptr;
  MessageLog* messages = MessageLog::current();  // of who called
  size_t next = 0;
  size_t running = 0;
  std::exception_ptr error;
  size_t error_index = 0;
  std::condition_variable ended;
  bool exhausted() const { return next >= count; }
};

TaskPool::TaskPool(unsigned threads) {
  for (unsigned i = 0; i < std::max(1U, threads); ++i) threads_.emplace_back([this] { work(); });
}

TaskPool::~TaskPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void TaskPool::for_each_index(size_t count, const std::function<void(size_t)>& body) {
  if (count == 0) return;
  const auto loop = std::make_shared<Loop>();
  loop->count = count;
  loop->body = &body;
  std::unique_lock lock(mutex_);
  loops_.push_back(loop);
  wake_.notify_all();
  loop->ended.wait(lock, [&] { return loop->exhausted() && loop->running == 0; });
  std::erase(loops_, loop);
  if (loop->error) std::rethrow_exception(loop->error);
}

// Round robin over loops, so that a long one does not keep a short one waiting.
std::shared_ptr<TaskPool::Loop> TaskPool::next_loop(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    std::erase_if(loops_, [](const auto& loop) { return loop->exhausted(); });
    if (!loops_.empty()) {
      auto loop = loops_.front();
      loops_.pop_front();
      loops_.push_back(loop);
      return loop;
    }
    if (stopping_) return nullptr;
    wake_.wait(lock);
  }
}

void TaskPool::work() {
  std::unique_lock lock(mutex_);
  while (const auto loop = next_loop(lock)) {
    const size_t index = loop->next++;
    ++loop->running;
    lock.unlock();
    std::exception_ptr error;
    try {
      const MessageScope messages(loop->messages);
      (*loop->body)(index);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --loop->running;
    if (error && (!loop->error || index < loop->error_index)) {
      loop->error = error;
      loop->error_index = index;
    }
    if (error) loop->next = loop->count;
    if (loop->exhausted() && loop->running == 0) loop->ended.notify_all();
  }
}

}  // namespace geoloom::engine
