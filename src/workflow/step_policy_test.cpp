// SPDX-License-Identifier: Apache-2.0
#include "workflow/step_policy.h"

#include <gtest/gtest.h>

namespace geoloom::workflow {
namespace {

using std::chrono::milliseconds;

StepPolicy policy_of(const std::string& retry, const std::string& timeout = "null") {
  const auto value = [](const std::string& text) {
    const auto map = parse_yaml("key: " + text, "a.yaml");
    return *map.find("key");
  };
  return step_policy(value(retry), value(timeout));
}

std::string refusal(const std::string& retry, const std::string& timeout = "null") {
  try {
    policy_of(retry, timeout);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    return error.what();
  }
  return "accepted";
}

TEST(StepPolicy, IsAbsentUnlessGiven) {
  const auto policy = policy_of("null");
  EXPECT_FALSE(policy.retry);
  EXPECT_FALSE(policy.timeout);
}

TEST(StepPolicy, TakesANumberOfAttemptsAlone) {
  const auto policy = policy_of("7", "1.5 min");
  EXPECT_EQ(policy.retry->attempts, 7);
  EXPECT_EQ(policy.retry->first.time, milliseconds(500));
  EXPECT_EQ(policy.timeout, milliseconds(90'000));
}

TEST(StepPolicy, WaitsGrowUpToTheLongest) {
  const auto retry = *policy_of("{first: 2 s, factor: 3, longest: 20 s, jitter: false}").retry;
  EXPECT_EQ(retry.wait(1, 0.5), milliseconds(2'000));
  EXPECT_EQ(retry.wait(2, 0.5), milliseconds(6'000));
  EXPECT_EQ(retry.wait(3, 0.5), milliseconds(18'000));
  EXPECT_EQ(retry.wait(4, 0.5), milliseconds(20'000));
  EXPECT_EQ(retry.wait(5000, 0.5), milliseconds(20'000)) << "infinite without the limit";
}

TEST(StepPolicy, JitterDrawsFromTheWholeWait) {
  const auto retry = *policy_of("{first: 2 s}").retry;
  EXPECT_EQ(retry.wait(1, 0), milliseconds(0));
  EXPECT_EQ(retry.wait(2, 0.25), milliseconds(1'000));
}

TEST(StepPolicy, ChoosesErrorsByName) {
  const auto usual = *policy_of("3").retry;
  EXPECT_TRUE(usual.covers(ErrorCode::unavailable));
  EXPECT_FALSE(usual.covers(ErrorCode::corrupt));
  EXPECT_FALSE(usual.covers(ErrorCode::denied));
  const auto chosen = *policy_of("{on: [corrupt]}").retry;
  EXPECT_TRUE(chosen.covers(ErrorCode::corrupt));
  EXPECT_FALSE(chosen.covers(ErrorCode::unavailable));
}

TEST(StepPolicy, RefusesWhatItCannotMean) {
  EXPECT_NE(refusal("{attempts: 0}").find("retry.attempts"), std::string::npos);
  EXPECT_NE(refusal("{tries: 3}").find("attempts"), std::string::npos);
  EXPECT_NE(refusal("{on: [denied]}").find("unavailable"), std::string::npos);
  EXPECT_NE(refusal("{first: 2}").find("time with its unit"), std::string::npos);
  for (const auto* const time : {"5", "-1 s", "0 s", "5 minutes", "31 d", "[1 s]", "1e300 d", "s"})
    EXPECT_NE(refusal("null", time).find("timeout must be a time"), std::string::npos) << time;
}

TEST(StepPolicy, WritesTimesForPeople) {
  EXPECT_EQ(text_of(milliseconds(90'500)), "1 min 30 s 500 ms");
  EXPECT_EQ(text_of(std::chrono::hours(25)), "1 d 1 h");
}

}  // namespace
}  // namespace geoloom::workflow
