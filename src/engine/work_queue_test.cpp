// SPDX-License-Identifier: Apache-2.0
#include "engine/work_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace geoloom::engine {
namespace {

const auto kGo = [] { return false; };

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

TEST(WorkQueue, WhatIsTriedAgainComesBeforeWhatWasNotTried) {
  WorkQueue queue;
  for (size_t item = 0; item < 3; ++item) queue.push({0, item});
  queue.give_back_after(*queue.lease(kGo), std::chrono::milliseconds(0));
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(queue.lease(kGo)->item, 0U);
  EXPECT_EQ(queue.lease(kGo)->item, 1U);
}

TEST(WorkQueue, StopEndsLeasing) {
  WorkQueue queue;
  queue.push({0, 0});
  EXPECT_FALSE(queue.lease([] { return true; }));
}

}  // namespace
}  // namespace geoloom::engine
