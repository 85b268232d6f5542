// SPDX-License-Identifier: Apache-2.0
// The features of one layer of a vector file with their columns as they are typed, to be carried
// into other files. Who needs columns as texts only takes read_vectors().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gdal/geometry.h"

namespace geoloom::gdal {

struct FeatureQuery {
  std::string layer;                 // empty: the only one
  std::string where;                 // a condition on columns, as in SQL's WHERE; empty: all
  std::vector<std::string> columns;  // empty: all
};

// Immutable, cheap to move; thread-safe.
class FeatureTable {
 public:
  // Features without a shape are left out. Throws Error as read_vectors() does, and invalid for a
  // file of several layers of which none is asked for.
  static FeatureTable read(const std::string& path, const FeatureQuery& query);

  const geo::Crs& crs() const;  // unknown when the file does not tell
  size_t size() const;
  const Geometry& shape(size_t feature) const;
  int64_t id(size_t feature) const;
  // All that a feature is, but its shape, and what its columns are: for identities.
  std::string text(size_t feature) const;

  struct Row {
    size_t feature = 0;
    Geometry shape;  // instead of its own, in the CRS to be written
  };
  // One layer. A GeoPackage by the ending .gpkg; GeoJSON (WGS84, RFC 7946) by .geojson. Rows keep
  // the ids of their features; polygons and lines become multi-polygons and multi-lines, columns
  // that the format has no type for (lists, times of day) texts. The same rows give the same bytes.
  // Throws Error(unavailable).
  void write(const std::string& path, const std::string& layer, const geo::Crs& crs,
             const std::vector<Row>& rows) const;

 private:
  struct Impl;
  explicit FeatureTable(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// What of a shape lies in a box and is of the shape's own kind: a polygon that only touches the box
// has nothing in it, nor has a line that only meets its edge in a point. Points on the left and
// the upper edge lie in it, those on the others do not, so that a point lies in one of several
// boxes side by side. Throws Error(invalid) for what cannot be computed, such as polygons that
// cross themselves.
Geometry clipped(const Geometry& shape, const geo::Box& box);

}  // namespace geoloom::gdal
