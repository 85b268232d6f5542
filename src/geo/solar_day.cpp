// SPDX-License-Identifier: Apache-2.0
#include "geo/solar_day.h"

#include <cmath>

namespace geoloom::geo {

namespace {
constexpr double kMsPerDegree = 3'600'000.0 / 15;
}  // namespace

double longitude_near(double lon, double near) {
  return lon - 360 * std::round((lon - near) / 360);
}

TimeMs solar_time(TimeMs time, double lon) {
  return time + std::llround(lon * kMsPerDegree);
}

int64_t solar_day(TimeMs time, double lon) {
  const auto ms = solar_time(time, lon);
  return ms >= 0 ? ms / kDayMs : -((-ms + kDayMs - 1) / kDayMs);
}

bool tells_time_of_day(TimeMs time) {
  return time % kDayMs != 0;
}

int64_t observed_day(TimeMs time, double lon) {
  return tells_time_of_day(time) ? solar_day(time, lon) : time / kDayMs;
}

}  // namespace geoloom::geo
