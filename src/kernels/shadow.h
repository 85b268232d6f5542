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

namespace reference {
void cast_shadows(const uint8_t* casting, size_t width, size_t height,
                  std::span<const PixelShift> shifts, uint8_t* shadows);
}  // namespace reference
}  // namespace geoloom::kernels
