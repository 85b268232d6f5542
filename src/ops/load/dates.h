// SPDX-License-Identifier: Apache-2.0
// Which scenes of a series make one date of an item.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geo/time.h"
#include "ops/load/frozen_series.h"

namespace geoloom::ops {

// Scenes of one slice; where several have a valid pixel the first one counts, with all its bands.
struct DateScenes {
  std::vector<size_t> scenes;  // of the series
  raster::Slice slice;
  // The day, where scenes tell it without a time and as an instant it were another; else empty.
  // Such a slice is not what scenes and longitudes alone make of it.
  std::string day_as_told;
};

// The longitude of a grid's middle; nothing where its CRS is not known.
std::optional<double> centre_lon(const geo::Grid& grid);

// Does a period count the solar day of a scene, seen from a place at `lon`? Scenes without time:
// yes.
bool on_a_day_of(const geo::Period& period, const FrozenScene& scene, double lon);

// One slice per scene, in the order given.
std::vector<DateScenes> scene_by_scene(const FrozenSeries& series,
                                       const std::vector<size_t>& scenes);

// One slice per day (see geo::observed_day) at the scenes' centres, with longitudes taken near that
// of the item; days outside of the period are left out. Within a day: newest processing baseline
// first, then by id. A slice is called after its day and carries the time of its earliest scene.
// Scenes without time stay alone and come first.
std::vector<DateScenes> by_solar_day(const FrozenSeries& series, const std::vector<size_t>& scenes,
                                     double item_lon, const std::optional<geo::Period>& period);

}  // namespace geoloom::ops
