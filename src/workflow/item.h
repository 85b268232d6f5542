// SPDX-License-Identifier: Apache-2.0
// Domains and items: what a step is applied to. A domain is a product of axes; an item is one
// member of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geo/grid.h"
#include "geo/time.h"
#include "workflow/axis.h"

namespace geoloom::workflow {

// A part of the area that has one pixel grid: a UTM zone, or the whole area, which is called `all`.
struct Zone {
  std::string name;
  geo::Grid grid;
};

// How the grid of a zone is cut: into tiles of equal size, row by row; the last ones may be
// smaller.
struct Tiling {
  int64_t tile_width = 0;
  int64_t tile_height = 0;
  int64_t columns(const geo::Grid& grid) const {
    return (grid.width + tile_width - 1) / tile_width;
  }
  int64_t rows(const geo::Grid& grid) const {
    return (grid.height + tile_height - 1) / tile_height;
  }
};

struct Item {
  // The tile's, "2048_0" (x and y of its first pixel at full resolution) or a cell's, or the
  // zone's; then the labels on axes of lists: "2048_0.2018-05". Of the zone `all` these alone.
  std::string name;
  int64_t index = 0;                         // place in the whole domain, whatever is selected
  size_t zone = 0;                           // of the area
  geo::Window window;                        // on the zone's grid
  geo::Grid grid;                            // of that window
  size_t chain = 0;                          // of its step: which values its ops are bound to
  size_t tile_length = 0;                    // of the name
  std::shared_ptr<const AxisLabels> labels;  // null without axes of lists
  bool is_window = false;                    // of a feature: it may touch several tiles
  bool every_zone = false;                   // of the whole area; `zone` and grid mean nothing
  geo::Period period;                        // of a feature that has its own; empty: any time

  std::string_view tile() const { return std::string_view(name).substr(0, tile_length); }
  const AxisLabels& at() const;
};

// The features of a vector file whose windows are items: see feature_windows.h.
struct WindowsOf {
  std::string file, layer, where, name_column, crs;  // empty: not given
  int64_t grow_pixels = 0;
  std::vector<std::string> period_columns;  // one with periods, or those of first and last days
  bool operator==(const WindowsOf&) const = default;
};

// What a step is applied to: each tile, each zone, each window of a file's features, or the one
// zone there is, for each combination of values on the axes of lists.
struct Domain {
  enum class Extent { whole, tiles, zones, windows } extent = Extent::whole;
  std::vector<Axis> lists;
  std::shared_ptr<const WindowsOf> windows;  // of that extent; else null
  bool over_tiles() const { return extent == Extent::tiles; }
  bool over_windows() const { return extent == Extent::windows; }
  bool over_zones() const { return extent == Extent::zones; }
  const Axis* find(const std::string& axis) const;  // of the lists
  std::string text() const;                         // "tiles x month"; "all" without axes
};

// Which tiles of a domain take part: all, or a selection made on the command line.
struct Selection {
  // "3,10-20,2048_0,::10,bbox=1,43,2,44": indices, ranges, names, slices as in Python, and boxes of
  // west, south, east, north in degrees.
  std::string tiles;
  int64_t sample = 0;  // > 0: that many, spread evenly over the domain
  bool everything() const { return tiles.empty() && sample == 0; }
};

// `coarsening` is how many full resolution pixels one pixel of the grid stands for (trial runs):
// names stay those of full resolution.
std::vector<Item> tile_items(const std::vector<Zone>& zones, const Tiling& tiling,
                             int64_t coarsening);
// Throws Error(invalid) naming the part of the selection that matches nothing.
std::vector<Item> select_items(const std::vector<Item>& items, const Selection& selection);
// One item per zone, over its whole grid.
std::vector<Item> zone_items(const std::vector<Zone>& zones);
// The one item of steps that need no pixel grid.
Item whole_area_item(const std::vector<Zone>& zones);
// Every item for each of the labels, which are those of the chains of a step in their order.
std::vector<Item> times_chains(const std::vector<Item>& items,
                               const std::vector<AxisLabels>& chains);
// The name of a tile or zone with labels.
std::string item_name(std::string_view tile_or_zone, const AxisLabels& labels);
// Can it name a tile? Up to 100 letters, digits, '_' and '-': part of file names.
bool usable_as_name(std::string_view name);

}  // namespace geoloom::workflow
