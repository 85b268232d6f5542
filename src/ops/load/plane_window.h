// SPDX-License-Identifier: Apache-2.0
// Windows of planes of bytes: masks are made with a halo, of which a part is wanted.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "geo/grid.h"

namespace geoloom::ops {

// The dense rows of `window` out of those of `wide`, which holds it.
inline std::vector<uint8_t> part_of(const std::vector<uint8_t>& plane, const geo::Window& wide,
                                    const geo::Window& window) {
  std::vector<uint8_t> out(static_cast<size_t>(window.pixels()));
  for (int64_t y = 0; y < window.height; ++y)
    std::memcpy(out.data() + y * window.width,
                plane.data() + (window.y + y - wide.y) * wide.width + window.x - wide.x,
                static_cast<size_t>(window.width));
  return out;
}

}  // namespace geoloom::ops
