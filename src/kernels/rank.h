// SPDX-License-Identifier: Apache-2.0
// Medians and quantiles along time, per pixel, for composites and statistics of one band.
//
// Let x[0] <= ... <= x[m-1] be the m valid samples of a pixel in ascending order; for float that is
// IEEE 754 totalOrder, so -0.0 comes before +0.0, and infinities count as values. T is one of the
// pixel types. A pixel with m = 0 or m < min_count is invalid: out 0, out_valid 0. Otherwise
// out_valid is 1, except where a mean or interpolation of opposite infinities has no value: that is
// invalid too.
//
// At most 65535 slices (else std::invalid_argument). Outputs hold `pixels` values and must not
// overlap the inputs.
#pragma once

#include <type_traits>

#include "kernels/samples.h"

namespace geoloom::kernels {

// What a mean or a mixture of samples is given as. The double instantiation is that of the
// reference only, for tests that ask for more digits than float has.
template <class T>
using Mixed = std::conditional_t<std::is_same_v<T, double>, double, float>;

// x[floor((m - 1) / 2)]: of two middles the lower.
template <class T>
void median_lower(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid);

// x[floor(m / 2)]: of two middles the upper.
template <class T>
void median_upper(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid);

// The middle sample or, for even m, (a + b) / 2 of the two middles, in double and rounded once.
template <class T>
void median_mean(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, Mixed<T>* out,
                 uint8_t* out_valid);

// x[max(0, ceil(q * m) - 1)] with q * m in double: the inverse of the empirical distribution (type
// 1 of Hyndman and Fan, "Sample quantiles in statistical packages", 1996). As q is a double, a
// product that should be whole may lie just above it: 0.07 * 100 gives rank 8.
// q outside 0..1: std::invalid_argument.
template <class T>
void quantile_nearest(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                      T* out, uint8_t* out_valid);

// x[(m - 1) * q, rounded half to even]: the sample whose place is nearest, as the percentiles of
// Open Data Cube's statistics. q outside 0..1: std::invalid_argument.
template <class T>
void quantile_rounded(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                      T* out, uint8_t* out_valid);

// h = (m - 1) * q, i = floor(h): x[i] + (h - i) * (x[i+1] - x[i]), in double and rounded once (type
// 7 of Hyndman and Fan, the default of NumPy and R). Where h is whole, both samples are equal, or
// x[i] is infinite and x[i+1] is not, it is x[i] itself. q outside 0..1: std::invalid_argument.
template <class T>
void quantile_linear(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                     Mixed<T>* out, uint8_t* out_valid);

// The same by sorting; slow and plain. Every target gives these bytes.
namespace reference {

template <class T>
void median_lower(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid);
template <class T>
void median_upper(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid);
template <class T>
void median_mean(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, Mixed<T>* out,
                 uint8_t* out_valid);
template <class T>
void quantile_nearest(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                      T* out, uint8_t* out_valid);
template <class T>
void quantile_rounded(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                      T* out, uint8_t* out_valid);
template <class T>
void quantile_linear(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                     Mixed<T>* out, uint8_t* out_valid);

}  // namespace reference
}  // namespace geoloom::kernels
