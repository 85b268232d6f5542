// SPDX-License-Identifier: Apache-2.0
// What a sample of a mask band says about its pixel. These kernels only ever set bytes of the mask
// of unusable pixels, one byte per pixel; they never clear one. Plain loops, which compilers turn
// into vectors.
#pragma once

#include "kernels/samples.h"

namespace geoloom::kernels {

// Where the sample has one of the bits of `set`, or lacks one of the bits of `clear`. T is an
// integer type; int16_t is taken as its bits.
template <class T>
void mask_bits(const T* samples, size_t pixels, uint16_t set, uint16_t clear, uint8_t* unusable);

// Where the bits `shift` .. `shift` + `count` - 1, as a number, are listed (or not listed, when the
// listed ones are kept). `listed` has bit n for the number n, so a field has at most 6 bits.
template <class T>
void mask_field(const T* samples, size_t pixels, int shift, int count, uint64_t listed,
                bool listed_are_kept, uint8_t* unusable);

// Where lowest <= sample <= highest; infinities are no limit. NaN is in no range.
template <class T>
void mask_range(const T* samples, size_t pixels, double lowest, double highest, uint8_t* unusable);
// Where the sample is below `lowest` or above `highest`.
template <class T>
void mask_outside(const T* samples, size_t pixels, double lowest, double highest,
                  uint8_t* unusable);

}  // namespace geoloom::kernels
