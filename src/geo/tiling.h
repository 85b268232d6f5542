// SPDX-License-Identifier: Apache-2.0
// Tiling schemes: how the Earth, or one map plane, is cut into named cells of equal size. Pure
// geometry; which cells an area of interest takes is decided by whoever has its shape (cover()).
//
// A scheme has one or more zones, each with its own CRS. A cell is named by zone, column and row;
// columns count east, rows north, from the zone's own origin: neither moves when the area of
// interest does. Names are unique within a scheme and are file names (letters, digits, '_', '-').
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geo/grid.h"
#include "geo/mgrs.h"

namespace geoloom::geo {

struct TilingZone {
  std::string name;      // "31N"; of schemes with one zone, the CRS: "EPSG:6933"
  std::string crs_code;  // what Crs::parse() takes
  // The part of the Earth the zone serves; nullopt: all that its CRS can show.
  std::optional<UtmZone> strip;
};

// First and last of columns and rows; empty when a last is before its first.
struct CellRange {
  int64_t first_column = 0, last_column = -1;
  int64_t first_row = 0, last_row = -1;
  bool empty() const { return last_column < first_column || last_row < first_row; }
};

// Cells of one column, from south to north.
struct CellRun {
  int64_t column = 0, first_row = 0, last_row = 0;
  int64_t count() const { return last_row - first_row + 1; }
  friend bool operator==(const CellRun&, const CellRun&) = default;
};

class TilingScheme {
 public:
  TilingScheme() = default;
  TilingScheme(const TilingScheme&) = delete;
  TilingScheme& operator=(const TilingScheme&) = delete;
  virtual ~TilingScheme() = default;

  virtual const std::vector<TilingZone>& zones() const = 0;
  // All cells that touch the box (units of the zone's CRS), and perhaps some beside it.
  virtual CellRange range_over(size_t zone, const Box& box) const = 0;
  virtual Box cell_box(size_t zone, int64_t column, int64_t row) const = 0;
  virtual std::string cell_name(size_t zone, int64_t column, int64_t row) const = 0;
  // Schemes may leave cells out that others cover.
  virtual bool has_cell(size_t zone, int64_t column, int64_t row) const = 0;
  // Whether an area is cut at the borders of the zones' strips before it is matched with cells, so
  // that each place is given to one zone. Otherwise any cell that meets the area counts.
  virtual bool divides_area_by_strip() const { return false; }
  // Items come in the order of their names; otherwise zone by zone, column by column, northward.
  virtual bool ordered_by_name() const { return false; }
};

// All 120 UTM zones, each with a lattice of width x height metres through (offset_x, offset_y):
// cells are named "33N_142_1061" (zone, column, row). An area is divided by the zones' strips.
std::shared_ptr<const TilingScheme> utm_tiling(double width_m, double height_m, double offset_x_m,
                                               double offset_y_m);

// One lattice in any CRS; sizes and origin in its units. Cells are named "x229y054".
struct LatticeDefinition {
  std::string crs_code;
  double origin_x = 0, origin_y = 0;
  double width = 0, height = 0;
};
std::shared_ptr<const TilingScheme> lattice_tiling(const LatticeDefinition& lattice);

// The grids of Sentinel Hub's batch service by their number. Cells of 0 (20 040 m), 1 (10 000 m)
// and 2 (100 080 m) lie on the 100 km squares of MGRS and are named by square, column and row with
// rows counting southward, "31TCJ_0_4"; cells that the zone in the east covers entirely are left
// out. 3 has cells of 1 degree named by their south-western corner, "N13E025"; 6 and 7 are the
// European reference grid in EPSG:3035 with its own cell codes, "100kmE43N25" and "20kmE432N252".
// Throws Error(invalid) for other numbers.
std::shared_ptr<const TilingScheme> batch_tiling(int64_t id);

// Sentinel-2's granules: 109.8 km, overlapping, named "31TCJ".
std::shared_ptr<const TilingScheme> granule_tiling();

// Tiles z/x/y of the web's Mercator map (EPSG:3857), 0 <= zoom <= 24, named "10_523_361": zoom,
// column from 180 degrees west, row from the north.
std::shared_ptr<const TilingScheme> web_mercator_tiling(int64_t zoom);

// A scheme that also says how large pixels are.
struct GridPreset {
  std::shared_ptr<const TilingScheme> scheme;
  LatticeDefinition lattice;
  double pixel_width = 0, pixel_height = 0;
};
// "africa_10", "global_30", "au_20", "au_extended_60", "albers_au_25" ('-' for '_' is fine), or
// "epsg:6933;10;9600" (CRS; pixel or -height x width; pixels per tile or height x width), whose
// lattice goes through (0, 0). Throws Error(invalid).
GridPreset grid_preset(std::string_view name);

// How much of a box lies in an area.
enum class Overlap { none, some, all };

// The cells in `range` whose box is not `none`, as runs ordered by column and row. Whole blocks of
// cells are asked for at once and divided where the answer is `some`: the number of questions grows
// with the length of the area's edge, not with its cells. `overlap` must be monotonic: a box in a
// box that is `all` is `all`, and one in a box that is `none` is `none`.
std::vector<CellRun> cover(const TilingScheme& scheme, size_t zone, const CellRange& range,
                           const std::function<Overlap(const Box&)>& overlap);

}  // namespace geoloom::geo
