// SPDX-License-Identifier: Apache-2.0
#include "geo/box_index.h"

#include <algorithm>
#include <cmath>

namespace geoloom::geo {
namespace {

// Boxes that reach over more cells are few, by the choice of cells, and are looked at each time.
constexpr int64_t kMostCellsOfBox = 64;

int64_t cell_at(double coordinate, double origin, double size, int64_t count) {
  // Clamped before it becomes an integer: boxes may reach anywhere.
  const double cell = std::floor((coordinate - origin) / size);
  return static_cast<int64_t>(std::clamp(cell, 0.0, static_cast<double>(count - 1)));
}

int64_t cells_along(double extent, double mean_size, double most) {
  if (!std::isfinite(extent)) return 1;
  const double cells = mean_size > 0 ? std::ceil(extent / mean_size) : most;
  return static_cast<int64_t>(std::clamp(cells, 1.0, most));
}

}  // namespace

BoxIndex::BoxIndex(std::vector<Box> boxes) : boxes_(std::move(boxes)) {
  if (boxes_.empty()) return;
  choose_cells();
  fill_cells();
}

// Cells of the boxes' mean size, and no more of them than boxes: about four cells a box.
void BoxIndex::choose_cells() {
  Box all = boxes_.front();
  double widths = 0, heights = 0;
  for (const Box& box : boxes_) {
    all = {std::min(all.min_x, box.min_x), std::min(all.min_y, box.min_y),
           std::max(all.max_x, box.max_x), std::max(all.max_y, box.max_y)};
    widths += box.max_x - box.min_x;
    heights += box.max_y - box.min_y;
  }
  const auto count = static_cast<double>(boxes_.size());
  const double width = all.max_x - all.min_x, height = all.max_y - all.min_y;
  columns_ = cells_along(width, widths / count, count);
  rows_ = cells_along(height, heights / count, std::ceil(count / static_cast<double>(columns_)));
  origin_x_ = all.min_x;
  origin_y_ = all.min_y;
  cell_width_ = width > 0 ? width / static_cast<double>(columns_) : 1;
  cell_height_ = height > 0 ? height / static_cast<double>(rows_) : 1;
}

BoxIndex::Cells BoxIndex::cells_of(const Box& box) const {
  return {cell_at(box.min_x, origin_x_, cell_width_, columns_),
          cell_at(box.min_y, origin_y_, cell_height_, rows_),
          cell_at(box.max_x, origin_x_, cell_width_, columns_),
          cell_at(box.max_y, origin_y_, cell_height_, rows_)};
}

void BoxIndex::fill_cells() {
  const auto for_cells = [&](auto&& visit) {
    for (size_t i = 0; i < boxes_.size(); ++i) {
      const Cells cells = cells_of(boxes_[i]);
      if ((cells.right - cells.left + 1) * (cells.bottom - cells.top + 1) > kMostCellsOfBox)
        continue;
      for (int64_t y = cells.top; y <= cells.bottom; ++y)
        for (int64_t x = cells.left; x <= cells.right; ++x)
          visit(static_cast<size_t>(y * columns_ + x), static_cast<uint32_t>(i));
    }
  };
  starts_.assign(static_cast<size_t>(columns_ * rows_) + 1, 0);
  std::vector<bool> listed(boxes_.size());
  for_cells([&](size_t cell, uint32_t box) {
    ++starts_[cell + 1];
    listed[box] = true;
  });
  for (size_t cell = 1; cell < starts_.size(); ++cell) starts_[cell] += starts_[cell - 1];
  in_cells_.resize(starts_.back());
  auto next = starts_;
  for_cells([&](size_t cell, uint32_t box) { in_cells_[next[cell]++] = box; });
  for (size_t i = 0; i < boxes_.size(); ++i)
    if (!listed[i]) large_.push_back(static_cast<uint32_t>(i));
}

std::vector<uint32_t> BoxIndex::touching(const Box& box) const {
  std::vector<uint32_t> found;
  if (boxes_.empty()) return found;
  for (const uint32_t i : large_)
    if (boxes_[i].intersects(box)) found.push_back(i);
  const Cells asked = cells_of(box);
  const bool one_list = large_.empty() && asked.left == asked.right && asked.top == asked.bottom;
  for (int64_t y = asked.top; y <= asked.bottom; ++y) {
    for (int64_t x = asked.left; x <= asked.right; ++x) {
      const auto cell = static_cast<size_t>(y * columns_ + x);
      for (size_t at = starts_[cell]; at < starts_[cell + 1]; ++at) {
        const uint32_t i = in_cells_[at];
        if (!boxes_[i].intersects(box)) continue;
        // A box that is in several of the cells counts in the first.
        const Cells own = one_list ? asked : cells_of(boxes_[i]);
        if (x == std::max(asked.left, own.left) && y == std::max(asked.top, own.top))
          found.push_back(i);
      }
    }
  }
  if (!one_list) std::sort(found.begin(), found.end());
  return found;
}

}  // namespace geoloom::geo
