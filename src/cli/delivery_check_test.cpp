// SPDX-License-Identifier: Apache-2.0
#include "cli/delivery_check.h"

#include <gtest/gtest.h>

namespace geoloom::cli {
namespace {

// What `geoloom up` sets.
DeliverySettings recommended() {
  DeliverySettings settings;
  settings.ack_deadline_s = 600;
  settings.attempts = 20;
  settings.dead_letters_read = true;
  settings.backoff = Backoff{};
  settings.request_timeout_s = 3600;
  settings.tasks = 121;
  return settings;
}

std::string text_of(const DeliverySettings& settings) {
  std::string text;
  for (const auto& finding : check_delivery(settings))
    text += (finding.serious ? "! " : "- ") + finding.what + " -> " + finding.change + "\n";
  return text;
}

TEST(DeliveryCheck, RecommendedSettingsFit) {
  EXPECT_EQ(text_of(recommended()), "");
}

TEST(DeliveryCheck, TheCoursesSettingsLoseTiles) {
  auto settings = recommended();
  settings.attempts = 5;
  settings.backoff.reset();
  settings.dead_letters_read = false;
  settings.request_timeout_s = 300;
  const auto text = text_of(settings);
  EXPECT_NE(text.find("! there is no retry policy"), std::string::npos) << text;
  EXPECT_NE(text.find("71 of 121 tasks"), std::string::npos) << text;
  EXPECT_NE(text.find("! the dead-letter topic has no subscription"), std::string::npos) << text;
  EXPECT_NE(text.find("- the platform ends requests after 300 s"), std::string::npos) << text;
}

TEST(DeliveryCheck, TimesMustContainEachOther) {
  auto settings = recommended();
  settings.ack_deadline_s = 50;
  EXPECT_NE(text_of(settings).find("deadline to 120 s"), std::string::npos) << text_of(settings);
  settings.task_s = 700;
  EXPECT_NE(text_of(settings).find("smaller tiles"), std::string::npos) << text_of(settings);
  settings = recommended();
  settings.request_timeout_s = 30;
  EXPECT_NE(text_of(settings).find("! the platform ends"), std::string::npos) << text_of(settings);
}

TEST(DeliveryCheck, AttemptsMustOutlastTheQueue) {
  auto settings = recommended();
  // Three waves of 60 s: 120 s, and half as much again; 10 + 20 + 40 + 80 + 160 s.
  EXPECT_EQ(attempts_needed(settings), 10);
  settings.attempts = 9;
  EXPECT_NE(text_of(settings).find("set 10 attempts"), std::string::npos) << text_of(settings);
  settings.tasks = 50;
  EXPECT_EQ(attempts_needed(settings), 5) << "nobody waits";
  settings.tasks = 1'000'000;
  settings.attempts = 100;
  EXPECT_NE(text_of(settings).find("fewer tasks at once"), std::string::npos) << text_of(settings);
  settings.backoff.reset();
  EXPECT_EQ(attempts_needed(settings), std::nullopt);
}

TEST(DeliveryCheck, WithoutDeadLettersNothingEnds) {
  auto settings = recommended();
  settings.attempts.reset();
  EXPECT_NE(text_of(settings).find("- there is no dead-letter policy"), std::string::npos);
}

}  // namespace
}  // namespace geoloom::cli
