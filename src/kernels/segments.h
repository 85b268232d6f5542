// SPDX-License-Identifier: Apache-2.0
// Segments of an image by iterative elimination: clusters of pixels that touch are clumps, single
// pixels go to the neighbour they are most like, and small clumps are merged, smallest first, into
// the neighbour of the nearest mean.
//
// Shepherd, J., Bunting, P. and Dymond, J. (2019): Operational large-scale segmentation of imagery
// based on iterative elimination. Remote Sensing 11(6), 658. The rules where the paper leaves
// choices, and so the results, are those of pyshepseg 2.0 with the options below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/components.h"

namespace geoloom::kernels {

struct SegmentRule {
  size_t smallest = 50;  // pixels; smaller segments are merged where they can be
  // Means farther apart than that are not merged: Euclidean, in units of the bands.
  double farthest = std::numeric_limits<double>::infinity();
  Connectivity connectivity = Connectivity::edges;
  // About how many pixels a clump may have before it is cut; 0: as many as there are. pyshepseg
  // cuts at 10 000.
  size_t largest_clump = 0;
  // pyshepseg lets single pixels at the rim of invalid ones become invalid, where those are like
  // them or the only clump beside them. Needs values under invalid pixels.
  bool invalid_attracts = false;
};

struct Segments {
  uint32_t count = 0;
  uint32_t clumps = 0;        // before anything was merged
  uint32_t single = 0;        // single pixels merged
  uint32_t small = 0;         // clumps merged after that
  std::vector<uint32_t> ids;  // of each pixel: 1 .. count, 0 where it is invalid
};

// `bands` are dense planes without NaN in valid pixels; `clusters` from 1, 0 where a pixel is
// invalid. Fewer than 2^32 - 1 pixels with a rim of one; throws std::invalid_argument for more.
// T: uint8_t, uint16_t, int16_t, float.
template <class T>
Segments segment(const T* const* bands, size_t band_count, const uint8_t* clusters, size_t width,
                 size_t height, const SegmentRule& rule);

// What segment() holds beside its arguments, for each pixel: ids and lists of pixels, and at most
// one clump for each.
constexpr size_t segmenting_bytes_per_pixel(size_t band_count) {
  return 2 * sizeof(uint32_t) + (4 + band_count) * sizeof(uint32_t);
}

namespace reference {
// All pixels are looked at for each segment.
template <class T>
Segments segment(const T* const* bands, size_t band_count, const uint8_t* clusters, size_t width,
                 size_t height, const SegmentRule& rule);
}  // namespace reference
}  // namespace geoloom::kernels
