// SPDX-License-Identifier: Apache-2.0
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

}  // namespace geoloom::kernels::reference
