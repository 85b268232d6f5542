// SPDX-License-Identifier: Apache-2.0
#include "serve/task_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace geoloom::serve {
namespace {

using namespace std::chrono_literals;

// Tasks that run until they are let go.
struct Held {
  std::promise<void> let_go;
  std::shared_future<void> gone{let_go.get_future()};
  std::atomic<int> done{0}, busy{0}, closed{0};
  void submit(TaskGate& gate) {
    gate.submit(
        [this] {
          gone.wait();
          ++done;
        },
        [this](TaskGate::Refusal why) { ++(why == TaskGate::Refusal::busy ? busy : closed); });
  }
};

void wait_for(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(5ms);
  ASSERT_TRUE(condition());
}

TEST(TaskGate, RunsSoManyAtOnceAndRefusesWhatDoesNotFitTheQueue) {
  Held held;
  TaskGate gate({2, 3, 60s});
  for (int i = 0; i < 5; ++i) held.submit(gate);
  wait_for([&] { return gate.counts().running == 2; });
  EXPECT_EQ(gate.counts().waiting, 3U);
  EXPECT_EQ(held.busy.load(), 0);
  held.submit(gate);
  EXPECT_EQ(held.busy.load(), 1);  // at once
  held.let_go.set_value();
  EXPECT_TRUE(gate.wait_until_idle(TaskGate::Clock::now() + 10s));
  EXPECT_EQ(held.done.load(), 5);
}

TEST(TaskGate, RefusesWhatHasWaitedTooLong) {
  Held held;
  TaskGate gate({1, 8, 50ms});
  for (int i = 0; i < 4; ++i) held.submit(gate);
  wait_for([&] { return held.busy.load() == 3; });
  EXPECT_EQ(held.done.load(), 0);
  held.let_go.set_value();
  EXPECT_TRUE(gate.wait_until_idle(TaskGate::Clock::now() + 10s));
  EXPECT_EQ(held.done.load(), 1);
}

TEST(TaskGate, WithoutAQueueFreeThreadsStillTakeTasks) {
  Held held;
  TaskGate gate({2, 0, 1s});
  held.submit(gate);
  held.submit(gate);
  wait_for([&] { return gate.counts().running == 2; });
  held.submit(gate);
  EXPECT_EQ(held.busy.load(), 1);
  held.let_go.set_value();
}

TEST(TaskGate, ClosingRefusesWhatWaitsAndLetsTheRestEnd) {
  Held held;
  TaskGate gate({1, 8, 60s});
  for (int i = 0; i < 3; ++i) held.submit(gate);
  wait_for([&] { return gate.counts().running == 1; });
  gate.close();
  EXPECT_EQ(held.closed.load(), 2);
  held.submit(gate);
  EXPECT_EQ(held.closed.load(), 3);
  EXPECT_FALSE(gate.wait_until_idle(TaskGate::Clock::now() + 20ms));
  held.let_go.set_value();
  EXPECT_TRUE(gate.wait_until_idle(TaskGate::Clock::now() + 10s));
  EXPECT_EQ(held.done.load(), 1);
}

}  // namespace
}  // namespace geoloom::serve
