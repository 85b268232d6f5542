// SPDX-License-Identifier: Apache-2.0
// Where the centres of a target grid's pixels lie in a source image of any CRS: the geometry of
// every warp. The position of a pixel depends on that pixel's absolute index alone, never on the
// window it is asked for with, so that a warp in tiles equals the warp of the whole.
#pragma once

#include <cstdint>
#include <vector>

#include "geo/coordinate_operation.h"
#include "geo/grid.h"

namespace geoloom::geo {

// Positions in source pixels, (0, 0) being the outer corner of the source's first pixel: its centre
// is at (0.5, 0.5). NaN where a pixel has none. Dense rows.
struct PixelPositions {
  std::vector<double> columns, rows;
};

// How many source pixels a target pixel's side spans, along the source's columns and rows.
struct PixelScale {
  double columns = 1, rows = 1;
  friend bool operator==(const PixelScale&, const PixelScale&) = default;
};

// An immutable value; thread-safe.
//
// Other systems are reached through a lattice of cells of 64 x 64 target pixels that starts at
// pixel (0, 0) of the grid. In each cell 5 x 5 points are transformed exactly and a polynomial of
// degree 4 is laid through them; 16 more exact points lie where such a polynomial errs most, and
// when it errs there by more than 2^-22 pixel, every pixel of the cell is transformed by itself.
// The error of a polynomial of degree 4 between five nodes is at most 1.11 times that at the middle
// of the outer intervals as long as the fifth derivative is steady, so 2^-20 pixel is a safe bound.
class PixelMapping {
 public:
  // `operation` goes from the target's CRS to the source's.
  PixelMapping(const Grid& target, const Grid& source, CoordinateOperation operation);

  // Where the pixels of a window of the target grid lie, within 2^-20 pixel of the exact places.
  // Longitudes are taken as the source counts them (-180..180 or 0..360).
  PixelPositions positions(const Window& window) const;
  // The same by transforming each pixel.
  PixelPositions exact_positions(const Window& window) const;

  // A window of the source that holds the positions of a target window, by a sample of them and a
  // margin: for estimates. Empty when no sampled pixel has a position.
  Window rough_source_window(const Window& window) const;

  // In steps of 1/1024, one for all pixels of a pair of grids: that at the middle of the source, or
  // of the target grid when the source's middle is not on it.
  PixelScale scale() const;

  const CoordinateOperation& operation() const { return operation_; }

 private:
  void to_positions(PixelPositions& points) const;
  PixelPositions positions_at(const std::vector<double>& columns,
                              const std::vector<double>& rows) const;
  bool interpolate_cell(const Window& cell, const Window& part, const Window& window,
                        PixelPositions& out) const;

  Grid target_, source_;
  CoordinateOperation operation_;
};

}  // namespace geoloom::geo
