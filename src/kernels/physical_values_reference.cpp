// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "kernels/physical_values.h"

namespace geoloom::kernels::reference {

template <class T>
void physical_values(const T* from, size_t pixels, float scale, float offset, float* to) {
  for (size_t i = 0; i < pixels; ++i) to[i] = static_cast<float>(from[i]) * scale + offset;
}

#define INSTANTIATE(T, suffix) \
  template void physical_values<T>(const T*, size_t, float, float, float*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

void keep_numbers(const float* values, size_t pixels, Numbers kept, uint8_t* valid) {
  for (size_t i = 0; i < pixels; ++i) {
    const bool number = kept == Numbers::finite
                            ? std::fabs(values[i]) <= std::numeric_limits<float>::max()
                            : values[i] == values[i];
    if (!number) valid[i] = 0;
  }
}

}  // namespace geoloom::kernels::reference
