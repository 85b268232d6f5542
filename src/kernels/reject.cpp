// SPDX-License-Identifier: Apache-2.0
#include "kernels/reject.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reject.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Validity has one byte per pixel whatever the pixel type: the mask of a wider type is narrowed to
// bytes (0 or 255 saturate to themselves) and ANDed onto it.
template <class D, class Mask>
HWY_INLINE void keep_where(D d, Mask keep, uint8_t* valid) {
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    hn::StoreU(hn::IfThenElseZero(keep, hn::LoadU(d, valid)), d, valid);
  } else {
    using Wide = hwy::MakeSigned<hn::TFromD<D>>;
    const hn::RebindToSigned<D> wide;
    const hn::Rebind<uint8_t, D> bytes;
    const auto ones =
        hn::IfThenElseZero(hn::RebindMask(wide, keep), hn::Set(wide, static_cast<Wide>(255)));
    hn::StoreU(hn::And(hn::DemoteTo(bytes, ones), hn::LoadU(bytes, valid)), bytes, valid);
  }
}

// Keeps pixels of which some band equals some value (keep_hits), or else those of which none does.
// Does whole vectors only and returns how many pixels that were.
template <class T>
HWY_INLINE size_t keep_by_value(const T* const* bands, size_t band_count, const T* values,
                                size_t value_count, bool keep_hits, size_t pixels, uint8_t* valid) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t p = 0;
  for (; p + lanes <= pixels; p += lanes) {
    auto hit = hn::Ne(hn::Zero(d), hn::Zero(d));
    for (size_t b = 0; b < band_count; ++b) {
      const auto band = hn::LoadU(d, bands[b] + p);
      for (size_t v = 0; v < value_count; ++v)
        hit = hn::Or(hit, hn::Eq(band, hn::Set(d, values[v])));
    }
    keep_where(d, keep_hits ? hit : hn::Not(hit), valid + p);
  }
  return p;
}

template <class T>
HWY_INLINE size_t drop_value_and_nan(const T* data, T nodata, size_t pixels, uint8_t* valid) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t p = 0;
  for (; p + lanes <= pixels; p += lanes) {
    const auto value = hn::LoadU(d, data + p);
    // Only NaN is not equal to itself; Ne would not do, as it is ordered on some targets.
    const auto is_number = hn::Eq(value, value);
    keep_where(d, hn::AndNot(hn::Eq(value, hn::Set(d, nodata)), is_number), valid + p);
  }
  return p;
}

#define DEFINE(T, suffix)                                                                   \
  size_t keep_##suffix(const T* const* bands, size_t band_count, const T* values,           \
                       size_t value_count, bool keep_hits, size_t pixels, uint8_t* valid) { \
    return keep_by_value(bands, band_count, values, value_count, keep_hits, pixels, valid); \
  }                                                                                         \
  size_t drop_##suffix(const T* data, T nodata, size_t pixels, uint8_t* valid) {            \
    return drop_value_and_nan(data, nodata, pixels, valid);                                 \
  }
GEOLOOM_FOR_PIXEL_TYPES(DEFINE)
#undef DEFINE

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <vector>

// The pixels after the last whole vector are left to the reference.
namespace geoloom::kernels {
namespace {

#define EXPORT(T, suffix)                                                                         \
  HWY_EXPORT(keep_##suffix);                                                                      \
  HWY_EXPORT(drop_##suffix);                                                                      \
  size_t keep(const T* const* bands, size_t band_count, const T* values, size_t value_count,      \
              bool keep_hits, size_t pixels, uint8_t* valid) {                                    \
    return HWY_DYNAMIC_DISPATCH(keep_##suffix)(bands, band_count, values, value_count, keep_hits, \
                                               pixels, valid);                                    \
  }                                                                                               \
  size_t drop(const T* data, T nodata, size_t pixels, uint8_t* valid) {                           \
    return HWY_DYNAMIC_DISPATCH(drop_##suffix)(data, nodata, pixels, valid);                      \
  }
GEOLOOM_FOR_PIXEL_TYPES(EXPORT)
#undef EXPORT

}  // namespace

template <class T>
void reject_any_band_in(const T* const* bands, size_t band_count, const T* values,
                        size_t value_count, size_t pixels, uint8_t* valid_inout) {
  const size_t done = keep(bands, band_count, values, value_count, false, pixels, valid_inout);
  std::vector<const T*> rest(bands, bands + band_count);
  for (const T*& band : rest) band += done;
  reference::reject_any_band_in(rest.data(), band_count, values, value_count, pixels - done,
                                valid_inout + done);
}

template <class T>
void apply_class_mask(const T* classes, size_t pixels, const T* listed, size_t listed_count,
                      bool listed_are_kept, uint8_t* valid_inout) {
  const size_t done = keep(&classes, 1, listed, listed_count, listed_are_kept, pixels, valid_inout);
  reference::apply_class_mask(classes + done, pixels - done, listed, listed_count, listed_are_kept,
                              valid_inout + done);
}

template <class T>
void invalidate_value(const T* data, T nodata, size_t pixels, uint8_t* valid_inout) {
  const size_t done = drop(data, nodata, pixels, valid_inout);
  reference::invalidate_value(data + done, nodata, pixels - done, valid_inout + done);
}

#define INSTANTIATE(T, suffix)                                                           \
  template void reject_any_band_in<T>(const T* const*, size_t, const T*, size_t, size_t, \
                                      uint8_t*);                                         \
  template void apply_class_mask<T>(const T*, size_t, const T*, size_t, bool, uint8_t*); \
  template void invalidate_value<T>(const T*, T, size_t, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
