// SPDX-License-Identifier: Apache-2.0
#include "kernels/accumulate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/accumulate.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

#ifndef GEOLOOM_KERNELS_ACCUMULATE_ONCE
#define GEOLOOM_KERNELS_ACCUMULATE_ONCE
#include <algorithm>
#include <type_traits>

namespace geoloom::kernels {
namespace {

// Which sample a pixel keeps.
enum class Keep { least, greatest, first, last };

// No CPU has wider vectors, in bytes.
constexpr size_t kMaxVectorBytes = 256;

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Validity of as many pixels as d has lanes, as a mask on vectors of d.
template <class D>
HWY_INLINE hn::Mask<D> valid_lanes(D d, const uint8_t* valid) {
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    return hn::Ne(hn::LoadU(d, valid), hn::Zero(d));
  } else if constexpr (sizeof(hn::TFromD<D>) == 8) {
    // Bytes widen to 32 bits at most in one step.
    const hn::RebindToSigned<D> wide;
    const hn::Rebind<int32_t, D> half;
    const hn::Rebind<uint8_t, D> bytes;
    const auto flags = hn::PromoteTo(wide, hn::PromoteTo(half, hn::LoadU(bytes, valid)));
    return hn::RebindMask(d, hn::Ne(flags, hn::Zero(wide)));
  } else {
    const hn::RebindToSigned<D> wide;
    const hn::Rebind<uint8_t, D> bytes;
    return hn::RebindMask(d, hn::Ne(hn::PromoteTo(wide, hn::LoadU(bytes, valid)), hn::Zero(wide)));
  }
}

// The functions below do whole vectors of pixels only and return how many pixels that were. Each
// vector of pixels goes through all slices with its state in registers.

size_t count_samples(Validity valid, size_t slices, size_t pixels, uint32_t* count) {
  const hn::CappedTag<uint8_t, kMaxVectorBytes> d;
  const size_t lanes = hn::Lanes(d);
  uint8_t part[kMaxVectorBytes];
  size_t p = 0;
  for (; p + lanes <= pixels; p += lanes) {
    for (size_t begin = 0; begin < slices; begin += 255) {  // what a byte can count
      auto counted = hn::Zero(d);
      for (size_t t = begin; t < std::min(begin + 255, slices); ++t) {
        const auto flags = valid_lanes(d, valid.data + t * valid.slice_stride + p);
        counted = hn::Sub(counted, hn::VecFromMask(d, flags));
      }
      hn::StoreU(counted, d, part);
      for (size_t i = 0; i < lanes; ++i) count[p + i] += part[i];
    }
  }
  return p;
}

template <Keep keep, class D>
HWY_INLINE size_t keep_one(D d, Samples<hn::TFromD<D>> samples, Validity valid, size_t pixels,
                           hn::TFromD<D>* value, const uint32_t* count) {
  const size_t lanes = hn::Lanes(d);
  uint8_t counted[kMaxVectorBytes];
  size_t p = 0;
  for (; p + lanes <= pixels; p += lanes) {
    for (size_t i = 0; i < lanes; ++i) counted[i] = count[p + i] != 0;
    auto any_before = valid_lanes(d, counted);
    auto kept = hn::LoadU(d, value + p);
    for (size_t t = 0; t < samples.slices; ++t) {
      const auto sample = hn::LoadU(d, samples.data + t * samples.slice_stride + p);
      const auto counts = valid_lanes(d, valid.data + t * valid.slice_stride + p);
      auto take = hn::AndNot(any_before, counts);
      if constexpr (keep == Keep::least) take = hn::Or(take, hn::And(counts, hn::Lt(sample, kept)));
      if constexpr (keep == Keep::greatest)
        take = hn::Or(take, hn::And(counts, hn::Gt(sample, kept)));
      if constexpr (keep == Keep::last) take = counts;
      kept = hn::IfThenElse(take, sample, kept);
      any_before = hn::Or(any_before, counts);
    }
    hn::StoreU(kept, d, value + p);
  }
  return p;
}

template <class T>
HWY_INLINE size_t keep_by(Keep keep, Samples<T> samples, Validity valid, size_t pixels, T* value,
                          const uint32_t* count) {
  const hn::CappedTag<T, kMaxVectorBytes / sizeof(T)> d;
  switch (keep) {
    case Keep::least:
      return keep_one<Keep::least>(d, samples, valid, pixels, value, count);
    case Keep::greatest:
      return keep_one<Keep::greatest>(d, samples, valid, pixels, value, count);
    case Keep::first:
      return keep_one<Keep::first>(d, samples, valid, pixels, value, count);
    case Keep::last:
      return keep_one<Keep::last>(d, samples, valid, pixels, value, count);
  }
  return 0;
}

// Integers are added as integers of 32 bits, which 65535 samples of 16 bits cannot overflow, and
// then to the double: all of it is exact, so it equals adding one by one.
template <class T>
HWY_INLINE size_t sum_samples(Samples<T> samples, Validity valid, size_t pixels, double* sum) {
  using Wide = std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>;
  const hn::CappedTag<Wide, kMaxVectorBytes / sizeof(Wide)> d;
  const hn::Rebind<T, decltype(d)> narrow;
  const size_t lanes = hn::Lanes(d);
  Wide part[kMaxVectorBytes / sizeof(Wide)];
  size_t p = 0;
  for (; p + lanes <= pixels; p += lanes) {
    for (size_t begin = 0; begin < samples.slices; begin += 65535) {
      auto added = hn::Zero(d);
      for (size_t t = begin; t < std::min(begin + 65535, samples.slices); ++t) {
        const T* data = samples.data + t * samples.slice_stride + p;
        const auto counts = valid_lanes(d, valid.data + t * valid.slice_stride + p);
        const auto sample = hn::PromoteTo(d, hn::LoadU(narrow, data));
        added = hn::Add(added, hn::IfThenElseZero(counts, sample));
      }
      hn::StoreU(added, d, part);
      for (size_t i = 0; i < lanes; ++i) sum[p + i] += part[i];
    }
  }
  return p;
}

HWY_INLINE size_t sum_samples(Samples<float> samples, Validity valid, size_t pixels, double* sum) {
  const hn::CappedTag<double, kMaxVectorBytes / sizeof(double)> d;
  const hn::Rebind<float, decltype(d)> narrow;
  const size_t lanes = hn::Lanes(d);
  size_t p = 0;
  for (; p + lanes <= pixels; p += lanes) {
    auto added = hn::LoadU(d, sum + p);
    for (size_t t = 0; t < samples.slices; ++t) {
      const float* data = samples.data + t * samples.slice_stride + p;
      const auto counts = valid_lanes(d, valid.data + t * valid.slice_stride + p);
      const auto sample = hn::PromoteTo(d, hn::LoadU(narrow, data));
      added = hn::IfThenElse(counts, hn::Add(added, sample), added);
    }
    hn::StoreU(added, d, sum + p);
  }
  return p;
}

#define DEFINE(T, suffix)                                                                      \
  size_t sum_##suffix(Samples<T> samples, Validity valid, size_t pixels, double* sum) {        \
    return sum_samples(samples, valid, pixels, sum);                                           \
  }                                                                                            \
  size_t keep_##suffix(Keep keep, Samples<T> samples, Validity valid, size_t pixels, T* value, \
                       const uint32_t* count) {                                                \
    return keep_by(keep, samples, valid, pixels, value, count);                                \
  }
GEOLOOM_FOR_PIXEL_TYPES(DEFINE)
#undef DEFINE

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(count_samples);

#define EXPORT(T, suffix)                                                                     \
  HWY_EXPORT(sum_##suffix);                                                                   \
  HWY_EXPORT(keep_##suffix);                                                                  \
  size_t sum_vectors(Samples<T> samples, Validity valid, size_t pixels, double* sum) {        \
    return HWY_DYNAMIC_DISPATCH(sum_##suffix)(samples, valid, pixels, sum);                   \
  }                                                                                           \
  size_t keep_vectors(Keep keep, Samples<T> samples, Validity valid, size_t pixels, T* value, \
                      const uint32_t* count) {                                                \
    return HWY_DYNAMIC_DISPATCH(keep_##suffix)(keep, samples, valid, pixels, value, count);   \
  }
GEOLOOM_FOR_PIXEL_TYPES(EXPORT)
#undef EXPORT

template <class T>
using ReferenceKernel = void (*)(Samples<T>, Validity, size_t, T*, uint32_t*);

// The pixels after the last whole vector are left to the reference.
template <class T>
void accumulate_kept(Keep keep, ReferenceKernel<T> reference, Samples<T> samples, Validity valid,
                     size_t pixels, T* value, uint32_t* count) {
  if (samples.slices == 0) return;
  const size_t done = keep_vectors(keep, samples, valid, pixels, value, count);
  accumulate_count(valid, samples.slices, done, count);
  samples.data += done;
  valid.data += done;
  reference(samples, valid, pixels - done, value + done, count + done);
}

}  // namespace

void accumulate_count(Validity valid, size_t slices, size_t pixels, uint32_t* count) {
  if (slices == 0) return;
  const size_t done = HWY_DYNAMIC_DISPATCH(count_samples)(valid, slices, pixels, count);
  valid.data += done;
  reference::accumulate_count(valid, slices, pixels - done, count + done);
}

template <class T>
void accumulate_sum(Samples<T> samples, Validity valid, size_t pixels, double* sum,
                    uint32_t* count) {
  if (samples.slices == 0) return;
  const size_t done = sum_vectors(samples, valid, pixels, sum);
  accumulate_count(valid, samples.slices, done, count);
  samples.data += done;
  valid.data += done;
  reference::accumulate_sum(samples, valid, pixels - done, sum + done, count + done);
}

template <class T>
void accumulate_min(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count) {
  accumulate_kept(Keep::least, reference::accumulate_min<T>, samples, valid, pixels, value, count);
}

template <class T>
void accumulate_max(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count) {
  accumulate_kept(Keep::greatest, reference::accumulate_max<T>, samples, valid, pixels, value,
                  count);
}

template <class T>
void accumulate_first(Samples<T> samples, Validity valid, size_t pixels, T* value,
                      uint32_t* count) {
  accumulate_kept(Keep::first, reference::accumulate_first<T>, samples, valid, pixels, value,
                  count);
}

template <class T>
void accumulate_last(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count) {
  accumulate_kept(Keep::last, reference::accumulate_last<T>, samples, valid, pixels, value, count);
}

#define INSTANTIATE(T, suffix)                                                       \
  template void accumulate_sum<T>(Samples<T>, Validity, size_t, double*, uint32_t*); \
  template void accumulate_min<T>(Samples<T>, Validity, size_t, T*, uint32_t*);      \
  template void accumulate_max<T>(Samples<T>, Validity, size_t, T*, uint32_t*);      \
  template void accumulate_first<T>(Samples<T>, Validity, size_t, T*, uint32_t*);    \
  template void accumulate_last<T>(Samples<T>, Validity, size_t, T*, uint32_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
