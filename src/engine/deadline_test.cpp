// SPDX-License-Identifier: Apache-2.0
#include "engine/deadline.h"

#include <gtest/gtest.h>

namespace geoloom::engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

void wait_for(const std::atomic<bool>& flag) {
  while (!flag.load()) std::this_thread::yield();
}

TEST(Deadline, WithoutATimeoutIsTheOuterFlag) {
  const std::atomic<bool> stop{false};
  const Deadline none(stop, std::nullopt);
  EXPECT_EQ(&none.flag(), &stop);
}

TEST(Deadline, SetsItsFlagWhenTheTimeIsOver) {
  const std::atomic<bool> stop{false};
  const Deadline soon(stop, milliseconds(1));
  wait_for(soon.flag());
  EXPECT_TRUE(soon.passed());
  EXPECT_FALSE(stop.load());
}

TEST(Deadline, PassesTheOuterFlagOn) {
  std::atomic<bool> stop{false};
  const Deadline late(stop, hours(24));
  EXPECT_FALSE(late.flag().load());
  stop.store(true);
  wait_for(late.flag());
  EXPECT_FALSE(late.passed()) << "others stopped it";
}

}  // namespace
}  // namespace geoloom::engine
