// SPDX-License-Identifier: Apache-2.0
#include "geo/pixel_area.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "error/error.h"

namespace geoloom::geo {
namespace {

constexpr double kSemiMajor_m = 6378137, kFlattening = 1 / 298.257223563;
constexpr double kEccentricity2 = kFlattening * (2 - kFlattening);
constexpr double kRadians = std::numbers::pi / 180;

// The largest node at or before a pixel.
int64_t node_before(int64_t pixel) {
  const int64_t node = pixel / PixelAreas::kNode;
  return pixel % PixelAreas::kNode < 0 ? node - 1 : node;
}

}  // namespace

double area_below_latitude(double latitude_degrees) {
  const double e = std::sqrt(kEccentricity2), s = std::sin(latitude_degrees * kRadians);
  const double q = s / (1 - kEccentricity2 * s * s) + std::atanh(e * s) / e;
  return kSemiMajor_m * kSemiMajor_m / 2 * (1 - kEccentricity2) * q;
}

PixelAreas::PixelAreas(const Grid& grid) : grid_(grid) {
  if (!grid.crs.known())
    throw Error(ErrorCode::invalid, "pixels of an unknown coordinate system have no area");
  if (!grid.crs.geographic())
    to_lon_lat_ = CoordinateOperation::between(grid.crs, Crs::parse("EPSG:4326"));
}

// The corners of each pixel in longitude and area_below_latitude(), which keep areas: a
// quadrilateral of straight lines there is one on the Earth but for the bend of its sides.
std::vector<double> PixelAreas::at_nodes(int64_t node_row, int64_t first_node, size_t count) const {
  std::vector<double> lon, lat;
  for (size_t i = 0; i < count; ++i) {
    const auto pixel = static_cast<double>((first_node + static_cast<int64_t>(i)) * kNode);
    const double x = grid_.origin_x + pixel * grid_.pixel_width;
    const double y = grid_.origin_y - static_cast<double>(node_row * kNode) * grid_.pixel_height;
    for (const auto& [right, down] :
         {std::pair(0, 0), std::pair(1, 0), std::pair(1, 1), std::pair(0, 1)}) {
      lon.push_back(x + right * grid_.pixel_width);
      lat.push_back(y - down * grid_.pixel_height);
    }
  }
  to_lon_lat_.forward(lon, lat);
  std::vector<double> areas(count);
  for (size_t i = 0; i < count; ++i) {
    double twice = 0;
    for (size_t k = 0; k < 4; ++k) {
      const size_t a = 4 * i + k, b = 4 * i + (k + 1) % 4;
      const auto east = [&](size_t at) {
        return std::remainder(lon[at] - lon[4 * i], 360.0) * kRadians;
      };
      twice += (east(a) - east(b)) * (area_below_latitude(lat[a]) + area_below_latitude(lat[b]));
    }
    areas[i] = std::abs(twice) / 2;
  }
  return areas;
}

std::vector<double> PixelAreas::row(int64_t y, int64_t x, int64_t width) const {
  const auto count = static_cast<size_t>(width);
  if (grid_.crs.geographic()) {
    const double north = grid_.origin_y - static_cast<double>(y) * grid_.pixel_height;
    const double south = grid_.origin_y - static_cast<double>(y + 1) * grid_.pixel_height;
    const double area =
        grid_.pixel_width * kRadians * (area_below_latitude(north) - area_below_latitude(south));
    return std::vector<double>(count, area);
  }
  const int64_t first = node_before(x), last = node_before(x + width - 1) + 1;
  const auto nodes = static_cast<size_t>(last - first + 1);
  const int64_t above = node_before(y);
  const auto upper = at_nodes(above, first, nodes), lower = at_nodes(above + 1, first, nodes);
  const double down = static_cast<double>(y - above * kNode) / static_cast<double>(kNode);
  std::vector<double> out(count);
  for (size_t i = 0; i < count; ++i) {
    const int64_t column = x + static_cast<int64_t>(i);
    const auto node = static_cast<size_t>(node_before(column) - first);
    const double right =
        static_cast<double>(column - (first + static_cast<int64_t>(node)) * kNode) /
        static_cast<double>(kNode);
    const double top = upper[node] + (upper[node + 1] - upper[node]) * right;
    const double bottom = lower[node] + (lower[node + 1] - lower[node]) * right;
    out[i] = top + (bottom - top) * down;
  }
  return out;
}

}  // namespace geoloom::geo
