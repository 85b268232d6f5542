// SPDX-License-Identifier: Apache-2.0
#include "engine/task_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace geoloom::engine {
namespace {

TEST(TaskPool, RunsEveryIndexOnce) {
  TaskPool pool(4);
  std::vector<std::atomic<int>> seen(1000);
  pool.for_each_index(seen.size(), [&](size_t i) { ++seen[i]; });
  for (const auto& count : seen) EXPECT_EQ(count.load(), 1);
}

TEST(TaskPool, LoopsOfSeveralCallersShareThreads) {
  TaskPool pool(2);
  std::atomic<int> total{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] { pool.for_each_index(100, [&](size_t) { ++total; }); });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 400);
}

TEST(TaskPool, ThrowsAndStartsNothingMore) {
  TaskPool pool(1);
  std::atomic<int> started{0};
  EXPECT_THROW(pool.for_each_index(100,
                                   [&](size_t i) {
                                     ++started;
                                     if (i == 3) throw std::runtime_error("three");
                                   }),
               std::runtime_error);
  EXPECT_EQ(started.load(), 4);
}

}  // namespace
}  // namespace geoloom::engine
