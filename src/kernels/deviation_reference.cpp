// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/deviation.h"

namespace geoloom::kernels {

template <class Out>
void finish_deviation(const double* squares, const uint32_t* count, size_t pixels, size_t min_count,
                      Dispersion dispersion, Out* out, uint8_t* out_valid) {
  const uint32_t lost = dispersion == Dispersion::population_deviation ? 0 : 1;
  const size_t needed = std::max<size_t>(min_count, 1 + lost);
  for (size_t p = 0; p < pixels; ++p) {
    const bool enough = count[p] >= needed;
    const double variance = enough ? squares[p] / (count[p] - lost) : 0;
    const double value = dispersion == Dispersion::sample_variance ? variance : std::sqrt(variance);
    out_valid[p] = enough && std::isfinite(value) ? 1 : 0;
    out[p] = out_valid[p] != 0 ? static_cast<Out>(value) : Out{0};
  }
}

template void finish_deviation(const double*, const uint32_t*, size_t, size_t, Dispersion, float*,
                               uint8_t*);
template void finish_deviation(const double*, const uint32_t*, size_t, size_t, Dispersion, double*,
                               uint8_t*);

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
INSTANTIATE(double, f64)
#undef INSTANTIATE

}  // namespace reference
}  // namespace geoloom::kernels
