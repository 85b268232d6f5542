// SPDX-License-Identifier: Apache-2.0
#include "kernels/physical_values.h"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/physical_values.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/sample_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

// Whole vectors of pixels only; these return how many pixels that were.

template <class T>
HWY_INLINE size_t convert(const T* from, size_t pixels, float scale, float offset, float* to) {
  const hn::CappedTag<float, kStrip> d;
  const auto by = hn::Set(d, scale), plus = hn::Set(d, offset);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= pixels; i += hn::Lanes(d))
    hn::StoreU(hn::Add(hn::Mul(stored_as_float(d, from + i), by), plus), d, to + i);
  return i;
}

#define DEFINE(T, suffix)                                                                       \
  size_t convert_##suffix(const T* from, size_t pixels, float scale, float offset, float* to) { \
    return convert(from, pixels, scale, offset, to);                                            \
  }
GEOLOOM_FOR_PIXEL_TYPES(DEFINE)
#undef DEFINE

size_t keep(const float* values, size_t pixels, Numbers kept, uint8_t* valid) {
  const hn::CappedTag<float, kStrip> d;
  const hn::RebindToUnsigned<decltype(d)> wide;
  const hn::Rebind<uint8_t, decltype(d)> bytes;
  const auto most = hn::Set(d, kept == Numbers::finite ? std::numeric_limits<float>::max()
                                                       : std::numeric_limits<float>::infinity());
  size_t i = 0;
  for (; i + hn::Lanes(d) <= pixels; i += hn::Lanes(d)) {
    const auto number = hn::Le(hn::Abs(hn::LoadU(d, values + i)), most);
    const auto flag = hn::PromoteTo(wide, hn::LoadU(bytes, valid + i));
    hn::StoreU(hn::TruncateTo(bytes, hn::IfThenElseZero(hn::RebindMask(wide, number), flag)), bytes,
               valid + i);
  }
  return i;
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

#define EXPORT(T, suffix)                                                                      \
  HWY_EXPORT(convert_##suffix);                                                                \
  size_t convert_vectors(const T* from, size_t pixels, float scale, float offset, float* to) { \
    return HWY_DYNAMIC_DISPATCH(convert_##suffix)(from, pixels, scale, offset, to);            \
  }
GEOLOOM_FOR_PIXEL_TYPES(EXPORT)
#undef EXPORT
HWY_EXPORT(keep);

}  // namespace

// The pixels after the last whole vector are left to the reference.
template <class T>
void physical_values(const T* from, size_t pixels, float scale, float offset, float* to) {
  const size_t done = convert_vectors(from, pixels, scale, offset, to);
  reference::physical_values(from + done, pixels - done, scale, offset, to + done);
}

#define INSTANTIATE(T, suffix) \
  template void physical_values<T>(const T*, size_t, float, float, float*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

void keep_numbers(const float* values, size_t pixels, Numbers kept, uint8_t* valid) {
  const size_t done = HWY_DYNAMIC_DISPATCH(keep)(values, pixels, kept, valid);
  reference::keep_numbers(values + done, pixels - done, kept, valid + done);
}

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
