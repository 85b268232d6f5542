// SPDX-License-Identifier: Apache-2.0
#include "catalog/declared_grid.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "error/error.h"

namespace geoloom::catalog {
namespace {

std::string contradiction_of_shape(const std::vector<double>& shape, const gdal::RasterInfo& file) {
  if (shape.empty()) return "";
  const auto rows = static_cast<double>(file.height), columns = static_cast<double>(file.width);
  if (shape[0] == rows && shape[1] == columns) return "";
  if (shape[0] == columns && shape[1] == rows)
    return fmt::format("proj:shape has columns before rows ({} x {})", shape[0], shape[1]);
  return fmt::format("proj:shape is {} x {}, but the file has {} rows and {} columns", shape[0],
                     shape[1], file.height, file.width);
}

std::string contradiction_of_transform(const std::vector<double>& declared, const geo::Grid& grid) {
  if (declared.empty()) return "";
  // a, b, c, d, e, f
  const std::array<double, 6> wanted{grid.pixel_width, 0, grid.origin_x, 0, -grid.pixel_height,
                                     grid.origin_y};
  const std::array<size_t, 6> in_gdal_order{2, 0, 1, 5, 3, 4};
  const double near = 0.1 * std::min(grid.pixel_width, grid.pixel_height);
  bool same = true, swapped = true;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool place = i == 2 || i == 5;
    const double tolerance = place ? near : 1e-6 * grid.pixel_width;
    same = same && std::abs(declared[i] - wanted[i]) <= tolerance;
    const size_t at = in_gdal_order[i];
    const bool place_there = at == 2 || at == 5;
    swapped = swapped &&
              std::abs(declared[i] - wanted[at]) <= (place_there ? near : 1e-6 * grid.pixel_width);
  }
  if (same) return "";
  if (swapped) return "proj:transform is in GDAL's order (c, a, b, f, d, e)";
  return fmt::format(
      "proj:transform puts the upper left corner at ({}, {}) with pixels of {} x {}, the file at "
      "({}, {}) with {} x {}",
      declared[2], declared[5], declared[0], -declared[4], grid.origin_x, grid.origin_y,
      grid.pixel_width, grid.pixel_height);
}

std::string contradiction_of_crs(const std::string& declared, const geo::Grid& grid) {
  if (declared.empty() || !grid.crs.known() || declared == grid.crs.code()) return "";
  try {
    const auto crs = geo::Crs::parse(declared);
    if (crs == grid.crs) return "";
    return fmt::format("the catalogue says {}, the file {}", crs.name(), grid.crs.name());
  } catch (const Error&) {
    return fmt::format("the catalogue's CRS '{}' is not understood", declared.substr(0, 60));
  }
}

}  // namespace

std::string contradiction_of(const DeclaredGrid& declared, const gdal::RasterInfo& file) {
  if (auto shape = contradiction_of_shape(declared.shape, file); !shape.empty()) return shape;
  if (!file.grid) return "";
  if (auto transform = contradiction_of_transform(declared.transform, *file.grid);
      !transform.empty())
    return transform;
  return contradiction_of_crs(declared.crs, *file.grid);
}

}  // namespace geoloom::catalog
