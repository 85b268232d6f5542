// SPDX-License-Identifier: Apache-2.0
// Reading a series row by row: a row is the pixels of a tile in one slice. Included once per CPU
// target by the kernels that reduce along time.
//
// A series rarely fits a cache, so its kernels are bound by memory. Rows of about a thousand
// pixels, read one after the other, come at most of the speed of a plain copy; going through all
// slices vector by vector would touch another memory page with every load.

// Highway includes this file once per target, so the guard flips each time.
#if defined(GEOLOOM_KERNELS_SAMPLE_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GEOLOOM_KERNELS_SAMPLE_ROWS_INL_H
#undef GEOLOOM_KERNELS_SAMPLE_ROWS_INL_H
#else
#define GEOLOOM_KERNELS_SAMPLE_ROWS_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/sample_strip.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using CountTag = hn::CappedTag<uint8_t, kStrip>;
using Counts = hn::Vec<CountTag>;

// How many rows ahead of the one being read the memory is asked for the next: each row lies in
// another page, where the CPU's own prefetcher does not follow.
constexpr size_t kRowsAhead = 8;

template <class T>
HWY_INLINE void prefetch_row(const T* row, size_t pixels) {
  constexpr size_t kPerLine = 64 / sizeof(T);
  for (size_t i = 0; i < pixels; i += kPerLine) hwy::Prefetch(row + i);
}

// Bytes, shorts and floats of as many pixels as d has lanes; all are exact.
template <class D>
HWY_INLINE hn::Vec<D> stored_as_float(D d, const float* from) {
  return hn::LoadU(d, from);
}
template <class D, class T>
HWY_INLINE hn::Vec<D> stored_as_float(D d, const T* from) {
  const hn::RebindToSigned<D> wide;
  const hn::Rebind<T, D> narrow;
  return hn::ConvertTo(d, hn::PromoteTo(wide, hn::LoadU(narrow, from)));
}

// Validity of as many pixels as d has lanes, as a mask on vectors of d.
template <class D>
HWY_INLINE hn::Mask<D> valid_lanes(D d, const uint8_t* valid) {
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    const hn::RebindToUnsigned<D> bytes;
    return hn::RebindMask(d, hn::Ne(hn::LoadU(bytes, valid), hn::Zero(bytes)));
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

// count - (-1) where the mask is set: one subtraction, as a true lane is all ones.
template <class D>
HWY_INLINE Counts count_up(Counts count, D d, hn::Mask<D> where) {
  return hn::Sub(count, hn::BitCast(CountTag(), hn::VecFromMask(d, where)));
}

// One more valid sample for each pixel whose byte is set. `pixels` is a multiple of kStrip. A byte
// counts to kByteCount: flush before that.
HWY_INLINE void count_valid_row(const uint8_t* valid, size_t pixels, uint8_t* count) {
  const CountTag d;
  for (size_t i = 0; i < pixels; i += hn::Lanes(d))
    hn::StoreU(count_up(hn::LoadU(d, count + i), d, valid_lanes(d, valid + i)), d, count + i);
}

// Adds the counts of bytes to wider ones and starts again at 0.
template <class Wide>
HWY_INLINE void flush_counts(uint8_t* part, size_t pixels, Wide* count) {
  for (size_t i = 0; i < pixels; ++i) count[i] = static_cast<Wide>(count[i] + part[i]);
  std::fill_n(part, pixels, uint8_t{0});
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GEOLOOM_KERNELS_SAMPLE_ROWS_INL_H
