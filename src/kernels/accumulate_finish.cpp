// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/accumulate.h"

namespace geoloom::kernels {

void finish_mean(const double* sum, const uint32_t* count, size_t pixels, size_t min_count,
                 float* out, uint8_t* out_valid) {
  const size_t least = std::max<size_t>(min_count, 1);
  for (size_t p = 0; p < pixels; ++p) {
    const bool enough = count[p] >= least;
    const float mean = enough ? static_cast<float>(sum[p] / count[p]) : 0.0F;
    const bool has_value = enough && mean == mean;  // not so for NaN
    out[p] = has_value ? mean : 0.0F;
    out_valid[p] = has_value ? 1 : 0;
  }
}

template <class T>
void finish_value(const T* value, const uint32_t* count, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid) {
  const size_t least = std::max<size_t>(min_count, 1);
  for (size_t p = 0; p < pixels; ++p) {
    const bool enough = count[p] >= least;
    out[p] = enough ? value[p] : T{0};
    out_valid[p] = enough ? 1 : 0;
  }
}

void finish_count(const uint32_t* count, size_t pixels, uint16_t* out) {
  for (size_t p = 0; p < pixels; ++p)
    out[p] = static_cast<uint16_t>(std::min<uint32_t>(count[p], 65535));
}

#define INSTANTIATE(T, suffix) \
  template void finish_value<T>(const T*, const uint32_t*, size_t, size_t, T*, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels
