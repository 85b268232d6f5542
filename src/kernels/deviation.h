// SPDX-License-Identifier: Apache-2.0
// Standard deviations along time, by Welford's update (B. P. Welford, "Note on a method for
// calculating corrected sums of squares and products", Technometrics 4, 1962): with n samples so
// far, x the next and m the mean before it,
//
//   n' = n + 1,  m' = m + (x - m) / n',  M' = M + (x - m) * (x - m')
//
// each operation in double and rounded by itself. Sums of x and x^2 would cost less, but lose all
// digits where the mean is large beside the deviation, as in temperatures in kelvin.
//
// State, batches, types and buffers are as in accumulate.h. Feeding in time order makes the result
// independent of batches, blocks and CPU targets; it is not the same for another order of samples.
#pragma once

#include "kernels/samples.h"

namespace geoloom::kernels {

template <class T>
void accumulate_deviation(Samples<T> samples, Validity valid, size_t pixels, double* mean,
                          double* squares, uint32_t* count);

// What is made of the sum of squares about the mean.
enum class Dispersion {
  population_deviation,  // sqrt(squares / count); 0 for a single sample
  sample_deviation,      // sqrt(squares / (count - 1)), which a single sample does not have
  sample_variance,       // squares / (count - 1)
};

// In double, rounded once. Pixels with count 0 or below min_count, or with an infinite sample,
// which has no deviation, become 0 and invalid. Out is float, or double for tests.
template <class Out>
void finish_deviation(const double* squares, const uint32_t* count, size_t pixels, size_t min_count,
                      Dispersion dispersion, Out* out, uint8_t* out_valid);

// One sample after the other; every target gives these bytes.
namespace reference {

template <class T>
void accumulate_deviation(Samples<T> samples, Validity valid, size_t pixels, double* mean,
                          double* squares, uint32_t* count);

}  // namespace reference
}  // namespace geoloom::kernels
