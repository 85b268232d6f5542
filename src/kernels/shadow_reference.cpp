// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "kernels/shadow.h"

namespace geoloom::kernels::reference {

void cast_shadows(const uint8_t* casting, size_t width, size_t height,
                  std::span<const PixelShift> shifts, uint8_t* shadows) {
  const auto columns = static_cast<int64_t>(width), rows = static_cast<int64_t>(height);
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t x = 0; x < columns; ++x) {
      uint8_t shadow = 0;
      for (const auto& shift : shifts) {
        const int64_t from_x = x - shift.columns, from_y = y - shift.rows;
        if (from_x >= 0 && from_x < columns && from_y >= 0 && from_y < rows &&
            casting[from_y * columns + from_x] != 0)
          shadow = 1;
      }
      shadows[y * columns + x] = shadow;
    }
}

void terrain_shadows(const float* heights, size_t width, size_t height, const ShadowHalo& rim,
                     const SunRay& ray, int64_t steps, uint8_t* shadows) {
  const auto columns = static_cast<int64_t>(width), rows = static_cast<int64_t>(height);
  const auto at = [&](int64_t x, int64_t y) { return heights[y * columns + x]; };
  for (int64_t y = rim.top; y < rows - rim.bottom; ++y)
    for (int64_t x = rim.left; x < columns - rim.right; ++x) {
      uint8_t shadow = 0;
      for (int64_t k = 1; k <= steps; ++k) {
        const double across = ray.across * static_cast<double>(k);
        const auto beside = static_cast<int64_t>(std::floor(across));
        const auto share = static_cast<float>(across - std::floor(across));
        const int64_t px = x + (ray.along_columns ? ray.step * k : beside);
        const int64_t py = y + (ray.along_columns ? beside : ray.step * k);
        const float first = at(px, py);
        const float second =
            share > 0 ? at(px + (ray.along_columns ? 0 : 1), py + (ray.along_columns ? 1 : 0))
                      : first;
        const float ground = first + (second - first) * share;
        if (ground - static_cast<float>(ray.rise * static_cast<double>(k)) > at(x, y)) shadow = 1;
      }
      *shadows++ = shadow;
    }
}

}  // namespace geoloom::kernels::reference
