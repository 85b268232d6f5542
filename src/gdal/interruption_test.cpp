// SPDX-License-Identifier: Apache-2.0
#include "gdal/interruption.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom::gdal {
namespace {

TEST(Interruption, IsOfAThreadAndEndsWithItsScope) {
  const std::atomic<bool> outer{false}, inner{false};
  EXPECT_EQ(interruption(), nullptr);
  {
    const Interruptible all(&outer);
    {
      const Interruptible part(&inner);
      EXPECT_EQ(interruption(), &inner);
    }
    EXPECT_EQ(interruption(), &outer);
  }
  EXPECT_EQ(interruption(), nullptr);
}

TEST(Interruption, EndsAWait) {
  const std::atomic<bool> stop{true};
  const Interruptible reads(&stop);
  try {
    interruptible_sleep(std::chrono::hours(24));
    FAIL() << "it waited";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace geoloom::gdal
