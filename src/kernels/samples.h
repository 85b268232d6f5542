// SPDX-License-Identifier: Apache-2.0
// How every kernel sees a time series of one band: one plane of pixels per slice, and beside it a
// plane of validity bytes. Kernels never own, allocate or check these buffers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace geoloom::kernels {

// Sample t of pixel p is data[t * slice_stride + p]; slices are in time order. `data` may be null
// only when there are no slices or no pixels.
template <class T>
struct Samples {
  const T* data;
  size_t slice_stride;
  size_t slices;
};

// A sample counts when its byte, found by the same indexing, is not zero. Whatever value an invalid
// sample holds, NaN included, it never reaches a result. A valid sample is never NaN: the loader
// has made NaN invalid.
struct Validity {
  const uint8_t* data;
  size_t slice_stride;
};

}  // namespace geoloom::kernels

// The pixel types kernels are compiled for, with the suffix their per-type functions carry.
#define GEOLOOM_FOR_PIXEL_TYPES(X) X(uint8_t, u8) X(uint16_t, u16) X(int16_t, i16) X(float, f32)
