// SPDX-License-Identifier: Apache-2.0
#include "ops/object/area_unit.h"

#include <algorithm>

#include "geo/pixel_area.h"

namespace geoloom::ops {

std::vector<double> pixel_sizes(const workflow::TaskContext& context, const std::string& unit) {
  const auto& window = context.selected;
  std::vector<double> sizes(static_cast<size_t>(window.height), 1);
  if (unit == "pixels") return sizes;
  const double metres = context.grid.crs.metres_per_unit();
  if (metres > 0) {
    std::fill(sizes.begin(), sizes.end(),
              context.grid.pixel_width * context.grid.pixel_height * metres * metres);
    return sizes;
  }
  const geo::PixelAreas areas(context.grid);
  for (size_t row = 0; row < sizes.size(); ++row)
    sizes[row] = areas.row(window.y + static_cast<int64_t>(row), window.x, 1).front();
  return sizes;
}

double as_pixel_sizes(double size, const std::string& unit) {
  return unit == "ha" ? size * 10'000 : size;
}

}  // namespace geoloom::ops
