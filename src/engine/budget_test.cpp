// SPDX-License-Identifier: Apache-2.0
#include "engine/budget.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "error/error.h"

namespace geoloom::engine {
namespace {

TEST(MemoryBudget, WaitsUntilATicketIsGivenBack) {
  MemoryBudget budget(100);
  std::atomic<bool> stop{false}, got{false};
  auto first = std::make_unique<MemoryBudget::Ticket>(budget.acquire(80, stop));
  std::thread waiter([&] {
    const auto second = budget.acquire(50, stop);
    got.store(true);
  });
  EXPECT_FALSE(got.load());
  EXPECT_EQ(budget.used(), 80U);
  first.reset();
  waiter.join();
  EXPECT_TRUE(got.load());
  EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, RefusesWhatCanNeverFit) {
  MemoryBudget budget(100);
  const std::atomic<bool> stop{false};
  EXPECT_THROW((void)budget.acquire(101, stop), Error);
}

TEST(MemoryBudget, StoppingWakesAllWaiters) {
  MemoryBudget budget(100);
  std::atomic<bool> stop{false};
  const auto held = budget.acquire(100, stop);
  std::atomic<int> cancelled{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i)
    waiters.emplace_back([&] {
      try {
        (void)budget.acquire(10, stop);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) ++cancelled;
      }
    });
  stop.store(true);
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(cancelled.load(), 3);
}

}  // namespace
}  // namespace geoloom::engine
