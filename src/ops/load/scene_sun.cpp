// SPDX-License-Identifier: Apache-2.0
#include "ops/load/scene_sun.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>

#include "error/error.h"
#include "geo/solar_day.h"

namespace geoloom::ops {
namespace {

// The names that producers have, the view extension of STAC first: Sentinel-2's, Landsat's, Earth
// Engine's.
constexpr std::array kAzimuths{"view:sun_azimuth",    "s2:mean_solar_azimuth",
                               "landsat:sun_azimuth", "eo:sun_azimuth",
                               "SUN_AZIMUTH",         "MEAN_SOLAR_AZIMUTH_ANGLE"};
constexpr std::array kElevations{"view:sun_elevation", "landsat:sun_elevation", "eo:sun_elevation",
                                 "SUN_ELEVATION"};
constexpr std::array kZeniths{"s2:mean_solar_zenith", "MEAN_SOLAR_ZENITH_ANGLE"};

template <size_t N>
std::optional<double> angle(const catalog::Scene& scene, const std::array<const char*, N>& names,
                            double lowest, double highest) {
  for (const char* name : names) {
    const auto found = scene.properties.find(name);
    if (found == scene.properties.end() || found->second.is_null()) continue;
    const auto& value = found->second;
    if (value.is_number())
      if (const auto degrees = value.get<double>(); degrees >= lowest && degrees <= highest)
        return degrees;
    throw Error(ErrorCode::invalid, fmt::format("{} is {}, no angle from {} to {} degrees", name,
                                                value.dump(), lowest, highest))
        .at({.scene = scene.id});
  }
  return std::nullopt;
}

}  // namespace

const std::vector<std::string>& sun_properties() {
  static const auto names = [] {
    std::vector<std::string> all(kAzimuths.begin(), kAzimuths.end());
    all.insert(all.end(), kElevations.begin(), kElevations.end());
    all.insert(all.end(), kZeniths.begin(), kZeniths.end());
    return all;
  }();
  return names;
}

SceneSun sun_of(const catalog::Scene& scene, const geo::Grid& grid,
                const std::optional<int64_t>& overpass_ms) {
  const auto azimuth = angle(scene, kAzimuths, -360, 360);
  auto elevation = angle(scene, kElevations, -90, 90);
  if (!elevation)
    if (const auto zenith = angle(scene, kZeniths, 0, 180)) elevation = 90 - *zenith;
  if (azimuth && elevation)
    return {{*azimuth < 0 ? *azimuth + 360 : std::fmod(*azimuth, 360), *elevation}, false};
  const bool hour_known = scene.time && geo::tells_time_of_day(*scene.time);
  if (!(hour_known || (scene.time && overpass_ms)) || !grid.crs.known())
    throw Error(ErrorCode::invalid,
                fmt::format("where the sun stood is not known: {}, and {}",
                            azimuth || elevation ? "only one of its two angles is there"
                                                 : "no property tells it",
                            !grid.crs.known() ? "the file has no coordinate reference system"
                            : scene.time      ? "its time has no hour"
                                              : "it has no time"))
        .at({.scene = scene.id})
        .hint(fmt::format(
            "an item tells it with one of {}, and one of {} or {}; for dates without "
            "an hour say when the satellite passes: cloud_shadow: {{overpass: 10:30}}",
            fmt::join(kAzimuths, ", "), fmt::join(kElevations, ", "), fmt::join(kZeniths, ", ")));
  const auto box = grid.box();
  const auto middle =
      geo::to_lon_lat(grid.crs, (box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2);
  if (hour_known) return {geo::sun_position(*scene.time, middle), true};
  const auto later_ms = static_cast<int64_t>(std::llround(middle.lon / 360 * geo::kDayMs));
  return {geo::sun_position(*scene.time + *overpass_ms - later_ms, middle), true};
}

}  // namespace geoloom::ops
