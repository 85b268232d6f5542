// SPDX-License-Identifier: Apache-2.0
#include "engine/failure_causes.h"

#include <gtest/gtest.h>

namespace geoloom::engine {
namespace {

TEST(CauseKey, NamesOfItemAndSceneDoNotCount) {
  EXPECT_EQ(cause_key("corrupt", "scene s2_a of 0_64 is torn", "0_64", "s2_a"),
            cause_key("corrupt", "scene s2_b of 64_64 is torn", "64_64", "s2_b"));
  EXPECT_NE(cause_key("corrupt", "torn", "a", "b"), cause_key("missing", "torn", "a", "b"));
  EXPECT_NE(cause_key("corrupt", "torn", "a", "b"), cause_key("corrupt", "cut", "a", "b"));
}

TEST(CauseKey, OnlyWholeNamesAreNames) {
  EXPECT_NE(cause_key("invalid", "band red of a", "a", ""),
            cause_key("invalid", "band red of b", "d", ""));
  EXPECT_EQ(cause_key("invalid", "a", "a", ""), "invalid: <item>");
  EXPECT_EQ(cause_key("invalid", "ab a-b a", "a", ""), "invalid: ab a-b <item>");
}

TEST(CauseKey, NumbersDoNotCountButStatusesDo) {
  EXPECT_EQ(cause_key("corrupt", "a block holds 12 bytes instead of 4096", "", ""),
            cause_key("corrupt", "a block holds 7 bytes instead of 65536", "", ""));
  EXPECT_NE(cause_key("unavailable", "the host answers with status 500", "", ""),
            cause_key("unavailable", "the host answers with status 503", "", ""));
}

TEST(CauseKey, AttemptsAndErrorsAgree) {
  AttemptRecord record;
  record.item = "0_64";
  record.error_code = "corrupt";
  record.message = "scene_1 is torn";
  record.place = "step a, item 0_64, scene scene_1";
  const auto here = Error(ErrorCode::corrupt, "scene_2 is torn").at({.scene = "scene_2"});
  const auto elsewhere =
      Error(ErrorCode::corrupt, "scene_3 is torn").cause("step a, item 64_0, scene scene_3");
  EXPECT_EQ(cause_key(record), cause_key(here, "64_64"));
  EXPECT_EQ(cause_key(record), cause_key(elsewhere, "64_0"));
}

}  // namespace
}  // namespace geoloom::engine
