// SPDX-License-Identifier: Apache-2.0
// Where the sun stands over a place: for shadows of scenes whose metadata do not tell it.
#pragma once

#include <numbers>

#include "geo/crs.h"
#include "geo/grid.h"
#include "geo/time.h"

namespace geoloom::geo {

inline constexpr double kDegree = std::numbers::pi / 180;  // radians

struct SunPosition {
  double azimuth_deg = 0;    // clockwise from true north
  double elevation_deg = 0;  // above the horizon, without refraction; negative at night
  friend bool operator==(const SunPosition&, const SunPosition&) = default;
};

// By the low-precision formulas of NOAA's solar calculator (J. Meeus, Astronomical Algorithms, 2nd
// edition, chapters 25 and 28), good to about 0.02 degrees between 1900 and 2100. Rounded to 0.001
// degrees, so that the last bits of a machine's sine do not matter.
SunPosition sun_position(TimeMs time, const LonLat& place);

// Where a metre on the ground in the direction of an azimuth leads on a pixel grid.
struct GridDirection {
  double columns = 0, rows = 0;  // pixels; rows count southwards
};
// Of an azimuth from true north at a place, on the WGS84 ellipsoid: a grid's own north deviates
// from it. Throws Error(invalid) within 0.1 degrees of a pole, for a place that the grid's CRS does
// not have, and for an unknown CRS.
GridDirection azimuth_on_grid(double azimuth_deg, const LonLat& place, const Grid& grid);

}  // namespace geoloom::geo
