// SPDX-License-Identifier: Apache-2.0
#include "cli/next_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace geoloom::cli {
namespace {

using testing::HasSubstr;

const RunAddress kRun{"20260101T000000Z-1a2b3c4d", "s3://bucket/prefix", "map.yaml", false};
constexpr uint64_t kMemory = uint64_t{2048} << 20;

NextStep about(const std::string& code, const std::string& message, const std::string& hint = {},
               std::vector<std::string> scenes = {}) {
  return next_step({code, message, hint, std::move(scenes), {"composite/0_0"}}, kRun, kMemory);
}

TEST(NextCommand, WhatWasNotStartedIsStarted) {
  const auto next = about("not started", "no attempt was made");
  EXPECT_EQ(next.first, "");
  EXPECT_EQ(next.command,
            "geoloom runs retry 20260101T000000Z-1a2b3c4d --store s3://bucket/prefix");
}

TEST(NextCommand, WhatSomebodyHoldsIsResumed) {
  auto held = kRun;
  held.held = true;
  EXPECT_THAT(next_step({"not started", "", "", {}, {"s/i"}}, held, kMemory).command,
              HasSubstr("runs resume"));
}

TEST(NextCommand, DeniedNamesTheVariableOfItsHint) {
  const auto next = about("denied", "the server refuses", "set AWS_REGION to it");
  EXPECT_EQ(next.first, "set AWS_REGION to it");
  EXPECT_THAT(next.command, HasSubstr("runs retry"));
}

TEST(NextCommand, ScenesAreLeftOut) {
  const auto next = about("corrupt", "the file ends early", "", {"S2A_1"});
  EXPECT_THAT(next.first, HasSubstr("S2A_1"));
  EXPECT_THAT(next.first, HasSubstr("exclude"));
  EXPECT_THAT(next.first, HasSubstr("tolerate"));
  EXPECT_EQ(next.command, "geoloom run map.yaml");
  EXPECT_THAT(about("missing", "not found", "", {"a", "b"}).first, HasSubstr("the 2 scenes"));
}

TEST(NextCommand, MemoryIsNamedInFigures) {
  EXPECT_THAT(about("resource", "out of memory", "lower --memory or --threads").command,
              testing::EndsWith(" --memory 2048M"));
  const auto disk = about("resource", "writing failed: no space left");
  EXPECT_THAT(disk.first, HasSubstr("disk"));
  EXPECT_THAT(disk.command, testing::EndsWith("s3://bucket/prefix"));
}

TEST(NextCommand, GatheredLayersWait) {
  const auto next = about("missing", "5 of 9 items of layer 'composite' are missing");
  EXPECT_THAT(next.first, HasSubstr("items it reads"));
  EXPECT_THAT(next.command, HasSubstr("runs retry"));
}

TEST(NextCommand, OthersAreLookedAt) {
  EXPECT_EQ(about("invalid", "bands differ").command, "geoloom validate map.yaml");
  EXPECT_THAT(about("internal", "vector").command, testing::EndsWith("--item 0_0"));
}

TEST(NextCommand, NamesAreWordsOfTheShell) {
  const RunAddress odd{"id", "out/it's mine", "a b.yaml", false};
  EXPECT_THAT(next_step({"lost", "", "", {}, {"s/i"}}, odd, kMemory).command,
              testing::EndsWith("--store 'out/it'\\''s mine'"));
  EXPECT_EQ(next_step({"invalid", "", "", {}, {"s/i"}}, odd, kMemory).command,
            "geoloom validate 'a b.yaml'");
}

}  // namespace
}  // namespace geoloom::cli
