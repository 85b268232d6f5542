// SPDX-License-Identifier: Apache-2.0
#include "kernels/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

class Target : public testing::Test {
 protected:
  void TearDown() override {
    unsetenv("GEOLOOM_CPU_TARGET");
    reset_target();
  }
};

TEST_F(Target, TheForcedOneIsTheOneThatRuns) {
  for (const auto name : supported_targets()) {
    force_target(name);
    EXPECT_EQ(chosen_target(), name);
  }
}

TEST_F(Target, TheBestRunsUnlessForced) {
  const auto names = supported_targets();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(chosen_target(), names.front());
  force_target(names.back());
  EXPECT_EQ(supported_targets(), names);
  reset_target();
  EXPECT_EQ(chosen_target(), names.front());
}

TEST_F(Target, TheListAgreesWithTheProcessor) {
#if defined(__x86_64__)
  const auto names = supported_targets();
  const auto listed = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  // Sanitizers see fewer: CMakeLists.txt says why.
  EXPECT_EQ(listed("SSSE3"), !kSanitized && __builtin_cpu_supports("ssse3") != 0);
  EXPECT_EQ(listed("AVX2"), __builtin_cpu_supports("avx2") != 0);
#endif
}

TEST_F(Target, TheEnvironmentMayForce) {
  const auto last = std::string(supported_targets().back());
  setenv("GEOLOOM_CPU_TARGET", last.c_str(), 1);
  force_target_from_environment();
  EXPECT_EQ(chosen_target(), last);
  setenv("GEOLOOM_CPU_TARGET", "", 1);
  reset_target();
  force_target_from_environment();
  EXPECT_EQ(chosen_target(), supported_targets().front());
}

TEST_F(Target, AnUnknownNameIsRefusedWithTheKnownOnes) {
  try {
    force_target("PENTIUM");
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("PENTIUM"));
    for (const auto name : supported_targets())
      EXPECT_THAT(error.what(), testing::HasSubstr(std::string(name)));
  }
}

}  // namespace
}  // namespace geoloom::kernels
