// SPDX-License-Identifier: Apache-2.0
#include "ops/load/terrain_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error/error.h"
#include "ops/load/cloud_shadow.h"

namespace geoloom::ops {

void TerrainShadowRule::declare(workflow::Parameters& parameters) {
  // What the heights are is part of the identity of slices, scene by scene.
  parameters
      .add("elevation", &elevation,
           "The elevation model, heights in metres: a file, several, a folder, a glob, or STAC "
           "items")
      .main()
      .meaning(workflow::Meaning::path)
      .not_identity();
  parameters
      .add(
          "source", &source,
          "Instead: a source of the document by its name, or what would stand there; of Copernicus "
          "DEM with `sensor: cop-dem`")
      .not_identity();
  parameters
      .add("band", &band,
           "The band with the heights. Default: the only one of files, `elevation` of a source")
      .meaning(workflow::Meaning::band);
  parameters.add(
      "reach", &reach,
      "How far away terrain may stand that casts a shadow: as far as the relief is high, "
      "divided by the tangent of the lowest sun");
  parameters
      .add("missing", &missing,
           "Height where the model has none, such as 0 at sea. Default: refused within the "
           "area, and casting no shadow beyond it")
      .unit("m");
  parameters
      .add("overpass", &overpass,
           "For scenes whose time has no hour: when the satellite passes, in local solar time, as "
           "in 10:30")
      .not_identity();
}

void TerrainShadowRule::check(const std::string& name) const {
  if (elevation.empty() == source.empty())
    throw Error(ErrorCode::invalid, name + ": needs either `elevation` or `source`")
        .hint("such as mask: {terrain_shadow: {elevation: dem.tif, reach: 5 km}}");
  for (const auto& each : source) {
    each.check({});
    if (!each.mask.is_null())
      throw Error(ErrorCode::invalid, name + ".source: an elevation model is not masked")
          .hint("describe a source of its own without `mask`");
  }
  if (!(reach.value > 0)) throw Error(ErrorCode::invalid, name + ".reach: must be above 0");
  if (missing && !std::isfinite(*missing))
    throw Error(ErrorCode::invalid, name + ".missing: must be a height");
  if (!overpass.empty() && !time_of_day_ms(overpass))
    throw Error(ErrorCode::invalid,
                fmt::format("{}.overpass: '{}' is no time of day", name, overpass))
        .hint("hours and minutes, as in 10:30");
}

int64_t TerrainShadowRule::reach_on(const geo::Grid& grid) const {
  const auto size = size_in_metres(grid);
  const double pixels =
      reach.pixels ? reach.value : reach.value / std::min(size.width, size.height);
  if (!(pixels <= static_cast<double>(kLongestReach_pixels)))
    throw Error(ErrorCode::invalid,
                fmt::format("load.mask.terrain_shadow.reach: {} m are {:.0f} pixels of the area",
                            reach.value, pixels))
        .hint(
            fmt::format("every block is read with as many pixels of terrain around it: at most {} "
                        "are possible",
                        kLongestReach_pixels));
  return static_cast<int64_t>(std::ceil(pixels));
}

}  // namespace geoloom::ops
