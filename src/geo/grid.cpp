// SPDX-License-Identifier: Apache-2.0
#include "geo/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error/error.h"

namespace geoloom::geo {
namespace {

constexpr double kRatioTolerance = 1e-6;
// Distances to an edge below this share of a pixel are metadata noise.
constexpr double kEdgeTolerance = 1.0 / 1024;

// The whole ratio of two pixel sizes: 3 source pixels per target pixel, or the other way round.
struct Ratio {
  int64_t count = 0;  // 0: not a whole ratio
  bool source_finer = true;
  double scale() const {
    return source_finer ? static_cast<double>(count) : 1.0 / static_cast<double>(count);
  }
};

Ratio whole_ratio(double target_size, double source_size) {
  const bool source_finer = target_size >= source_size;
  const double ratio = source_finer ? target_size / source_size : source_size / target_size;
  const double whole = std::round(ratio);
  if (!(whole >= 1) || whole > 1e6 || std::abs(ratio - whole) > kRatioTolerance * whole) return {};
  return {static_cast<int64_t>(whole), whole == 1 || source_finer};
}

// The offset between two origins, counted in the finer of the two pixels.
double fine_offset(double offset_units, const Ratio& ratio, double target_size,
                   double source_size) {
  return offset_units / (ratio.source_finer ? source_size : target_size);
}

bool is_whole(double value) {
  return std::abs(value - std::round(value)) <= kEdgeTolerance;
}

// Offset in source pixels. Grids that nest meet on an edge of the finer pixel, so the offset is put
// exactly there.
double snapped_offset(double offset_units, const Ratio& ratio, double target_size,
                      double source_size) {
  const double fine = std::round(fine_offset(offset_units, ratio, target_size, source_size));
  return ratio.source_finer ? fine : fine / static_cast<double>(ratio.count);
}

int64_t source_index(double offset, double scale, int64_t target) {
  return static_cast<int64_t>(std::floor(offset + (static_cast<double>(target) + 0.5) * scale));
}

std::string size_text(const Grid& grid) {
  return fmt::format("{}x{}", grid.pixel_width, grid.pixel_height);
}

}  // namespace

bool Window::contains(const Window& other) const {
  return other.x >= x && other.y >= y && other.right() <= right() && other.bottom() <= bottom();
}

Window Window::intersect(const Window& other) const {
  const int64_t left = std::max(x, other.x);
  const int64_t top = std::max(y, other.y);
  const int64_t w = std::min(right(), other.right()) - left;
  const int64_t h = std::min(bottom(), other.bottom()) - top;
  if (w <= 0 || h <= 0) return {left, top, 0, 0};
  return {left, top, w, h};
}

Window Window::expanded(int64_t halo_pixels) const {
  return {x - halo_pixels, y - halo_pixels, width + 2 * halo_pixels, height + 2 * halo_pixels};
}

std::string Window::text() const {
  return fmt::format("{},{},{},{}", x, y, width, height);
}

bool Box::intersects(const Box& other) const {
  return min_x < other.max_x && other.min_x < max_x && min_y < other.max_y && other.min_y < max_y;
}

Box Grid::box(const Window& w) const {
  return {origin_x + static_cast<double>(w.x) * pixel_width,
          origin_y - static_cast<double>(w.bottom()) * pixel_height,
          origin_x + static_cast<double>(w.right()) * pixel_width,
          origin_y - static_cast<double>(w.y) * pixel_height};
}

Grid Grid::sub(const Window& w) const {
  Grid out = *this;
  out.origin_x = origin_x + static_cast<double>(w.x) * pixel_width;
  out.origin_y = origin_y - static_cast<double>(w.y) * pixel_height;
  out.width = w.width;
  out.height = w.height;
  return out;
}

Grid Grid::coarsened(int64_t factor) const {
  if (factor < 1)
    throw Error(ErrorCode::internal, fmt::format("pixels cannot be {} times as large", factor));
  Grid out = *this;
  out.pixel_width *= static_cast<double>(factor);
  out.pixel_height *= static_cast<double>(factor);
  out.width = (width + factor - 1) / factor;
  out.height = (height + factor - 1) / factor;
  return out;
}

Grid::PixelPosition Grid::position(double x, double y) const {
  return {(x - origin_x) / pixel_width, (origin_y - y) / pixel_height};
}

std::string Grid::text() const {
  return fmt::format("{} {} at ({}, {}), {}x{}", crs.known() ? crs.name() : "unknown CRS",
                     size_text(*this), origin_x, origin_y, width, height);
}

int64_t NearestMapping::source_column(int64_t target_column) const {
  return source_index(column_offset, column_scale, target_column);
}

int64_t NearestMapping::source_row(int64_t target_row) const {
  return source_index(row_offset, row_scale, target_row);
}

Window NearestMapping::source_window(const Window& target) const {
  if (target.empty()) return {source_column(target.x), source_row(target.y), 0, 0};
  const int64_t left = source_column(target.x);
  const int64_t top = source_row(target.y);
  return {left, top, source_column(target.right() - 1) - left + 1,
          source_row(target.bottom() - 1) - top + 1};
}

std::string why_not_nested(const Grid& target, const Grid& source) {
  if (!(target.crs == source.crs))
    return fmt::format("another coordinate reference system: {} instead of {}",
                       source.crs.known() ? source.crs.name() : "none",
                       target.crs.known() ? target.crs.name() : "none");
  const Ratio columns = whole_ratio(target.pixel_width, source.pixel_width);
  const Ratio rows = whole_ratio(target.pixel_height, source.pixel_height);
  if (columns.count == 0 || rows.count == 0)
    return fmt::format("pixels of {} do not nest with pixels of {}", size_text(source),
                       size_text(target));
  const double x = fine_offset(target.origin_x - source.origin_x, columns, target.pixel_width,
                               source.pixel_width);
  const double y = fine_offset(source.origin_y - target.origin_y, rows, target.pixel_height,
                               source.pixel_height);
  if (!is_whole(x) || !is_whole(y))
    return fmt::format("shifted by a fraction of a pixel: {:.3f} columns, {:.3f} rows",
                       x - std::round(x), y - std::round(y));
  return {};
}

NearestMapping nearest_mapping(const Grid& target, const Grid& source) {
  const std::string why = why_not_nested(target, source);
  if (!why.empty())
    throw Error(ErrorCode::invalid, "the grids cannot be matched pixel by pixel").cause(why);
  const Ratio columns = whole_ratio(target.pixel_width, source.pixel_width);
  const Ratio rows = whole_ratio(target.pixel_height, source.pixel_height);
  NearestMapping mapping;
  mapping.column_scale = columns.scale();
  mapping.row_scale = rows.scale();
  mapping.column_offset = snapped_offset(target.origin_x - source.origin_x, columns,
                                         target.pixel_width, source.pixel_width);
  mapping.row_offset = snapped_offset(source.origin_y - target.origin_y, rows, target.pixel_height,
                                      source.pixel_height);
  return mapping;
}

}  // namespace geoloom::geo
