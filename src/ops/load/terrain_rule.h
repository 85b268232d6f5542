// SPDX-License-Identifier: Apache-2.0
// Mask rules that take out what lies in the shadow of the terrain: what a document says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/load/band_rule.h"
#include "workflow/source_parameters.h"

namespace geoloom::ops {

// Looking further than that many pixels of the area is refused.
inline constexpr int64_t kLongestReach_pixels = 4096;

struct TerrainShadowRule {
  // The elevation model: where its files are, as load.scenes has it, or sources.
  std::vector<std::string> elevation;
  std::vector<workflow::SourceParameters> source;
  std::string band;
  Distance reach{10'000, false};
  std::optional<double> missing;  // height where the model has none, metres
  std::string overpass;           // as CloudShadowRule::overpass
  void declare(workflow::Parameters& parameters);
  // Throws Error(invalid); `name` is what messages call it.
  void check(const std::string& name) const;
  // In pixels of a grid, rounded up. Throws Error(invalid) beyond kLongestReach_pixels.
  int64_t reach_on(const geo::Grid& grid) const;
};

}  // namespace geoloom::ops
