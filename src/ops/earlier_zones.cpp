// SPDX-License-Identifier: Apache-2.0
#include "ops/earlier_zones.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace geoloom::ops {
namespace {

constexpr int64_t kWarpPart = 256;  // pixels; at this size edges are straight in either zone

geo::XY centre(const geo::Grid& grid, int64_t x, int64_t y) {
  const auto box = grid.box({x, y, 1, 1});
  return {(box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2};
}

}  // namespace

void EarlierZones::add(const geo::Grid& grid, const std::vector<workflow::LayerFile>& files) {
  if (files.empty()) return;
  Zone zone;
  if (!(grid.crs == grid_.crs)) zone.there = geo::CoordinateOperation::between(grid_.crs, grid.crs);
  for (const auto& file : files) zone.boxes.push_back(grid.box(file.item.window));
  zone.index = geo::BoxIndex(zone.boxes);
  zones_.push_back(std::move(zone));
}

// The items that a part of the grid may touch.
std::vector<uint32_t> EarlierZones::near(const Zone& zone, const geo::Window& part) const {
  const auto box = grid_.box(part);
  std::array<double, 9> x{}, y{};
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = box.min_x + (box.max_x - box.min_x) * static_cast<double>(i % 3) / 2;
    y[i] = box.min_y + (box.max_y - box.min_y) * static_cast<double>(i / 3) / 2;
  }
  zone.there.forward(x, y);
  if (std::any_of(x.begin(), x.end(), [](double v) { return !std::isfinite(v); })) return {};
  const auto [west, east] = std::minmax_element(x.begin(), x.end());
  const auto [south, north] = std::minmax_element(y.begin(), y.end());
  const double wide = (*east - *west) / 20, high = (*north - *south) / 20;
  return zone.index.touching({*west - wide, *south - high, *east + wide, *north + high});
}

void EarlierZones::leave_out(const Zone& zone, const std::vector<uint32_t>& boxes,
                             const geo::Window& part, const geo::Window& window,
                             std::span<uint8_t> valid) const {
  std::vector<double> x(static_cast<size_t>(part.width)), y(x.size());
  for (int64_t row = part.y; row < part.bottom(); ++row) {
    for (size_t i = 0; i < x.size(); ++i) {
      const auto at = centre(grid_, part.x + static_cast<int64_t>(i), row);
      x[i] = at.x;
      y[i] = at.y;
    }
    zone.there.forward(x, y);
    uint8_t* const flags = valid.data() + (row - window.y) * window.width + (part.x - window.x);
    for (size_t i = 0; i < x.size(); ++i)
      for (const uint32_t number : boxes) {
        const auto& box = zone.boxes[number];
        if (x[i] >= box.min_x && x[i] < box.max_x && y[i] > box.min_y && y[i] <= box.max_y)
          flags[i] = 0;
      }
  }
}

void EarlierZones::leave_out(const geo::Window& window, std::span<uint8_t> valid) const {
  for (const auto& zone : zones_)
    for (int64_t top = window.y; top < window.bottom(); top += kWarpPart)
      for (int64_t left = window.x; left < window.right(); left += kWarpPart) {
        const auto part = geo::Window{left, top, kWarpPart, kWarpPart}.intersect(window);
        if (const auto boxes = near(zone, part); !boxes.empty())
          leave_out(zone, boxes, part, window, valid);
      }
}

}  // namespace geoloom::ops
