// SPDX-License-Identifier: Apache-2.0
// A fixed number of threads that run the iterations of loops. The engine has two: one as wide as
// the cores, for decoding and computing, and one as wide as the reads that may be in flight.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace geoloom::engine {

class TaskPool {
 public:
  explicit TaskPool(unsigned threads);
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;
  ~TaskPool();
  unsigned threads() const { return static_cast<unsigned>(threads_.size()); }

  // Calls body(0) .. body(count-1), each once, on the pool's threads; returns when all that were
  // started have ended. After the first exception no further iteration starts; of several
  // exceptions the one of the lowest index is thrown, so that errors do not depend on timing more
  // than they must. Loops of several callers share the threads. Must not be called from a pool
  // thread.
  void for_each_index(size_t count, const std::function<void(size_t)>& body);

 private:
  struct Loop;
  void work();
  std::shared_ptr<Loop> next_loop(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Loop>> loops_;  // with iterations left to start
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace geoloom::engine
