// SPDX-License-Identifier: Apache-2.0
#include "kernels/deviation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/deviation.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Bytes, shorts and floats of as many pixels as d has lanes, in double; all are exact.
template <class D>
HWY_INLINE hn::Vec<D> as_doubles(D d, const float* from) {
  const hn::Rebind<float, D> narrow;
  return hn::PromoteTo(d, hn::LoadU(narrow, from));
}
template <class D, class T>
HWY_INLINE hn::Vec<D> as_doubles(D d, const T* from) {
  const hn::Rebind<int32_t, D> half;
  const hn::Rebind<T, D> narrow;
  return hn::PromoteTo(d, hn::PromoteTo(half, hn::LoadU(narrow, from)));
}

// Whole vectors of pixels only; returns how many pixels that were. Each vector of pixels goes
// through all slices with its state in registers.
template <class T>
HWY_INLINE size_t deviate(Samples<T> samples, Validity valid, size_t pixels, double* mean,
                          double* squares, uint32_t* count) {
  const hn::CappedTag<double, 32> d;
  const size_t lanes = hn::Lanes(d);
  double counted[32];
  size_t p = 0;
  for (; p + lanes <= pixels; p += lanes) {
    for (size_t i = 0; i < lanes; ++i) counted[i] = count[p + i];
    auto n = hn::LoadU(d, counted), m = hn::LoadU(d, mean + p), sq = hn::LoadU(d, squares + p);
    for (size_t t = 0; t < samples.slices; ++t) {
      const auto flags = as_doubles(d, valid.data + t * valid.slice_stride + p);
      const auto is_valid = hn::Ne(flags, hn::Zero(d));
      const auto sample = as_doubles(d, samples.data + t * samples.slice_stride + p);
      const auto before = hn::Sub(sample, m);
      const auto next_n = hn::Add(n, hn::Set(d, 1.0));
      const auto next_m = hn::Add(m, hn::Div(before, next_n));
      const auto next_sq = hn::Add(sq, hn::Mul(before, hn::Sub(sample, next_m)));
      n = hn::IfThenElse(is_valid, next_n, n);
      m = hn::IfThenElse(is_valid, next_m, m);
      sq = hn::IfThenElse(is_valid, next_sq, sq);
    }
    hn::StoreU(m, d, mean + p);
    hn::StoreU(sq, d, squares + p);
    hn::StoreU(n, d, counted);
    for (size_t i = 0; i < lanes; ++i) count[p + i] = static_cast<uint32_t>(counted[i]);
  }
  return p;
}

#define DEFINE(T, suffix)                                                                  \
  size_t deviate_##suffix(Samples<T> samples, Validity valid, size_t pixels, double* mean, \
                          double* squares, uint32_t* count) {                              \
    return deviate(samples, valid, pixels, mean, squares, count);                          \
  }
GEOLOOM_FOR_PIXEL_TYPES(DEFINE)
#undef DEFINE

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

#define EXPORT(T, suffix)                                                                        \
  HWY_EXPORT(deviate_##suffix);                                                                  \
  size_t deviate_vectors(Samples<T> samples, Validity valid, size_t pixels, double* mean,        \
                         double* squares, uint32_t* count) {                                     \
    return HWY_DYNAMIC_DISPATCH(deviate_##suffix)(samples, valid, pixels, mean, squares, count); \
  }
GEOLOOM_FOR_PIXEL_TYPES(EXPORT)
#undef EXPORT

}  // namespace

// The pixels after the last whole vector are left to the reference.
template <class T>
void accumulate_deviation(Samples<T> samples, Validity valid, size_t pixels, double* mean,
                          double* squares, uint32_t* count) {
  if (samples.slices == 0) return;
  const size_t done = deviate_vectors(samples, valid, pixels, mean, squares, count);
  samples.data += done;
  valid.data += done;
  reference::accumulate_deviation(samples, valid, pixels - done, mean + done, squares + done,
                                  count + done);
}

#define INSTANTIATE(T, suffix) \
  template void accumulate_deviation<T>(Samples<T>, Validity, size_t, double*, double*, uint32_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
