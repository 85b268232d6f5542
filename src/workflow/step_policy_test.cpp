// SPDX-License-Identifier: Apache-2.0
#include "workflow/step_policy.h"

#include <gtest/gtest.h>

#include "workflow/document.h"

namespace geoloom::workflow {
namespace {

using std::chrono::milliseconds;

Value value_of(const std::string& text) {
  const auto map = parse_yaml("key: " + text, "a.yaml");
  return *map.find("key");
}

StepPolicy policy_of(const std::string& retry, const std::string& timeout = "null") {
  StepDeclaration step;
  step.retry = value_of(retry);
  step.timeout = value_of(timeout);
  return step_policy(step);
}

Portion portion_of(const std::string& text) {
  Portion portion;
  ParameterType<Portion>::parse(value_of(text), {}, "max_failed", portion);
  return portion;
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

TEST(StepPolicy, TakesNumbersAndShares) {
  EXPECT_EQ(portion_of("10").at_most(3), 10U);
  EXPECT_EQ(portion_of("1").at_most(300), 1U) << "a whole number counts items";
  EXPECT_EQ(portion_of("1.0").at_most(300), 300U);
  EXPECT_EQ(portion_of("5 %").at_most(30), 1U);
  EXPECT_EQ(portion_of("5%").at_least(30), 2U);
  EXPECT_EQ(portion_of("0.95").at_least(10), 10U);
  EXPECT_EQ(portion_of("0").at_most(10), 0U);
  EXPECT_EQ(text_of(portion_of("0.05")), "5 %");
  EXPECT_EQ(text_of(portion_of("7")), "7");
}

TEST(StepPolicy, SharesAreNotLostToRounding) {
  for (int percent = 0; percent <= 100; ++percent) {
    const auto portion = portion_of(std::to_string(percent) + " %");
    EXPECT_EQ(portion.at_most(100), static_cast<size_t>(percent));
    EXPECT_EQ(portion.at_least(100), static_cast<size_t>(percent));
    EXPECT_EQ(portion.at_least(100'000'000), static_cast<size_t>(percent) * 1'000'000);
  }
}

TEST(StepPolicy, RefusesWhatIsNoPortion) {
  for (const auto* const text : {"-1", "1.5", "101 %", "-5 %", "many", "% 5", "[1]", "nan", ".nan"})
    EXPECT_THROW(portion_of(text), Error) << text;
}

TEST(StepPolicy, TheBreakerIsOnUnlessSaidOtherwise) {
  StepDeclaration step;
  EXPECT_EQ(step_policy(step).breaker->in_a_row, 20);
  EXPECT_EQ(step_policy(step).breaker->share.at_most(1000), 100U);
  for (const auto* const off : {"off", "false"}) {
    step.breaker = value_of(off);
    EXPECT_FALSE(step_policy(step).breaker) << off;
  }
  step.breaker = value_of("{in_a_row: 5, share: 50 %}");
  EXPECT_EQ(step_policy(step).breaker->in_a_row, 5);
  EXPECT_EQ(step_policy(step).breaker->share.at_most(10), 5U);
  for (const auto* const wrong : {"on", "true", "20", "{in_a_row: 0}", "{rows: 5}"}) {
    step.breaker = value_of(wrong);
    EXPECT_THROW(step_policy(step), Error) << wrong;
  }
}

TEST(StepPolicy, WaitsForOneOfTwo) {
  StepDeclaration step;
  step.waits_for = value_of("{file: done.txt}");
  EXPECT_EQ(step_policy(step).waits_for->file, "done.txt");
  step.waits_for = value_of("{person: look at the preview}");
  EXPECT_EQ(step_policy(step).waits_for->person, "look at the preview");
  for (const auto* const wrong : {"{}", "{file: a, person: b}", "{until: noon}", "done.txt"}) {
    step.waits_for = value_of(wrong);
    EXPECT_THROW(step_policy(step), Error) << wrong;
  }
}

TEST(StepPolicy, WritesTimesForPeople) {
  EXPECT_EQ(text_of(milliseconds(90'500)), "1 min 30 s 500 ms");
  EXPECT_EQ(text_of(std::chrono::hours(25)), "1 d 1 h");
}

}  // namespace
}  // namespace geoloom::workflow
