// SPDX-License-Identifier: Apache-2.0
#include "engine/budget.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "error/error.h"

namespace geoloom::engine {

MemoryBudget::Ticket::Ticket(Ticket&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

MemoryBudget::Ticket& MemoryBudget::Ticket::operator=(Ticket&& other) noexcept {
  std::swap(budget_, other.budget_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MemoryBudget::Ticket::~Ticket() {
  if (budget_) budget_->release(bytes_);
}

MemoryBudget::Ticket MemoryBudget::acquire(size_t bytes, const std::atomic<bool>& stop) {
  if (bytes > total_)
    throw Error(ErrorCode::resource,
                fmt::format("{} MiB are needed at once, the budget for pixels is {} MiB",
                            bytes >> 20, total_ >> 20))
        .hint("raise --memory");
  std::unique_lock lock(mutex_);
  const auto number = next_number_++;
  const auto ready = [&] { return serving_ == number && used_ + bytes <= total_; };
  // A signal handler cannot notify, so waiting looks at the flag from time to time.
  while (!freed_.wait_for(lock, std::chrono::milliseconds(50), ready)) {
    if (!stop.load()) continue;
    // Let those behind go on (and find out by themselves): numbers are served in order.
    freed_.wait(lock, [&] { return serving_ == number; });
    ++serving_;
    freed_.notify_all();
    throw Error(ErrorCode::cancelled, "stopped while waiting for memory");
  }
  ++serving_;
  used_ += bytes;
  freed_.notify_all();
  return {*this, bytes};
}

void MemoryBudget::release(size_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ -= bytes;
  freed_.notify_all();
}

size_t MemoryBudget::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

}  // namespace geoloom::engine
