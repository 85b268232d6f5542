// SPDX-License-Identifier: Apache-2.0
#include "workflow/duration.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom::workflow {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("500 ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("20s"), milliseconds(20'000));
  EXPECT_EQ(parse_duration("1.5 min"), milliseconds(90'000));
  EXPECT_EQ(parse_duration("2 h"), hours(2));
  EXPECT_EQ(parse_duration("30d"), hours(30 * 24));
  EXPECT_EQ(parse_duration("8 w"), hours(8 * 7 * 24));
  EXPECT_EQ(parse_duration("0 h"), milliseconds(0));
  EXPECT_EQ(parse_duration("36525 d"), hours(36525 * 24)) << "100 years";
}

TEST(Duration, RefusesWhatIsNoTime) {
  for (const auto* const text : {"", "5", "h", "5 hours", "-1 h", "5  h", "5 h ", "1e9 d", "inf h",
                                 "nan h", "36526 d", "5 H", "0x5 h"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, IsToldInUnitsBelowWeeks) {
  EXPECT_EQ(text_of(milliseconds(90'500)), "1 min 30 s 500 ms");
  EXPECT_EQ(text_of(hours(24 * 30)), "30 d");
  EXPECT_EQ(text_of(milliseconds(0)), "0 s");
}

Value value_of(const std::string& text) {
  return *parse_yaml("key: " + text, "a.yaml").find("key");
}

TEST(Duration, WaitsAndAgesHaveLimitsOfTheirOwn) {
  EXPECT_EQ(duration_in(value_of("30 d"), "timeout"), hours(30 * 24));
  EXPECT_FALSE(duration_in(value_of("null"), "timeout"));
  EXPECT_THROW((void)duration_in(value_of("31 d"), "timeout"), Error);
  EXPECT_THROW((void)duration_in(value_of("0 s"), "timeout"), Error);
  EXPECT_THROW((void)duration_in(value_of("[1 s]"), "timeout"), Error);
  EXPECT_EQ(age_in(value_of("52 w"), "max_age"), hours(52 * 7 * 24));
  EXPECT_THROW((void)age_in(value_of("0 d"), "max_age"), Error);
  EXPECT_THROW((void)age_in(value_of("7"), "max_age"), Error);
}

}  // namespace
}  // namespace geoloom::workflow
