// SPDX-License-Identifier: Apache-2.0
// How kernels along time cut an image into strips and tiles of pixels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/samples.h"

namespace geoloom::kernels {

// Pixels that are reduced together: a cache line of bytes on every CPU target.
inline constexpr size_t kStrip = 64;
// The most pixels whose samples are read in one go.
inline constexpr size_t kMaxTile = 1024;
// The digit of a sample that is not to be chosen. As it is the largest digit, such samples come
// last, and a rank below the number of candidates never lands on one by value, even where a
// candidate has the same digit.
inline constexpr int8_t kOutDigit = INT8_MAX;
// Ranks and counts are 16 bits wide.
inline constexpr size_t kMaxSlices = 65535;
// What a byte can count.
inline constexpr size_t kByteCount = 255;

// How many pixels are loaded before they are ranked. Ranking alone would want one strip, but every
// slice is another memory page: reading only a strip's few bytes of each would cost more in page
// look-ups than the ranking itself. The digits of a tile stay in the second-level cache, or, of
// longer series, in the third.
inline size_t tile_pixels(size_t slices, size_t bytes_per_sample) {
  constexpr size_t kWantedBytes = 512 * 1024, kMostBytes = 2 * 1024 * 1024, kFewPixels = 256;
  const size_t bytes = std::max<size_t>(slices * bytes_per_sample, 1);
  const size_t pixels = std::max(kWantedBytes / bytes, std::min(kMostBytes / bytes, kFewPixels));
  return std::clamp(pixels / kStrip * kStrip, kStrip, kMaxTile);
}

// Calls body(first pixel, pixels) until all are covered; `pixels` is a multiple of kStrip each
// time. The last tile is moved back to end with the image: its pixels may be done twice, with the
// same answer. The image has at least kStrip pixels.
template <class Body>
void for_each_tile(size_t pixels, size_t most, Body body) {
  for (size_t next = 0; next < pixels;) {
    const size_t count = std::clamp((pixels - next) / kStrip * kStrip, kStrip, most);
    const size_t first = std::min(next, pixels - count);
    body(first, count);
    next = first + count;
  }
}

// A copy of an image narrower than a strip that is as wide as one. What is added is invalid.
template <class T>
struct WidenedSeries {
  std::vector<T> data;
  std::vector<uint8_t> valid;
  size_t slices;

  WidenedSeries(Samples<T> samples, Validity validity, size_t pixels)
      : data(samples.slices * kStrip), valid(samples.slices * kStrip), slices(samples.slices) {
    for (size_t t = 0; t < slices; ++t) {
      std::copy_n(samples.data + t * samples.slice_stride, pixels, data.data() + t * kStrip);
      std::copy_n(validity.data + t * validity.slice_stride, pixels, valid.data() + t * kStrip);
    }
  }
  Samples<T> samples() const { return {data.data(), kStrip, slices}; }
  Validity validity() const { return {valid.data(), kStrip}; }
};

}  // namespace geoloom::kernels
