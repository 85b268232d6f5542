// SPDX-License-Identifier: Apache-2.0
// UTM zones, the 100 km squares of the Military Grid Reference System, and the Sentinel-2 granules
// that are laid on them.
//
// Squares are named zone, latitude band, column letter, row letter: "31TCJ" (NGA.STND.0037).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geo/grid.h"

namespace geoloom::geo {

inline constexpr double kUtmSouth = -80, kUtmNorth = 84;  // where UTM is defined, degrees

struct UtmZone {
  int number = 1;  // 1..60
  bool north = true;

  std::string name() const;                            // "31N"
  std::string crs_code() const;                        // "EPSG:32631"; south "EPSG:32731"
  double west() const { return -186.0 + 6 * number; }  // longitude of its western meridian
  // Its strip of 6 degrees from the equator to 84 degrees north or 80 degrees south, as a closed
  // ring in longitude and latitude with a vertex at every degree. Without the exceptions around
  // Norway and Svalbard.
  std::vector<XY> strip() const;
  Box strip_box() const;
  friend bool operator==(const UtmZone&, const UtmZone&) = default;
};
// North 1..60, then south 1..60.
std::vector<UtmZone> all_utm_zones();

struct MgrsSquare {
  UtmZone zone;
  int column = 1;  // easting of the western edge in 100 km: 1..8
  int row = 0;     // northing of the southern edge in 100 km: 0..94 north, 0..99 south (false
                   // northing of 10 000 km included)

  // The latitude band is that of the square's centre, as Sentinel-2 names its granules.
  std::string name() const;
  friend bool operator==(const MgrsSquare&, const MgrsSquare&) = default;
};
// nullopt: no such square is named. "31TCJ" or "T31TCJ".
std::optional<MgrsSquare> parse_square(std::string_view name);

// Granules are 109.8 km wide and high. Their upper left corner is that of the square moved outward
// to a multiple of 60 m, counted from the equator.
inline constexpr double kGranuleMetres = 109800;
XY granule_corner(const MgrsSquare& square);
Box granule_box(const MgrsSquare& square);
// The columns (first, last) that have a granule in a row of squares; nullopt for rows without.
// From ESA's published list of 56 686 granules, of which this holds the rule.
std::optional<std::pair<int, int>> granule_columns(const UtmZone& zone, int row);

}  // namespace geoloom::geo
