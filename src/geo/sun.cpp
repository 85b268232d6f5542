// SPDX-License-Identifier: Apache-2.0
#include "geo/sun.h"

#include <algorithm>
#include <cmath>

#include "error/error.h"

namespace geoloom::geo {
namespace {

constexpr double kMinutesPerDay = 1440;

double rounded(double degrees) {
  return std::round(degrees * 1000) / 1000;
}

// The sun as it is seen from the middle of the Earth.
struct Sun {
  double declination_rad;
  double equation_of_time_minutes;  // a sundial's time less a clock's
};

Sun sun_at(double centuries) {
  const double t = centuries;  // since 2000-01-01T12:00Z
  const double mean_longitude =
      std::fmod(280.46646 + t * (36000.76983 + t * 0.0003032), 360) * kDegree;
  const double anomaly = (357.52911 + t * (35999.05029 - 0.0001537 * t)) * kDegree;
  const double eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t);
  const double centre_deg = std::sin(anomaly) * (1.914602 - t * (0.004817 + 0.000014 * t)) +
                            std::sin(2 * anomaly) * (0.019993 - 0.000101 * t) +
                            std::sin(3 * anomaly) * 0.000289;
  const double node = (125.04 - 1934.136 * t) * kDegree;
  const double longitude =
      mean_longitude + (centre_deg - 0.00569 - 0.00478 * std::sin(node)) * kDegree;
  const double obliquity_deg =
      23 + (26 + (21.448 - t * (46.815 + t * (0.00059 - t * 0.001813))) / 60) / 60;
  const double obliquity = (obliquity_deg + 0.00256 * std::cos(node)) * kDegree;
  const double half = std::tan(obliquity / 2);
  const double y = half * half;
  const double equation_rad =
      y * std::sin(2 * mean_longitude) - 2 * eccentricity * std::sin(anomaly) +
      4 * eccentricity * y * std::sin(anomaly) * std::cos(2 * mean_longitude) -
      0.5 * y * y * std::sin(4 * mean_longitude) -
      1.25 * eccentricity * eccentricity * std::sin(2 * anomaly);
  return {std::asin(std::sin(obliquity) * std::sin(longitude)), 4 * equation_rad / kDegree};
}

}  // namespace

SunPosition sun_position(TimeMs time, const LonLat& place) {
  constexpr double kMsPerDay = 86'400'000;
  const double days = static_cast<double>(time) / kMsPerDay;  // since 1970-01-01T00:00Z
  const Sun sun = sun_at((days - 10957.5) / 36525);
  const double clock_minutes = (days - std::floor(days)) * kMinutesPerDay;
  // 4 minutes a degree; at noon of the sun the hour angle is 0.
  const double sundial_minutes =
      clock_minutes + sun.equation_of_time_minutes + 4 * place.lon - kMinutesPerDay / 2;
  const double hour = sundial_minutes / 4 * kDegree, latitude = place.lat * kDegree;
  const double declination = sun.declination_rad;
  const double sine = std::sin(latitude) * std::sin(declination) +
                      std::cos(latitude) * std::cos(declination) * std::cos(hour);
  const double to_south = std::atan2(std::sin(hour) * std::cos(declination),
                                     std::cos(hour) * std::sin(latitude) * std::cos(declination) -
                                         std::sin(declination) * std::cos(latitude));
  const double azimuth = rounded(to_south / kDegree + 180);
  return {azimuth >= 360 ? azimuth - 360 : azimuth,
          rounded(std::asin(std::clamp(sine, -1.0, 1.0)) / kDegree)};
}

GridDirection azimuth_on_grid(double azimuth_deg, const LonLat& place, const Grid& grid) {
  // WGS84: radii of curvature along the meridian and across it.
  constexpr double kAxis_m = 6378137, kEccentricity2 = 0.00669437999014;
  constexpr double kStep_m = 1000, kNearPole_deg = 89.9;
  if (std::abs(place.lat) > kNearPole_deg)
    throw Error(ErrorCode::invalid, "directions have no meaning at a pole");
  const double sine = std::sin(place.lat * kDegree);
  const double w = 1 - kEccentricity2 * sine * sine;
  const double across_m = kAxis_m / std::sqrt(w);
  const double along_m = across_m * (1 - kEccentricity2) / w;
  const double north_deg = std::cos(azimuth_deg * kDegree) * kStep_m / along_m / kDegree;
  const double east_deg = std::sin(azimuth_deg * kDegree) * kStep_m /
                          (across_m * std::cos(place.lat * kDegree)) / kDegree;
  // Backwards where forwards would cross the antimeridian.
  const double sign = std::abs(place.lon + east_deg) > 180 ? -1 : 1;
  const auto here = from_lon_lat(grid.crs, place.lon, place.lat);
  const auto there =
      from_lon_lat(grid.crs, place.lon + sign * east_deg, place.lat + sign * north_deg);
  return {sign * (there.x - here.x) / kStep_m / grid.pixel_width,
          -sign * (there.y - here.y) / kStep_m / grid.pixel_height};
}

}  // namespace geoloom::geo
