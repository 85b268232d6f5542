// SPDX-License-Identifier: Apache-2.0
// Outlines of areas of an image that is never in memory as a whole: rings along the edges of
// pixels, from rows of labels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace geoloom::kernels {

// A corner of pixels: (0, 0) is the upper left one of the image's first pixel.
struct LatticePoint {
  uint32_t x = 0, y = 0;
  bool operator==(const LatticePoint&) const = default;
};
// Closed, its first point is not repeated; edges are horizontal and vertical by turns. It begins at
// its uppermost point, of these at the leftmost.
using LatticeRing = std::vector<LatticePoint>;

// Areas are pixels of one label that touch at edges (Connectivity::edges): then the first ring is
// the outer one and all others are holes, no ring meets itself, and rings meet in points at most.
// The outer ring turns to the left where y points up, as the corners of RFC 7946, holes to the
// right.
//
// How: the corners of an area are collected row by row, which is also their order. In a picture of
// pixels the first and second corner of a row are joined by an edge, then the third and fourth, and
// in the same way those of a column, so two orders of the corners are all that is needed once the
// area is complete. At a point where two pixels of an area meet diagonally its corner occurs twice,
// and rings go around the pixels outside: with the other choice rings would meet themselves there.
class OutlineSweep {
 public:
  using Use = std::function<void(uint32_t label, std::vector<LatticeRing> rings)>;

  // Throws std::invalid_argument for images of 2^31 pixels and more across.
  explicit OutlineSweep(size_t width);
  // From the top; 0 is outside. Areas that have ended above the row are given to `use`, from the
  // left.
  void add_row(const uint32_t* labels, const Use& use);
  // After the last row.
  void close(const Use& use);
  // Held now, for the areas that have not ended.
  size_t bytes() const { return bytes_; }

 private:
  // The uppermost bit of x tells of a corner that occurs twice which diagonal the area has there.
  struct Corner {
    uint32_t x = 0, y = 0;
  };
  struct Open {
    std::vector<Corner> corners;  // by row, then by column
    uint64_t last_row = 0;
  };

  static std::vector<LatticeRing> rings_of(const std::vector<Corner>& corners);
  Open& open(uint32_t label);
  void add_corners(uint32_t label, unsigned where, uint32_t x);
  void add_line(const uint32_t* row);
  void end_areas(const Use& use);

  size_t width_;
  uint64_t rows_ = 0;
  std::vector<uint32_t> above_;
  std::vector<uint32_t> slot_of_;  // by label; 0: none
  std::vector<Open> slots_{1};
  std::vector<uint32_t> free_;
  size_t bytes_ = 0;
};

}  // namespace geoloom::kernels
