// SPDX-License-Identifier: Apache-2.0
#include "engine/work_queue.h"

#include <gtest/gtest.h>

namespace geoloom::engine {
namespace {

const std::atomic<bool> kGo{false};

TEST(WorkQueue, GivesMessagesInOrderAndEnds) {
  WorkQueue queue;
  queue.push({0, 0});
  queue.push({0, 1});
  EXPECT_EQ(queue.lease(kGo)->item, 0U);
  const auto second = queue.lease(kGo);
  EXPECT_EQ(second->item, 1U);
  queue.acknowledge(*second);
  queue.acknowledge({0, 0});
  EXPECT_FALSE(queue.lease(kGo));
}

TEST(WorkQueue, GivenBackMessagesComeAgainWithTheNextAttempt) {
  WorkQueue queue;
  queue.push({0, 7});
  queue.give_back_after(*queue.lease(kGo), std::chrono::milliseconds(1));
  const auto again = queue.lease(kGo);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->attempt, 2);
  queue.dead_letter(*again, "broken");
  EXPECT_FALSE(queue.lease(kGo));
  ASSERT_EQ(queue.dead().size(), 1U);
  EXPECT_EQ(queue.dead()[0].reason, "broken");
}

TEST(WorkQueue, StopEndsLeasing) {
  WorkQueue queue;
  queue.push({0, 0});
  const std::atomic<bool> stop{true};
  EXPECT_FALSE(queue.lease(stop));
}

}  // namespace
}  // namespace geoloom::engine
