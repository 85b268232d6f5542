// SPDX-License-Identifier: Apache-2.0
// Where the sun stands over a place: for shadows of scenes whose metadata do not tell it.
#pragma once

#include "geo/crs.h"
#include "geo/time.h"

namespace geoloom::geo {

struct SunPosition {
  double azimuth_deg = 0;    // clockwise from true north
  double elevation_deg = 0;  // above the horizon, without refraction; negative at night
  friend bool operator==(const SunPosition&, const SunPosition&) = default;
};

// By the low-precision formulas of NOAA's solar calculator (J. Meeus, Astronomical Algorithms, 2nd
// edition, chapters 25 and 28), good to about 0.02 degrees between 1900 and 2100. Rounded to 0.001
// degrees, so that the last bits of a machine's sine do not matter.
SunPosition sun_position(TimeMs time, const LonLat& place);

}  // namespace geoloom::geo
