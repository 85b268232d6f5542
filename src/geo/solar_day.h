// SPDX-License-Identifier: Apache-2.0
// The date at a place by the sun: overpasses of one day have one date, wherever the UTC day ends.
#pragma once

#include <cstdint>

#include "geo/calendar.h"

namespace geoloom::geo {

// The longitude, in degrees, that means the same meridian and lies within 180 degrees of `near`
// (-180.1 for 179.9 near -179.5), so that dates do not change at the antimeridian within a tile.
double longitude_near(double lon, double near);

// UTC + lon / 15 hours.
TimeMs solar_time(TimeMs time, double lon);

// Days since 1970-01-01 of that time.
int64_t solar_day(TimeMs time, double lon);

// False for midnight in UTC, to the millisecond: so dates without a time of day are told, by names,
// tables, daily steps of netCDF and items of daily products. That an overpass is at that very
// millisecond is not expected.
bool tells_time_of_day(TimeMs time);

// Days since 1970-01-01 of what was observed at a longitude: the solar day, and where only the day
// is told that day. It is the day by the sun already, wherever it lies; as an instant, midnight
// would make it the day before everywhere west of Greenwich.
int64_t observed_day(TimeMs time, double lon);

}  // namespace geoloom::geo
