// SPDX-License-Identifier: Apache-2.0
// Which of many boxes touch a box: the scenes of a tile, out of all of an archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "geo/grid.h"

namespace geoloom::geo {

// Boxes in cells about as large as they are; those that are much larger are kept beside the cells.
// Needs about 70 bytes a box. Thread-safe after it is made.
class BoxIndex {
 public:
  BoxIndex() = default;
  // Of up to 2^32 - 1 finite boxes, in one coordinate system of any unit.
  explicit BoxIndex(std::vector<Box> boxes);

  // The indices of the boxes that intersect `box` by Box::intersects, ascending. No NaN.
  std::vector<uint32_t> touching(const Box& box) const;

 private:
  struct Cells {  // inclusive
    int64_t left, top, right, bottom;
  };
  Cells cells_of(const Box& box) const;
  void choose_cells();
  void fill_cells();

  std::vector<Box> boxes_;
  double origin_x_ = 0, origin_y_ = 0, cell_width_ = 1, cell_height_ = 1;
  int64_t columns_ = 1, rows_ = 1;
  // Row by row: boxes of cell c are in_cells_[starts_[c]] up to starts_[c + 1], ascending.
  std::vector<size_t> starts_;
  std::vector<uint32_t> in_cells_;
  std::vector<uint32_t> large_;
};

}  // namespace geoloom::geo
