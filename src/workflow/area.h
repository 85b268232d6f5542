// SPDX-License-Identifier: Apache-2.0
// The `area` of a document: which pixel grids, cut into which tiles.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workflow/document.h"
#include "workflow/item.h"
#include "workflow/tile_grid.h"

namespace geoloom::workflow {

struct Area {
  std::vector<Zone> zones;  // at least one
  Tiling tiling;            // of a single zone, unless the tiles are cells
  // Of the tiling's tiles those that the area of interest meets, row 0 in the north; absent: all.
  std::optional<std::vector<geo::CellRun>> kept;
  // The tiles are cells of a scheme, or of a file.
  std::optional<TileGrid> cells;
  // Full resolution pixels per pixel of the grid: 1, or more in a trial run.
  int64_t coarsening = 1;
};

// `same_grid_as` opens the header of the first scene it names, an `aoi` its vector file.
// `trial_resolution` (units of the CRS, > the grid's own) asks for a coarse trial; refused unless a
// tile is a whole number of the coarse pixels. Throws Error(invalid|missing|...).
Area resolve_area(const Value& area, std::optional<double> trial_resolution);
// All of it, whatever is selected.
std::vector<Item> tile_items(const Area& area);

Json area_to_json(const Area& area);
Area area_from_json(const Json& json);
Json grid_to_json(const geo::Grid& grid);
geo::Grid grid_from_json(const Json& json);

}  // namespace geoloom::workflow
