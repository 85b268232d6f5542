// SPDX-License-Identifier: Apache-2.0
// Shapes of a vector file onto the pixel grid of a zone: for `rasterize` and for masks by shapes.
// Edges are followed as the straight lines that they are in the file's CRS, so that a long one
// bends on the grid as it should.
#pragma once

#include <optional>
#include <string>

#include "gdal/geometry.h"
#include "geo/coordinate_operation.h"
#include "geo/grid.h"

namespace geoloom::ops {

// From one CRS onto one grid; an immutable value.
class ShapePlacement {
 public:
  // `margin`: how far beyond the grid shapes count, in units of its CRS; `buffer`: by how much they
  // grow there. The coordinate operation is chosen. Throws Error(invalid) when there is none.
  ShapePlacement(const geo::Crs& from, const geo::Grid& to, double buffer, double margin = 0);
  // With a coordinate operation that was chosen before.
  ShapePlacement(const geo::Crs& from, const geo::Grid& to, double buffer, double margin,
                 geo::CoordinateOperation operation);

  const geo::CoordinateOperation& operation() const { return operation_; }
  // The grid's extent with its margin, in the file's CRS; nullopt where it cannot be told.
  const std::optional<geo::Box>& extent() const { return near_; }
  // False where a shape of the file has no part in the grid's extent; true also where that cannot
  // be told.
  bool may_touch(const gdal::Geometry& shape) const;
  // What of the shape lies in the grid's extent, in the file's CRS. Polygons have to be valid.
  gdal::Geometry cut(const gdal::Geometry& shape) const;
  // In the grid's CRS, grown by the buffer. Throws Error(invalid) for a shape that has no place
  // there.
  gdal::Geometry placed(const gdal::Geometry& shape) const;

 private:
  double longest_edge_, buffer_;
  geo::CoordinateOperation operation_;
  std::optional<geo::Box> near_;  // in the file's CRS; absent around a pole or the antimeridian
};

}  // namespace geoloom::ops
