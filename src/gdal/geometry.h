// SPDX-License-Identifier: Apache-2.0
// Planar shapes (points, lines, polygons and collections of them) as values, computed by OGR and
// GEOS. A geometry has no CRS of its own; x is east, y is north. Every function throws
// Error(invalid) with the library's reason when it cannot compute.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "geo/coordinate_operation.h"
#include "geo/grid.h"
#include "geo/tiling.h"

class OGRGeometry;

namespace geoloom::gdal {

// The longest edge, in units of a CRS, that may be transformed by its two ends alone: 0.05 degrees
// or 5 km. Between them the straight line of one CRS bends by less than a metre in another.
double longest_straight_edge(const geo::Crs& crs);

// Immutable, cheap to copy.
class Geometry {
 public:
  Geometry() = default;  // empty
  explicit Geometry(std::shared_ptr<const OGRGeometry> ogr) : ogr_(std::move(ogr)) {}
  static Geometry box(const geo::Box& box);
  static Geometry polygon(const std::vector<geo::XY>& ring);  // closed
  // Of each part the outer ring, then holes; several parts become one multipolygon. Rings are
  // closed here, their first point is not repeated.
  static Geometry of_rings(const std::vector<std::vector<std::vector<geo::XY>>>& parts);
  static Geometry from_wkt(std::string_view wkt);
  static Geometry united(const std::vector<Geometry>& parts);

  bool empty() const;
  geo::Box bounds() const;    // zeros when empty
  double area() const;        // 0 for points and lines
  bool all_polygons() const;  // nothing but polygons
  std::string wkt() const;
  // The longest edge of any line or ring along x.
  double longest_x_step() const;
  std::vector<Geometry> polygons() const;  // of a collection; nested ones too

  // Empty when the shape is valid, else why not: "Self-intersection at or near point 3 4".
  std::string why_invalid() const;
  // The same shape by the rules of valid ones; polygons only.
  Geometry repaired() const;

  Geometry intersection(const Geometry& other) const;
  Geometry difference(const Geometry& other) const;
  bool intersects(const Geometry& other) const;  // touching counts
  Geometry buffered(double distance) const;      // circles of 64 vertices; negative shrinks
  Geometry simplified(double tolerance) const;   // keeps polygons valid
  // With no edge longer than that.
  Geometry densified(double longest_edge) const;
  Geometry moved(double dx, double dy) const;
  // Vertex by vertex. Throws Error(invalid) when a vertex has no place on the other side.
  Geometry transformed(const geo::CoordinateOperation& operation) const;
  // Vertex by vertex to WGS84 longitude and latitude; what reaches over the antimeridian or a pole
  // is cut there.
  Geometry to_lon_lat(const geo::Crs& crs) const;

  const OGRGeometry* ogr() const { return ogr_.get(); }

 private:
  std::shared_ptr<const OGRGeometry> ogr_;  // null: empty
};

// A shape made ready to be compared with many boxes. Not thread-safe.
class PreparedGeometry {
 public:
  explicit PreparedGeometry(Geometry geometry);
  PreparedGeometry(PreparedGeometry&&) noexcept;
  PreparedGeometry& operator=(PreparedGeometry&&) noexcept;
  ~PreparedGeometry();
  // `none` when nothing of the box touches the shape, `all` when the shape contains it.
  geo::Overlap overlap(const geo::Box& box) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoloom::gdal
