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

// The state of one vector of pixels.
template <class D>
struct Running {
  hn::Vec<D> count, mean, squares;

  HWY_INLINE void add(D d, hn::Vec<D> sample, hn::Mask<D> is_valid) {
    const auto before = hn::Sub(sample, mean);
    const auto next_count = hn::Add(count, hn::Set(d, 1.0));
    const auto next_mean = hn::Add(mean, hn::Div(before, next_count));
    const auto next_squares = hn::Add(squares, hn::Mul(before, hn::Sub(sample, next_mean)));
    count = hn::IfThenElse(is_valid, next_count, count);
    mean = hn::IfThenElse(is_valid, next_mean, mean);
    squares = hn::IfThenElse(is_valid, next_squares, squares);
  }
};

// kVectors vectors of pixels go through all slices with their states in registers: one of them
// alone would wait for each of its divisions.
template <size_t kVectors, class T>
HWY_INLINE void deviate_vectors_at(Samples<T> samples, Validity valid, size_t p, double* mean,
                                   double* squares, uint32_t* count) {
  using D = hn::CappedTag<double, 32>;
  const D d;
  const size_t lanes = hn::Lanes(d);
  double counted[32 * kVectors];
  for (size_t i = 0; i < lanes * kVectors; ++i) counted[i] = count[p + i];
  Running<D> state[kVectors];
  for (size_t v = 0; v < kVectors; ++v)
    state[v] = {hn::LoadU(d, counted + v * lanes), hn::LoadU(d, mean + p + v * lanes),
                hn::LoadU(d, squares + p + v * lanes)};
  for (size_t t = 0; t < samples.slices; ++t) {
    const T* const row = samples.data + t * samples.slice_stride + p;
    const uint8_t* const flags = valid.data + t * valid.slice_stride + p;
    for (size_t v = 0; v < kVectors; ++v)
      state[v].add(d, as_doubles(d, row + v * lanes),
                   hn::Ne(as_doubles(d, flags + v * lanes), hn::Zero(d)));
  }
  for (size_t v = 0; v < kVectors; ++v) {
    hn::StoreU(state[v].mean, d, mean + p + v * lanes);
    hn::StoreU(state[v].squares, d, squares + p + v * lanes);
    hn::StoreU(state[v].count, d, counted + v * lanes);
  }
  for (size_t i = 0; i < lanes * kVectors; ++i) count[p + i] = static_cast<uint32_t>(counted[i]);
}

// Whole vectors of pixels only; returns how many pixels that were.
template <class T>
HWY_INLINE size_t deviate(Samples<T> samples, Validity valid, size_t pixels, double* mean,
                          double* squares, uint32_t* count) {
  constexpr size_t kTogether = 4;
  const size_t lanes = hn::Lanes(hn::CappedTag<double, 32>());
  size_t p = 0;
  for (; p + kTogether * lanes <= pixels; p += kTogether * lanes)
    deviate_vectors_at<kTogether>(samples, valid, p, mean, squares, count);
  for (; p + lanes <= pixels; p += lanes)
    deviate_vectors_at<1>(samples, valid, p, mean, squares, count);
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
