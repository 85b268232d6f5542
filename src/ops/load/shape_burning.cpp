// SPDX-License-Identifier: Apache-2.0
#include "ops/load/shape_burning.h"

#include <algorithm>
#include <cmath>

#include "gdal/shape_mask.h"

namespace geoloom::ops {
namespace {

// A pixel that is covered already meets another shape.
constexpr uint8_t kCovered = 1, kConflict = 2;

void combine(const BurnRules& rules, double value, double& pixel, uint8_t& state) {
  if (state == 0) {
    pixel = rules.overlap == Overlap::count ? 1 : value;
    state = kCovered;
    return;
  }
  switch (rules.overlap) {
    case Overlap::last:
      pixel = value;
      break;
    case Overlap::first:
      break;
    case Overlap::highest:
      pixel = std::max(pixel, value);
      break;
    case Overlap::lowest:
      pixel = std::min(pixel, value);
      break;
    case Overlap::sum:
      pixel += value;
      break;
    case Overlap::count:
      pixel += 1;
      break;
    case Overlap::conflict:
      if (pixel != value) state = kConflict;
      break;
  }
}

// The parts of a window in the cells of the lattice that masks are decided in.
std::vector<geo::Window> cells_of(const geo::Window& window) {
  constexpr int64_t kCell = gdal::kMaskCell;
  std::vector<geo::Window> cells;
  const auto first = [](int64_t at) { return (at >= 0 ? at : at - kCell + 1) / kCell * kCell; };
  for (int64_t y = first(window.y); y < window.bottom(); y += kCell)
    for (int64_t x = first(window.x); x < window.right(); x += kCell)
      cells.push_back(geo::Window{x, y, kCell, kCell}.intersect(window));
  return cells;
}

}  // namespace

geo::Window reach_of(const gdal::Geometry& geometry, const geo::Grid& grid) {
  const auto box = geometry.bounds();
  const auto from = grid.position(box.min_x, box.max_y), to = grid.position(box.max_x, box.min_y);
  // Bounded before they become whole numbers.
  const auto whole = [](double position, int64_t size) {
    return static_cast<int64_t>(
        std::floor(std::clamp(position, -2.0, static_cast<double>(size) + 2)));
  };
  const int64_t left = whole(from.column, grid.width) - 1, top = whole(from.row, grid.height) - 1;
  const geo::Window reach{left, top, whole(to.column, grid.width) + 2 - left,
                          whole(to.row, grid.height) + 2 - top};
  return reach.intersect(grid.window());
}

void burn_shapes(const std::vector<const BurnedShape*>& shapes, const BurnRules& rules,
                 const geo::Grid& grid, const geo::Window& window, std::span<double> values,
                 std::span<uint8_t> covered) {
  std::fill(values.begin(), values.end(), 0.0);
  std::fill(covered.begin(), covered.end(), uint8_t{0});
  std::vector<uint8_t> mask;
  for (const auto* shape : shapes) {
    for (const auto& part : cells_of(reach_of(shape->geometry, grid).intersect(window))) {
      if (part.empty()) continue;
      mask.resize(static_cast<size_t>(part.pixels()));
      gdal::mask_of_shape(shape->geometry, grid, part, rules.all_touched, mask);
      for (int64_t y = 0; y < part.height; ++y)
        for (int64_t x = 0; x < part.width; ++x) {
          if (mask[static_cast<size_t>(y * part.width + x)] == 0) continue;
          const auto at =
              static_cast<size_t>((part.y - window.y + y) * window.width + part.x - window.x + x);
          combine(rules, shape->value, values[at], covered[at]);
        }
    }
  }
  for (size_t i = 0; i < covered.size(); ++i) {
    if (covered[i] == kConflict) values[i] = rules.conflict_value;
    covered[i] = covered[i] != 0 ? 1 : 0;
  }
}

}  // namespace geoloom::ops
