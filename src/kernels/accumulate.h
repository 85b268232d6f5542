// SPDX-License-Identifier: Apache-2.0
// Statistics along time that need no sorting: mean, minimum, maximum, first, last, count. Their
// state is the caller's, one value per pixel, so that a long series can be fed in batches: start
// the state at zero, feed the slices in time order in as many calls as you like, then finish. How
// the slices are cut into batches never changes a byte.
//
// T is one of the pixel types. State and outputs hold `pixels` values and must not overlap the
// samples. `count` is the number of valid samples so far; a series has fewer than 2^32 of them.
#pragma once

#include "kernels/samples.h"

namespace geoloom::kernels {

void accumulate_count(Validity valid, size_t slices, size_t pixels, uint32_t* count);

// Adds in slice order, in double. Integers are summed exactly as long as the sum stays within
// 2^53; floats round after every sample.
template <class T>
void accumulate_sum(Samples<T> samples, Validity valid, size_t pixels, double* sum,
                    uint32_t* count);

// Of samples that are equal by ==, as -0.0 and 0.0 are, the earlier stays.
template <class T>
void accumulate_min(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count);
template <class T>
void accumulate_max(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count);

// The earliest and the latest valid sample.
template <class T>
void accumulate_first(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count);
template <class T>
void accumulate_last(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count);

// Multiplies stored * scale + offset in slice order, in double, into a product that begins as 1.
template <class T>
void accumulate_product(Samples<T> samples, Validity valid, size_t pixels, double scale,
                        double offset, double* product, uint32_t* count);

// Finishing: pixels with count 0 or below min_count become 0 and invalid. These run once per pixel,
// not once per sample, and are plain loops.

// sum / count in double, rounded once. Out is float, or double for tests. Where infinities of both
// signs were added there is no mean, and the pixel is invalid.
template <class Out>
void finish_mean(const double* sum, const uint32_t* count, size_t pixels, size_t min_count,
                 Out* out, uint8_t* out_valid);
// total * scale + count * offset in double, rounded once: the sum of stored * scale + offset, or
// with 1 and 0 the total itself. Invalid where that is not a number.
template <class Out>
void finish_total(const double* total, const uint32_t* count, size_t pixels, size_t min_count,
                  double scale, double offset, Out* out, uint8_t* out_valid);
// For min, max, first and last.
template <class T>
void finish_value(const T* value, const uint32_t* count, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid);
// Counts above 65535 become 65535. Every pixel has a count, so there is no validity.
void finish_count(const uint32_t* count, size_t pixels, uint16_t* out);

// One sample after the other; every target gives these bytes.
namespace reference {

void accumulate_count(Validity valid, size_t slices, size_t pixels, uint32_t* count);
template <class T>
void accumulate_sum(Samples<T> samples, Validity valid, size_t pixels, double* sum,
                    uint32_t* count);
template <class T>
void accumulate_min(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count);
template <class T>
void accumulate_max(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count);
template <class T>
void accumulate_first(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count);
template <class T>
void accumulate_last(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count);

}  // namespace reference
}  // namespace geoloom::kernels
