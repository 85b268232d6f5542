// SPDX-License-Identifier: Apache-2.0
// From a list of scenes to a frozen series: headers are opened, checked against the grid and
// against each other, and the differences between scenes are settled.
#pragma once

#include "catalog/archive_search.h"
#include "catalog/scene.h"
#include "ops/load/frozen_series.h"
#include "ops/load/load_parameters.h"

namespace geoloom::ops {

// Reads headers, no pixels. Throws Error with the scene as place.
FrozenSeries freeze_series(std::vector<catalog::Scene> scenes, const LoadParameters& parameters,
                           const std::vector<workflow::Zone>& zones, workflow::FreezeReport& report,
                           std::vector<catalog::ExcludedScene> excluded = {});

// A grid in longitude and latitude, with a margin for the bend of its edges; nullopt when it cannot
// be told, or at the antimeridian.
std::optional<geo::Box> lonlat_box(const geo::Grid& grid);

}  // namespace geoloom::ops
