// SPDX-License-Identifier: Apache-2.0
// Euclidean distances from pixel centres to the nearest set pixel, exact, up to a maximum.
#pragma once

#include <cstddef>
#include <cstdint>

namespace geoloom::kernels {

// How far pixels are looked for, in whole pixels, and how large they are in units of the result.
struct DistanceReach {
  size_t columns = 0, rows = 0;
  double pixel_width = 1, pixel_height = 1;
  double maximum = 0;  // of the result: farther, or nothing set
};

// `set` are dense rows of width x height pixels with a rim of reach.columns and reach.rows around
// them; bytes other than 0 are set. Squared distances are double sums of two squares, of which the
// least is taken: a result does not depend on where a block begins.
void distance_to_set(const uint8_t* set, size_t width, size_t height, const DistanceReach& reach,
                     float* distance);

namespace reference {
void distance_to_set(const uint8_t* set, size_t width, size_t height, const DistanceReach& reach,
                     float* distance);
}  // namespace reference
}  // namespace geoloom::kernels
