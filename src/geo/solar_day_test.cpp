// SPDX-License-Identifier: Apache-2.0
#include "geo/solar_day.h"

#include <gtest/gtest.h>

namespace geoloom::geo {
namespace {

std::string date(const char* time, double lon) {
  return format_date(solar_day(parse_time(time).value(), lon) * 86'400'000);
}

TEST(SolarDay, IsTheDateByTheSun) {
  EXPECT_EQ(date("2020-05-02T10:30:00Z", 15), "2020-05-02");
  // New Zealand's morning is the day before in UTC, Hawaii's the same.
  EXPECT_EQ(date("2020-05-01T22:30:00Z", 172), "2020-05-02");
  EXPECT_EQ(date("2020-05-02T20:50:00Z", -156), "2020-05-02");
  // An overpass across the end of a UTC day is one day.
  EXPECT_EQ(date("2020-05-01T23:59:50Z", 150), date("2020-05-02T00:00:10Z", 150));
  // Times before 1970 go down, too.
  EXPECT_EQ(date("1969-12-31T23:00:00Z", 0), "1969-12-31");
  EXPECT_EQ(date("1969-12-31T23:00:00Z", 30), "1970-01-01");
}

TEST(SolarDay, ADayWithoutATimeIsThatDayEverywhere) {
  for (const double lon : {-180.1, -55.5, 0.0, 55.5, 180.1})
    for (const auto* const day : {"2013-09-14", "1969-12-31"}) {
      const auto midnight = parse_time(day).value();
      EXPECT_FALSE(tells_time_of_day(midnight));
      EXPECT_EQ(format_date(observed_day(midnight, lon) * kDayMs), day) << lon;
    }
  // A millisecond more is a time.
  const auto time = parse_time("2013-09-14T00:00:00.001Z").value();
  EXPECT_TRUE(tells_time_of_day(time));
  EXPECT_EQ(format_date(observed_day(time, -55.5) * kDayMs), "2013-09-13");
  EXPECT_EQ(observed_day(time, -55.5), solar_day(time, -55.5));
}

TEST(SolarDay, DoesNotChangeAtTheAntimeridianWithinATile) {
  EXPECT_DOUBLE_EQ(longitude_near(179.9, -179.5), -180.1);
  EXPECT_DOUBLE_EQ(longitude_near(-179.9, 179.5), 180.1);
  EXPECT_DOUBLE_EQ(longitude_near(10, 12), 10);
  const auto time = parse_time("2020-05-01T23:00:00Z").value();
  EXPECT_NE(solar_day(time, 179.9), solar_day(time, -179.9));
  EXPECT_EQ(solar_day(time, longitude_near(179.9, -179.9)), solar_day(time, -179.9));
}

}  // namespace
}  // namespace geoloom::geo
