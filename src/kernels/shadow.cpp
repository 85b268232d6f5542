// SPDX-License-Identifier: Apache-2.0
#include "kernels/shadow.h"

#include <algorithm>

namespace geoloom::kernels {
namespace {

void add_shifted(const uint8_t* casting, int64_t width, int64_t height, const PixelShift& shift,
                 uint8_t* shadows) {
  const int64_t left = std::max<int64_t>(0, shift.columns);
  const int64_t right = std::min(width, width + shift.columns);
  const int64_t top = std::max<int64_t>(0, shift.rows);
  const int64_t bottom = std::min(height, height + shift.rows);
  if (left >= right) return;
  const auto count = static_cast<size_t>(right - left);
  for (int64_t y = top; y < bottom; ++y) {
    uint8_t* const to = shadows + y * width + left;
    const uint8_t* const from = casting + (y - shift.rows) * width + left - shift.columns;
    for (size_t i = 0; i < count; ++i)
      to[i] = static_cast<uint8_t>(to[i] | static_cast<uint8_t>(from[i] != 0));
  }
}

}  // namespace

ShadowHalo shadow_halo(std::span<const PixelShift> shifts) {
  ShadowHalo halo;
  for (const auto& shift : shifts) {
    halo.left = std::max(halo.left, shift.columns);
    halo.right = std::max(halo.right, -shift.columns);
    halo.top = std::max(halo.top, shift.rows);
    halo.bottom = std::max(halo.bottom, -shift.rows);
  }
  return halo;
}

void cast_shadows(const uint8_t* casting, size_t width, size_t height,
                  std::span<const PixelShift> shifts, uint8_t* shadows) {
  std::fill_n(shadows, width * height, uint8_t{0});
  for (const auto& shift : shifts)
    add_shifted(casting, static_cast<int64_t>(width), static_cast<int64_t>(height), shift, shadows);
}

}  // namespace geoloom::kernels
