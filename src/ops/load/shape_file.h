// SPDX-License-Identifier: Apache-2.0
// The shapes of a vector file on the pixel grids of an area, ready to be burned tile by tile.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ops/load/shape_burning.h"
#include "workflow/op.h"

namespace geoloom::ops {

// Which shapes of a file, and what each is worth.
struct ShapeQuery {
  std::string file, layer, where;
  std::string column;  // whose numbers are the values; empty: `value`
  double value = 1;
  std::optional<std::string> crs;  // of a file that does not tell its own
  double buffer = 0;               // in units of the zone's CRS
};

// The shapes near one zone.
class ZoneShapes {
 public:
  ZoneShapes() = default;
  ZoneShapes(const geo::Grid& grid, std::vector<BurnedShape> shapes);
  // In the order of the file.
  std::vector<const BurnedShape*> touching(const geo::Window& window) const;

 private:
  std::vector<BurnedShape> shapes_;
  std::vector<geo::Window> reach_;
  std::map<std::pair<int64_t, int64_t>, std::vector<size_t>> cells_;  // row, column of the lattice
};

struct ShapeFile {
  std::vector<ZoneShapes> zones;  // as asked for
  size_t shapes = 0;              // in the file, as `where` has them
  size_t without_value = 0;       // left out: the column says nothing
};

// SHA-256 of a vector file, of a Shapefile with its companions.
std::string vector_file_hash(const std::string& file);
// `operations` holds a text per zone (geo::CoordinateOperation), or is empty for those to be
// chosen; chosen ones are put there. Throws Error: invalid (no CRS, a value that is no number, a
// shape that has no place in a zone's CRS), and as gdal::read_vectors does.
ShapeFile read_shapes(const ShapeQuery& query, const std::vector<workflow::Zone>& zones,
                      std::vector<std::string>& operations);

}  // namespace geoloom::ops
