// SPDX-License-Identifier: Apache-2.0
// Shadows on planes of pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace geoloom::kernels {

// From a pixel to the one that it casts its shadow on.
struct PixelShift {
  int64_t columns = 0, rows = 0;
  friend bool operator==(const PixelShift&, const PixelShift&) = default;
};
// How many pixels around a window matter to the shadows in it.
struct ShadowHalo {
  int64_t left = 0, top = 0, right = 0, bottom = 0;
  friend bool operator==(const ShadowHalo&, const ShadowHalo&) = default;
};
ShadowHalo shadow_halo(std::span<const PixelShift> shifts);

// Sets the bytes of `shadows` that one of the shifts leads to from a set byte of `casting`, and
// clears the others. Planes are dense rows, results 0 or 1; nothing is set beyond the array.
void cast_shadows(const uint8_t* casting, size_t width, size_t height,
                  std::span<const PixelShift> shifts, uint8_t* shadows);

// A walk towards the sun over a plane of heights: a pixel a step along one axis, and `across`
// pixels along the other, where the height is on the straight line between those of two pixels.
struct SunRay {
  bool along_columns = true;
  int64_t step = 1;   // 1 or -1
  double across = 0;  // from -1 to 1
  double rise = 0;  // by how much the line to the sun rises in a step; above 0, in units of heights
};
ShadowHalo ray_halo(const SunRay& ray, int64_t steps);

// Whether pixels lie in the shadow of the terrain: 1 where, within that many steps, the ground is
// higher than the line to the sun; else 0. So slopes that face away from it are in their own
// shadow. `heights` are dense rows of width x height pixels, of which a rim as wide as `rim`, at
// least ray_halo(), surrounds the pixels that `shadows` has. NaN is unknown: it casts no shadow,
// and lies in none. All sums are float32, in one order.
void terrain_shadows(const float* heights, size_t width, size_t height, const ShadowHalo& rim,
                     const SunRay& ray, int64_t steps, uint8_t* shadows);

namespace reference {
void terrain_shadows(const float* heights, size_t width, size_t height, const ShadowHalo& rim,
                     const SunRay& ray, int64_t steps, uint8_t* shadows);
void cast_shadows(const uint8_t* casting, size_t width, size_t height,
                  std::span<const PixelShift> shifts, uint8_t* shadows);
}  // namespace reference
}  // namespace geoloom::kernels
