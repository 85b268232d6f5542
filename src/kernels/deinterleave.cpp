// SPDX-License-Identifier: Apache-2.0
#include "kernels/deinterleave.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/deinterleave.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Whole vectors of one row with all planes wanted; returns how many pixels that were.
template <class T, size_t kSamples>
HWY_INLINE size_t split_row(const T* pixels, size_t width, T* const* planes, size_t at) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    hn::Vec<decltype(d)> v0, v1, v2, v3;
    if constexpr (kSamples == 2) {
      hn::LoadInterleaved2(d, pixels + x * 2, v0, v1);
    } else if constexpr (kSamples == 3) {
      hn::LoadInterleaved3(d, pixels + x * 3, v0, v1, v2);
    } else {
      hn::LoadInterleaved4(d, pixels + x * 4, v0, v1, v2, v3);
    }
    hn::StoreU(v0, d, planes[0] + at + x);
    hn::StoreU(v1, d, planes[1] + at + x);
    if constexpr (kSamples > 2) hn::StoreU(v2, d, planes[2] + at + x);
    if constexpr (kSamples > 3) hn::StoreU(v3, d, planes[3] + at + x);
  }
  return x;
}

template <class T, size_t kSamples>
HWY_INLINE void split_rows(const T* pixels, size_t row_stride, size_t width, size_t rows,
                           T* const* planes, size_t plane_stride) {
  for (size_t row = 0; row < rows; ++row, pixels += row_stride) {
    const size_t at = row * plane_stride;
    for (size_t x = split_row<T, kSamples>(pixels, width, planes, at); x < width; ++x)
      for (size_t s = 0; s < kSamples; ++s) planes[s][at + x] = pixels[x * kSamples + s];
  }
}

template <class T>
void split(const T* pixels, size_t row_stride, size_t samples, size_t width, size_t rows,
           T* const* planes, size_t plane_stride) {
  if (samples == 2) {
    split_rows<T, 2>(pixels, row_stride, width, rows, planes, plane_stride);
  } else if (samples == 3) {
    split_rows<T, 3>(pixels, row_stride, width, rows, planes, plane_stride);
  } else {
    split_rows<T, 4>(pixels, row_stride, width, rows, planes, plane_stride);
  }
}

// Types of equal size share the code: bits are moved.
void split8(const uint8_t* pixels, size_t row_stride, size_t samples, size_t width, size_t rows,
            uint8_t* const* planes, size_t plane_stride) {
  split(pixels, row_stride, samples, width, rows, planes, plane_stride);
}
void split16(const uint16_t* pixels, size_t row_stride, size_t samples, size_t width, size_t rows,
             uint16_t* const* planes, size_t plane_stride) {
  split(pixels, row_stride, samples, width, rows, planes, plane_stride);
}
void split32(const uint32_t* pixels, size_t row_stride, size_t samples, size_t width, size_t rows,
             uint32_t* const* planes, size_t plane_stride) {
  split(pixels, row_stride, samples, width, rows, planes, plane_stride);
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(split8);
HWY_EXPORT(split16);
HWY_EXPORT(split32);

// One plane after the other, for any number of samples and planes that are left out.
template <class T>
void pick_planes(const T* pixels, size_t row_stride, size_t samples, size_t width, size_t rows,
                 T* const* planes, size_t plane_stride) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t s = 0; s < samples; ++s) {
      if (planes[s] == nullptr) continue;
      const T* from = pixels + row * row_stride + s;
      T* to = planes[s] + row * plane_stride;
      for (size_t x = 0; x < width; ++x) to[x] = from[x * samples];
    }
  }
}

}  // namespace

template <class T>
void deinterleave(const T* pixels, size_t row_stride, size_t samples, size_t width, size_t rows,
                  T* const* planes, size_t plane_stride) {
  bool all = samples >= 2 && samples <= 4;
  for (size_t s = 0; all && s < samples; ++s) all = planes[s] != nullptr;
  if (!all) {
    pick_planes(pixels, row_stride, samples, width, rows, planes, plane_stride);
  } else if constexpr (sizeof(T) == 1) {
    HWY_DYNAMIC_DISPATCH(split8)(pixels, row_stride, samples, width, rows, planes, plane_stride);
  } else if constexpr (sizeof(T) == 2) {
    HWY_DYNAMIC_DISPATCH(split16)
    (pixels, row_stride, samples, width, rows, planes, plane_stride);
  } else {
    HWY_DYNAMIC_DISPATCH(split32)
    (pixels, row_stride, samples, width, rows, planes, plane_stride);
  }
}

template void deinterleave(const uint8_t*, size_t, size_t, size_t, size_t, uint8_t* const*, size_t);
template void deinterleave(const uint16_t*, size_t, size_t, size_t, size_t, uint16_t* const*,
                           size_t);
template void deinterleave(const uint32_t*, size_t, size_t, size_t, size_t, uint32_t* const*,
                           size_t);

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
