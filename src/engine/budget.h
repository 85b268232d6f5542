// SPDX-License-Identifier: Apache-2.0
// One memory budget per process; everything that holds pixels holds a ticket.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace geoloom::engine {

class MemoryBudget {
 public:
  explicit MemoryBudget(size_t total_bytes) : total_(total_bytes) {}

  class Ticket {
   public:
    Ticket() = default;
    Ticket(MemoryBudget& budget, size_t bytes) : budget_(&budget), bytes_(bytes) {}
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket();
    size_t bytes() const { return bytes_; }

   private:
    MemoryBudget* budget_ = nullptr;
    size_t bytes_ = 0;
  };

  // Waits, first come first served, until that much is free. Throws Error(resource) when it never
  // can be, Error(cancelled) when stop is set while waiting.
  Ticket acquire(size_t bytes, const std::atomic<bool>& stop);
  size_t total() const { return total_; }
  size_t used() const;

 private:
  void release(size_t bytes);

  const size_t total_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  size_t used_ = 0;
  unsigned long next_number_ = 0, serving_ = 0;
};

}  // namespace geoloom::engine
