// SPDX-License-Identifier: Apache-2.0
#include "cli/quantities.h"

#include <gtest/gtest.h>

#include <cmath>

#include "error/error.h"

namespace geoloom::cli {
namespace {

TEST(Quantities, ReadsMemory) {
  EXPECT_EQ(parse_bytes("768M", "--memory"), size_t{768} << 20);
  EXPECT_EQ(parse_bytes("1.5GiB", "--memory"), size_t{1536} << 20);
  EXPECT_EQ(parse_bytes("4096", "--memory"), 4096U);
  for (const auto* bad : {"", "M", "-1G", "1X", "1GB2", "nan"})
    EXPECT_THROW(parse_bytes(bad, "--memory"), Error) << bad;
}

TEST(Quantities, ReadsResolutionsAndPairs) {
  EXPECT_EQ(parse_resolution("60m"), 60);
  EXPECT_EQ(parse_resolution("0.5"), 0.5);
  EXPECT_THROW(parse_resolution("60 km"), Error);
  EXPECT_EQ(parse_pair("1.5,-2", "a place").second, -2);
  EXPECT_THROW(parse_pair("1.5", "a place"), Error);
}

TEST(Quantities, WritesForPeople) {
  EXPECT_EQ(format_bytes(1536.0 * 1024), "1.5 MiB");
  EXPECT_EQ(format_bytes(10), "10 B");
  EXPECT_EQ(counted(1, "item"), "1 item");
  EXPECT_EQ(counted(0, "item"), "0 items");
  EXPECT_EQ(format_number(9), "9");
  EXPECT_EQ(format_number(-32768), "-32768");
  EXPECT_EQ(format_number(0.3F), "0.3");
  EXPECT_EQ(format_number(0.3), "0.3");
  EXPECT_EQ(format_number(4294967295), "4294967295");
  EXPECT_EQ(format_number(std::nan("")), "nan");
  EXPECT_EQ(format_seconds(3.21), "3.2 s");
  EXPECT_EQ(format_seconds(64), "1:04");
  EXPECT_EQ(format_seconds(7390), "2:03:10");
}

}  // namespace
}  // namespace geoloom::cli
