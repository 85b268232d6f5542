// SPDX-License-Identifier: Apache-2.0
#include "ops/load/shape_placement.h"

#include <algorithm>
#include <cmath>

#include "error/error.h"

namespace geoloom::ops {
namespace {

using gdal::Geometry;

constexpr double kOutlineSteps = 64;  // of a grid's side, to see where it lies in another CRS
// Between the steps an outline may bulge, by less than this part of its extent.
constexpr double kBulge = 1.0 / 16;

geo::CoordinateOperation chosen(const geo::Crs& from, const geo::Crs& to) {
  return from == to ? geo::CoordinateOperation() : geo::CoordinateOperation::between(from, to);
}

geo::Box grown(const geo::Box& box, double by) {
  return {box.min_x - by, box.min_y - by, box.max_x + by, box.max_y + by};
}

std::optional<geo::Box> extent_in(const geo::Crs& crs, const geo::Grid& grid, double margin) {
  const auto box = grown(grid.box(), margin + grid.pixel_width + grid.pixel_height);
  if (grid.crs == crs) return box;
  const double side = std::max(box.max_x - box.min_x, box.max_y - box.min_y);
  try {
    const auto there = Geometry::box(box)
                           .densified(side / kOutlineSteps)
                           .transformed(geo::CoordinateOperation::between(grid.crs, crs))
                           .bounds();
    // Turned around by the antimeridian.
    if (crs.geographic() && there.max_x - there.min_x > 180) return std::nullopt;
    return grown(there, kBulge * std::max(there.max_x - there.min_x, there.max_y - there.min_y));
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

ShapePlacement::ShapePlacement(const geo::Crs& from, const geo::Grid& to, double buffer,
                               double margin)
    : ShapePlacement(from, to, buffer, margin, chosen(from, to.crs)) {}

ShapePlacement::ShapePlacement(const geo::Crs& from, const geo::Grid& to, double buffer,
                               double margin, geo::CoordinateOperation operation)
    : longest_edge_(gdal::longest_straight_edge(from)),
      buffer_(buffer),
      operation_(std::move(operation)),
      near_(extent_in(from, to, std::abs(buffer) + margin)) {}

bool ShapePlacement::may_touch(const Geometry& shape) const {
  if (!near_) return true;
  const auto bounds = shape.bounds();
  return bounds.max_x >= near_->min_x && near_->max_x >= bounds.min_x &&
         bounds.max_y >= near_->min_y && near_->max_y >= bounds.min_y;
}

Geometry ShapePlacement::cut(const Geometry& shape) const {
  return near_ ? shape.intersection(Geometry::box(*near_)) : shape;
}

Geometry ShapePlacement::placed(const Geometry& shape) const {
  const auto there =
      operation_.identity() ? shape : shape.densified(longest_edge_).transformed(operation_);
  return buffer_ != 0 ? there.buffered(buffer_) : there;
}

}  // namespace geoloom::ops
