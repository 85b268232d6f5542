// SPDX-License-Identifier: Apache-2.0
// Items that are small windows of the area's grids: one for each feature of a vector file.
#pragma once

#include <string>
#include <vector>

#include "workflow/area.h"
#include "workflow/item.h"

namespace geoloom::workflow {

// The value of `over: {windows_of: ...}`: a path, or {file, layer, where, name, crs, grow, period}. Throws
// Error(invalid) with the place.
WindowsOf windows_of_from(const Value& value);

struct FeatureWindow {
  std::string name;
  size_t zone = 0;
  geo::Window window;                 // on the zone's grid
  double origin_x = 0, origin_y = 0;  // of the window, as the tile below it counts
  geo::Period period;                 // of the feature; empty: any time
};

struct FeatureWindows {
  size_t features = 0;  // of the file, whether in the area or not
  std::vector<FeatureWindow> windows;
};

// The pixels that a feature's bounding box touches (of a point: the one it lies in), `grow` pixels
// more on every side, cut at the edge of the zone's grid. A feature belongs to the first zone that
// has a tile at the middle of its window, else to the first one with a tile anywhere in it; without
// one it is left out. Throws Error: a file that cannot be read or does not tell its CRS, names that
// are none or stand twice, no feature in the area.
FeatureWindows find_windows(const WindowsOf& asked, const Area& area);

std::vector<Item> window_items(const std::vector<FeatureWindow>& windows,
                               const std::vector<Zone>& zones);
// Those of the items that touch one of the tiles.
std::vector<Item> items_touching(const std::vector<Item>& items, const std::vector<Item>& tiles);

Json windows_to_json(const FeatureWindows& windows);
FeatureWindows windows_from_json(const Json& json);

}  // namespace geoloom::workflow
