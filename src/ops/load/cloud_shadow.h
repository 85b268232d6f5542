// SPDX-License-Identifier: Apache-2.0
// Mask rules that take out the shadows of clouds: where clouds at some heights cast them, from
// where the sun stood when the scene was taken. Clouds are a rule about a band, and shadows fall on
// that band's own pixels.
//
// On level ground a cloud at height h darkens the place h * tan(zenith) away from the point below
// it, in the direction away from the sun. A satellite that does not look straight down sees the
// cloud itself displaced as well; that is not corrected for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geo/grid.h"
#include "geo/sun.h"
#include "kernels/shadow.h"
#include "ops/load/band_rule.h"

namespace geoloom::ops {

// Metres: a list, or {from, to, step}.
struct CloudHeights {
  std::vector<double> metres{500, 1000, 1500, 2000, 2500, 3000, 3500, 4000};
};

// Scenes with the sun lower than that are not loaded with such a rule: shadows are long, and reach
// out of the scene.
inline constexpr double kLowestSun_deg = 10;
// A shadow this far away is refused: every pixel would need as many around it.
inline constexpr int64_t kLongestShadow_pixels = 4096;

struct CloudShadowRule {
  BandRule clouds;
  CloudHeights heights;
  std::string formula = "tan_zenith";
  std::string dark;      // condition on the loaded bands that shadows hold; empty: none
  std::string overpass;  // "10:30", local solar time of scenes whose time has no hour; or empty
  void declare(workflow::Parameters& parameters);
  // Throws Error(invalid); `name` is what messages call it.
  void check(const std::string& name) const;
};
// "10:30" in milliseconds since midnight; nullopt for anything else.
std::optional<int64_t> time_of_day_ms(std::string_view text);

// From clouds to their shadows on a grid, one for each height, in whole pixels of it: rounded first
// to 1/1024 of a pixel, so that the last bits of a machine's tangent do not matter.
//
// tan_zenith: away from the sun on the ground, by h * tan(zenith). The azimuth is from true north,
// which the grid's north deviates from; what holds in the middle of the grid is taken.
//
// tan_elevation: as some scripts for Earth Engine have it, to compare with their results. Columns
// by cos(a) * h * tan(90 - zenith), rows (down the image) by sin(a) * h * tan(90 - zenith), with a
// = azimuth + 90 degrees. The direction is away from the sun by the grid's north; the length is
// that of a sun as far from the zenith as this one is from the horizon.
//
// Throws Error(invalid): a grid without CRS, in degrees (tan_elevation), around a pole, and shadows
// longer than kLongestShadow_pixels.
std::vector<kernels::PixelShift> shadow_shifts(const CloudShadowRule& rule,
                                               const geo::SunPosition& sun, const geo::Grid& grid);

}  // namespace geoloom::ops

namespace geoloom::workflow {

template <>
struct ParameterType<ops::CloudHeights> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    ops::CloudHeights& out);
  static Json to_json(const ops::CloudHeights& value);
  static OrderedJson schema(const Parameter& parameter);
};

}  // namespace geoloom::workflow
