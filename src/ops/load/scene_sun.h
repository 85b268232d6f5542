// SPDX-License-Identifier: Apache-2.0
// Where the sun stood when a scene was taken: for masks of shadows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/scene.h"
#include "geo/grid.h"
#include "geo/sun.h"

namespace geoloom::ops {

// The properties of items that tell it, such as view:sun_azimuth. Sources have to keep them.
const std::vector<std::string>& sun_properties();

struct SceneSun {
  geo::SunPosition position;
  bool computed = false;  // else told by the item
};
// From the item's properties: an azimuth, and an elevation or a zenith angle; where these are not
// both there, computed from the scene's time and the middle of `grid`, that of its first file. A
// time at midnight to the millisecond is a date without an hour: then `overpass_ms` is the time of
// that day, by mean local solar time (UTC + longitude / 15 hours). Throws Error(invalid) for
// properties that are no angles, and where nothing tells.
SceneSun sun_of(const catalog::Scene& scene, const geo::Grid& grid,
                const std::optional<int64_t>& overpass_ms = std::nullopt);

}  // namespace geoloom::ops
