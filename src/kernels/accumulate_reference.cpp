// SPDX-License-Identifier: Apache-2.0
#include "kernels/accumulate.h"

namespace geoloom::kernels::reference {
namespace {

// add(pixel, sample) for each valid sample in time order, before it is counted.
template <class T, class Add>
void for_each_sample(Samples<T> samples, Validity valid, size_t pixels, uint32_t* count, Add add) {
  for (size_t t = 0; t < samples.slices; ++t) {
    for (size_t p = 0; p < pixels; ++p) {
      if (valid.data[t * valid.slice_stride + p] == 0) continue;
      add(p, samples.data[t * samples.slice_stride + p]);
      ++count[p];
    }
  }
}

}  // namespace

void accumulate_count(Validity valid, size_t slices, size_t pixels, uint32_t* count) {
  for (size_t t = 0; t < slices; ++t) {
    for (size_t p = 0; p < pixels; ++p) count[p] += valid.data[t * valid.slice_stride + p] != 0;
  }
}

template <class T>
void accumulate_sum(Samples<T> samples, Validity valid, size_t pixels, double* sum,
                    uint32_t* count) {
  for_each_sample(samples, valid, pixels, count, [&](size_t p, T sample) { sum[p] += sample; });
}

template <class T>
void accumulate_min(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count) {
  for_each_sample(samples, valid, pixels, count, [&](size_t p, T sample) {
    if (count[p] == 0 || sample < value[p]) value[p] = sample;
  });
}

template <class T>
void accumulate_max(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count) {
  for_each_sample(samples, valid, pixels, count, [&](size_t p, T sample) {
    if (count[p] == 0 || sample > value[p]) value[p] = sample;
  });
}

template <class T>
void accumulate_first(Samples<T> samples, Validity valid, size_t pixels, T* value,
                      uint32_t* count) {
  for_each_sample(samples, valid, pixels, count, [&](size_t p, T sample) {
    if (count[p] == 0) value[p] = sample;
  });
}

template <class T>
void accumulate_last(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count) {
  for_each_sample(samples, valid, pixels, count, [&](size_t p, T sample) { value[p] = sample; });
}

#define INSTANTIATE(T, suffix)                                                       \
  template void accumulate_sum<T>(Samples<T>, Validity, size_t, double*, uint32_t*); \
  template void accumulate_min<T>(Samples<T>, Validity, size_t, T*, uint32_t*);      \
  template void accumulate_max<T>(Samples<T>, Validity, size_t, T*, uint32_t*);      \
  template void accumulate_first<T>(Samples<T>, Validity, size_t, T*, uint32_t*);    \
  template void accumulate_last<T>(Samples<T>, Validity, size_t, T*, uint32_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
INSTANTIATE(double, f64)
#undef INSTANTIATE

}  // namespace geoloom::kernels::reference
