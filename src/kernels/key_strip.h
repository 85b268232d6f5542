// SPDX-License-Identifier: Apache-2.0
// The shape of the scratch that rank selection works on; see key_selection-inl.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace geoloom::kernels {

// The widest strip of any CPU target, in pixels.
inline constexpr size_t kMaxStrip = 64;
// The most pixels whose keys are loaded in one go.
inline constexpr size_t kMaxTile = 512;
inline constexpr int16_t kInvalidKey = INT16_MAX;

// Ranks and counts are 16 bits wide.
inline constexpr size_t kMaxSlices = 65535;

// How many strips are loaded before they are ranked. Ranking alone would want one strip, but every
// slice is another memory page: reading only a strip's few bytes of each would cost more in page
// look-ups than the ranking itself. The keys of a tile stay in the second-level cache.
inline size_t strips_per_tile(size_t slices, size_t strip) {
  constexpr size_t kTileKeys = 128 * 1024;
  const size_t pixels = std::clamp(kTileKeys / std::max<size_t>(slices, 1), strip, kMaxTile);
  return pixels / strip;
}

// Calls body(first pixel, strips) until all pixels are covered. The last strip is moved back to end
// with the image: its pixels may be done twice, with the same answer. An image narrower than a
// strip gets one call with first pixel 0 and a strip that reaches beyond it.
template <class Body>
void for_each_tile(size_t pixels, size_t slices, size_t strip, Body body) {
  const size_t most = strips_per_tile(slices, strip);
  for (size_t next = 0; next < pixels;) {
    const size_t strips = std::clamp<size_t>((pixels - next) / strip, 1, most);
    const size_t first = pixels < strip ? 0 : std::min(next, pixels - strips * strip);
    body(first, strips);
    next = first + strips * strip;
  }
}

}  // namespace geoloom::kernels
