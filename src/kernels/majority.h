// SPDX-License-Identifier: Apache-2.0
// The most frequent class around each pixel: specks and frayed edges of a map go.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/morphology.h"

namespace geoloom::kernels {

// Rims are part of the inputs, as in kernels/focal.h: dense rows of (width + 2 * reach_x) x
// (height + 2 * reach_y) pixels, outputs of width x height. Invalid pixels do not count. Of classes
// equally frequent the pixel's own wins if it is among them, else the lowest. Where nothing counts
// the result is invalid; so is that of an invalid pixel unless `fill`. T: uint8_t, uint16_t,
// int16_t.
template <class T>
void majority(const T* values, const uint8_t* valid, size_t width, size_t height, const Disk& disk,
              bool fill, T* result, uint8_t* result_valid);

namespace reference {
template <class T>
void majority(const T* values, const uint8_t* valid, size_t width, size_t height, const Disk& disk,
              bool fill, T* result, uint8_t* result_valid);
}  // namespace reference
}  // namespace geoloom::kernels
