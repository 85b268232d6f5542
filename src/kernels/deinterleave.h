// SPDX-License-Identifier: Apache-2.0
// From pixels with their samples side by side, as files store them, to one plane per band.
#pragma once

#include <cstddef>
#include <cstdint>

namespace geoloom::kernels {

// For each of `rows` rows of `width` pixels of `samples` samples (rows `row_stride` samples apart):
// planes[s][row * plane_stride + x] = pixels[row * row_stride + x * samples + s], for every s <
// samples whose planes[s] is not null. T is uint8_t, uint16_t or uint32_t: bits are moved, whatever
// they mean. Planes must not overlap the pixels.
template <class T>
void deinterleave(const T* pixels, size_t row_stride, size_t samples, size_t width, size_t rows,
                  T* const* planes, size_t plane_stride);

namespace reference {

template <class T>
void deinterleave(const T* pixels, size_t row_stride, size_t samples, size_t width, size_t rows,
                  T* const* planes, size_t plane_stride) {
  for (size_t row = 0; row < rows; ++row)
    for (size_t x = 0; x < width; ++x)
      for (size_t s = 0; s < samples; ++s)
        if (planes[s] != nullptr)
          planes[s][row * plane_stride + x] = pixels[row * row_stride + x * samples + s];
}

}  // namespace reference
}  // namespace geoloom::kernels
