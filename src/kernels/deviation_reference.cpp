// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/deviation.h"

namespace geoloom::kernels {

void finish_deviation(const double* squares, const uint32_t* count, size_t pixels, size_t min_count,
                      float* out, uint8_t* out_valid) {
  const size_t needed = std::max<size_t>(min_count, 1);
  for (size_t p = 0; p < pixels; ++p) {
    const double deviation = count[p] >= needed ? std::sqrt(squares[p] / count[p]) : 0;
    out_valid[p] = count[p] >= needed && std::isfinite(deviation) ? 1 : 0;
    out[p] = out_valid[p] != 0 ? static_cast<float>(deviation) : 0.0F;
  }
}

namespace reference {

template <class T>
void accumulate_deviation(Samples<T> samples, Validity valid, size_t pixels, double* mean,
                          double* squares, uint32_t* count) {
  for (size_t t = 0; t < samples.slices; ++t) {
    for (size_t p = 0; p < pixels; ++p) {
      if (valid.data[t * valid.slice_stride + p] == 0) continue;
      const double sample = samples.data[t * samples.slice_stride + p];
      const double before = sample - mean[p];
      ++count[p];
      mean[p] += before / count[p];
      squares[p] += before * (sample - mean[p]);
    }
  }
}

#define INSTANTIATE(T, suffix) \
  template void accumulate_deviation<T>(Samples<T>, Validity, size_t, double*, double*, uint32_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace reference
}  // namespace geoloom::kernels
