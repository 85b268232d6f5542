// SPDX-License-Identifier: Apache-2.0
// Tiles that are cells of a tiling scheme: which of them an area of interest takes, and where they
// lie on the pixel grids of the area's zones.
//
// Kept as the recipe of the scheme and runs of cells, not tile by tile: a run record of a million
// tiles is small, and names and windows follow from it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geo/tiling.h"
#include "workflow/area_of_interest.h"
#include "workflow/item.h"

namespace geoloom::workflow {

// A tile that a file names, as a window on its zone's grid (buffer included).
struct ListedTile {
  std::string name;
  geo::Window window;
};

struct TileGrid {
  // {"utm": [width, height, offset x, offset y]}, {"batch": 0}, {"granules": true},
  // {"web_mercator": 10}, {"lattice": {...}}; null: the tiles are listed.
  Json scheme;
  int64_t buffer_x = 0, buffer_y = 0;  // pixels, on both sides of a tile
  int64_t split_x = 1, split_y = 1;    // parts of a cell
  bool sequence_names = false;         // eo-grow's, which number the cells of this area

  struct ZoneTiles {
    size_t scheme_zone = 0;
    std::vector<geo::CellRun> cells;  // ordered by column and row
    std::vector<ListedTile> listed;
  };
  std::vector<ZoneTiles> zones;  // one per zone of the area
};

std::shared_ptr<const geo::TilingScheme> scheme_of(const Json& recipe);

// Pixels per cell and pixel sizes are checked here: cells must be whole numbers of pixels, and so
// must a cell divided by `split`.
struct TilePixels {
  double width = 0, height = 0;  // of a pixel, CRS units
};

// Fills `grid.zones` and returns the zones of the area: one per CRS, and one per phase where cells
// of one CRS do not lie on one pixel grid; its name then ends in the phase, "31N_60_0". Throws
// Error(invalid): no cell meets the area, a part of it lies outside of the scheme, pixels that do
// not fit.
std::vector<Zone> take_cells(TileGrid& grid, const AreaOfInterest& aoi, const TilePixels& pixels);

// The same for the polygons of a vector file: a tile is the bounding box of each, named by a column
// whose values are unique and file names. Without an area of interest all are taken.
struct GridFile {
  std::string path, name_column;
  std::optional<std::string> layer;
};
std::vector<Zone> take_listed(TileGrid& grid, const GridFile& file,
                              const std::optional<AreaOfInterest>& aoi, const TilePixels& pixels);

// Zone by zone in the scheme's order; split cells from west to east, then from south to north.
std::vector<Item> tiles_of(const TileGrid& grid, const std::vector<Zone>& zones);

Json runs_to_json(const std::vector<geo::CellRun>& runs);
std::vector<geo::CellRun> runs_from_json(const Json& json);
Json tile_grid_to_json(const TileGrid& grid);
TileGrid tile_grid_from_json(const Json& json);

}  // namespace geoloom::workflow
