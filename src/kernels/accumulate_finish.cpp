// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/accumulate.h"

namespace geoloom::kernels {

template <class Out>
void finish_mean(const double* sum, const uint32_t* count, size_t pixels, size_t min_count,
                 Out* out, uint8_t* out_valid) {
  const size_t least = std::max<size_t>(min_count, 1);
  for (size_t p = 0; p < pixels; ++p) {
    const bool enough = count[p] >= least;
    const Out mean = enough ? static_cast<Out>(sum[p] / count[p]) : Out{0};
    const bool has_value = enough && mean == mean;  // not so for NaN
    out[p] = has_value ? mean : Out{0};
    out_valid[p] = has_value ? 1 : 0;
  }
}

template <class Out>
void finish_total(const double* total, const uint32_t* count, size_t pixels, size_t min_count,
                  double scale, double offset, Out* out, uint8_t* out_valid) {
  const size_t least = std::max<size_t>(min_count, 1);
  for (size_t p = 0; p < pixels; ++p) {
    const bool enough = count[p] >= least;
    const Out value = enough ? static_cast<Out>(total[p] * scale + count[p] * offset) : Out{0};
    const bool has_value = enough && value == value;  // not so for NaN
    out[p] = has_value ? value : Out{0};
    out_valid[p] = has_value ? 1 : 0;
  }
}

template <class T>
void accumulate_product(Samples<T> samples, Validity valid, size_t pixels, double scale,
                        double offset, double* product, uint32_t* count) {
  for (size_t t = 0; t < samples.slices; ++t) {
    const T* const row = samples.data + t * samples.slice_stride;
    const uint8_t* const counts = valid.data + t * valid.slice_stride;
    for (size_t p = 0; p < pixels; ++p) {
      const double factor = static_cast<double>(row[p]) * scale + offset;
      product[p] *= counts[p] != 0 ? factor : 1.0;
      count[p] += counts[p] != 0 ? 1 : 0;
    }
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

#define INSTANTIATE(T, suffix)                                                               \
  template void finish_value<T>(const T*, const uint32_t*, size_t, size_t, T*, uint8_t*);    \
  template void accumulate_product<T>(Samples<T>, Validity, size_t, double, double, double*, \
                                      uint32_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
INSTANTIATE(double, f64)
#undef INSTANTIATE

#define INSTANTIATE(Out)                                                                          \
  template void finish_mean<Out>(const double*, const uint32_t*, size_t, size_t, Out*, uint8_t*); \
  template void finish_total<Out>(const double*, const uint32_t*, size_t, size_t, double, double, \
                                  Out*, uint8_t*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace geoloom::kernels
