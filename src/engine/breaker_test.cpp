// SPDX-License-Identifier: Apache-2.0
#include "engine/breaker.h"

#include <gtest/gtest.h>

namespace geoloom::engine {
namespace {

using workflow::BreakerPolicy;

constexpr size_t kItems = 1000;
const std::string kNow = "2026-05-01T10:00:00Z";

Error torn() {
  return Error(ErrorCode::corrupt, "a block cannot be decoded").hint("fetch it again");
}

std::string item(size_t number) {
  return std::to_string(number) + "_0";
}

TEST(Breaker, TripsAtTheTwentiethInARow) {
  Breaker breaker(BreakerPolicy{}, kItems);
  for (size_t i = 0; i < 19; ++i) EXPECT_FALSE(breaker.failed(item(i), torn(), kNow)) << i;
  const auto cause = breaker.failed(item(19), torn(), "2026-05-01T11:00:00Z");
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->items, 20U);
  EXPECT_EQ(cause->since, kNow);
  EXPECT_EQ(cause->code, "corrupt");
  EXPECT_EQ(cause->hint, "fetch it again");
  EXPECT_FALSE(breaker.failed(item(20), torn(), kNow)) << "it says so once";
}

TEST(Breaker, AnItemThatIsMadeEndsARow) {
  Breaker breaker(BreakerPolicy{}, kItems);
  for (size_t i = 0; i < 90; ++i) {
    EXPECT_FALSE(breaker.failed(item(i), torn(), kNow)) << i;
    if (i % 10 == 9) breaker.made();
  }
}

TEST(Breaker, SoDoesAnotherCause) {
  Breaker breaker(BreakerPolicy{}, kItems);
  for (size_t i = 0; i < 90; ++i)
    EXPECT_FALSE(breaker.failed(
        item(i), i % 19 == 0 ? Error(ErrorCode::missing, "there is no such file") : torn(), kNow))
        << i;
}

TEST(Breaker, NamesAndNumbersMakeNoOtherCause) {
  Breaker breaker(BreakerPolicy{}, kItems);
  std::optional<Breaker::Cause> cause;
  for (size_t i = 0; i < 20; ++i)
    cause = breaker.failed(item(i),
                           Error(ErrorCode::corrupt, "tile " + item(i) + " holds " +
                                                         std::to_string(100 * i) + " bytes"),
                           kNow);
  EXPECT_TRUE(cause);
}

TEST(Breaker, TripsAtOneInTen) {
  Breaker breaker(BreakerPolicy{}, 300);
  std::optional<Breaker::Cause> cause;
  size_t failures = 0;
  while (!cause && failures < 300) {
    cause = breaker.failed(item(failures++), torn(), kNow);
    breaker.made();
  }
  EXPECT_EQ(failures, 30U);
}

TEST(Breaker, OneInTenOfFewItemsIsNotEnough) {
  Breaker breaker(BreakerPolicy{}, 30);
  for (size_t i = 0; i < 19; ++i) {
    EXPECT_FALSE(breaker.failed(item(i), torn(), kNow)) << i;
    breaker.made();
  }
  EXPECT_TRUE(breaker.failed(item(19), torn(), kNow));
}

TEST(Breaker, CanBeSetAndSwitchedOff) {
  Breaker quick(BreakerPolicy{.in_a_row = 2}, kItems);
  EXPECT_FALSE(quick.failed(item(0), torn(), kNow));
  EXPECT_TRUE(quick.failed(item(1), torn(), kNow));
  Breaker off(std::nullopt, kItems);
  for (size_t i = 0; i < kItems; ++i) EXPECT_FALSE(off.failed(item(i), torn(), kNow));
}

}  // namespace
}  // namespace geoloom::engine
