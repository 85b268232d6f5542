// SPDX-License-Identifier: Apache-2.0
#include "geo/cf_time.h"

#include <gtest/gtest.h>

#include <cmath>

#include "error/error.h"

namespace geoloom::geo {
namespace {

std::string decoded(double value, std::string_view units, std::string_view calendar = "") {
  return format_time(CfTimeUnits(units, calendar).at(value));
}

// Expected values: cftime 1.6 (num2date).
TEST(CfTime, UnitsAndInstants) {
  EXPECT_EQ(decoded(0, "days since 2018-05-01"), "2018-05-01T00:00:00Z");
  EXPECT_EQ(decoded(10.5, "days since 2018-5-1 12:00:00"), "2018-05-12T00:00:00Z");
  EXPECT_EQ(decoded(36, "hours since 2018-05-01T00:00:00Z"), "2018-05-02T12:00:00Z");
  EXPECT_EQ(decoded(90, "Minutes since 2018-05-01 00:00"), "2018-05-01T01:30:00Z");
  EXPECT_EQ(decoded(1525132800, "seconds since 1970-01-01"), "2018-05-01T00:00:00Z");
  EXPECT_EQ(decoded(1525132800123, "milliseconds since 1970-01-01"), "2018-05-01T00:00:00.123Z");
  EXPECT_EQ(decoded(-1, "weeks since 2018-05-08"), "2018-05-01T00:00:00Z");
  EXPECT_EQ(decoded(0, "days since 2018-05-01 00:00:00.5"), "2018-05-01T00:00:00.500Z");
}

TEST(CfTime, ZonesCount) {
  EXPECT_EQ(decoded(0, "hours since 2018-05-01 02:00:00 +02:00"), "2018-05-01T00:00:00Z");
  EXPECT_EQ(decoded(0, "hours since 2018-05-01 00:00:00 -0130"), "2018-05-01T01:30:00Z");
  EXPECT_EQ(decoded(0, "hours since 2018-05-01 00:00:00 UTC"), "2018-05-01T00:00:00Z");
}

TEST(CfTime, StandardIsJulianBefore1582) {
  // In the Julian calendar the year 1 began two days earlier.
  EXPECT_EQ(decoded(736815, "days since 0001-01-01", "proleptic_gregorian"),
            "2018-05-02T00:00:00Z");
  EXPECT_EQ(decoded(736817, "days since 0001-01-01", "standard"), "2018-05-02T00:00:00Z");
}

TEST(CfTime, RefusesWhatHasNoDates) {
  EXPECT_THROW(CfTimeUnits("days since 2018-05-01", "360_day"), Error);
  EXPECT_THROW(CfTimeUnits("days since 2018-05-01", "noleap"), Error);
  EXPECT_THROW(CfTimeUnits("months since 2018-05-01", ""), Error);
  EXPECT_THROW(CfTimeUnits("days since yesterday", ""), Error);
  EXPECT_THROW(CfTimeUnits("days since 2018-13-01", ""), Error);
  EXPECT_THROW(CfTimeUnits("days since 2018-05-01 10:00:00 home", ""), Error);
  EXPECT_THROW(CfTimeUnits("m", ""), Error);
  EXPECT_THROW((void)CfTimeUnits("days since 2018-05-01", "").at(std::nan("")), Error);
  EXPECT_THROW((void)CfTimeUnits("days since 2018-05-01", "").at(1e9), Error);
  EXPECT_TRUE(CfTimeUnits::are_time_units("Days Since 2018-05-01"));
  EXPECT_FALSE(CfTimeUnits::are_time_units("degrees_north"));
}

}  // namespace
}  // namespace geoloom::geo
