// SPDX-License-Identifier: Apache-2.0
#include "engine/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace geoloom::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// a, b (trial), c, d, e (trial), a day apart; now is a day after the last.
const std::vector<RunAge> kRuns{{"a", 0, false},
                                {"b", 86400, true},
                                {"c", 2 * 86400, false},
                                {"d", 3 * 86400, false},
                                {"e", 4 * 86400, true}};
constexpr int64_t kNow = 5 * 86400;

std::vector<std::string> gone(const Retention& retention) {
  return expired(kRuns, retention, kNow);
}

TEST(Retention, TheLastWholeRunsStayWithTheTrialsAfterThem) {
  EXPECT_THAT(gone({.keep_last = 1}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(gone({.keep_last = 2}), ElementsAre("a", "b"));
  EXPECT_THAT(gone({.keep_last = 3}), IsEmpty());
  EXPECT_THAT(gone({.keep_last = 4}), IsEmpty()) << "there are only three";
  EXPECT_THAT(gone({.keep_last = 0}), ElementsAre("a", "b", "c", "d", "e"));
}

TEST(Retention, RunsOfOneSecondStayTogether) {
  const std::vector<RunAge> runs{
      {"a", 0, false}, {"b", 7, false}, {"c", 7, false}, {"d", 9, false}};
  EXPECT_THAT(expired(runs, {.keep_last = 2}, kNow), ElementsAre("a"));
  EXPECT_THAT(expired(runs, {.keep_last = 1}, kNow), ElementsAre("a", "b", "c"));
}

TEST(Retention, YoungRunsStay) {
  EXPECT_THAT(gone({.older_than_s = 3 * 86400}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(gone({.older_than_s = 3 * 86400 + 1}), ElementsAre("a", "b"));
  EXPECT_THAT(gone({.older_than_s = 100 * 86400}), IsEmpty());
}

TEST(Retention, EitherRuleKeeps) {
  EXPECT_THAT(gone({.keep_last = 1, .older_than_s = 5 * 86400}), ElementsAre("a"));
  EXPECT_THAT(gone({.keep_last = 2, .older_than_s = 0}), ElementsAre("a", "b"));
  EXPECT_THAT(gone({}), IsEmpty());
}

}  // namespace
}  // namespace geoloom::engine
