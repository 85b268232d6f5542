// SPDX-License-Identifier: Apache-2.0
// The Whittaker smoother: the series that is near the samples and smooth. P. Eilers, "A perfect
// smoother", Analytical Chemistry 75, 2003.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace geoloom::kernels {

inline constexpr size_t kMostWhittakerOrder = 3;

// What makes a series rough: `roughness` times the sum of squares of its differences of an order,
// as the symmetric band matrix of that quadratic form. bands[d * (order + 1) + k] is the entry of
// dates d and d + k. For dates that are not equally far apart the differences are divided ones
// (Eilers 2003), times order! and steps in units of their mean, so that at regular dates they are
// the plain differences. Order 1 to 3; at least order + 1 dates; else std::invalid_argument.
struct Roughness {
  Roughness(std::span<const double> times, size_t order, double roughness);
  size_t dates, order;
  std::vector<double> bands;
};

// Sample d of pixel p is values[d * pixels + p], NaN where there is none; so is smooth[]. It takes
// the least sum of squares of (value - smooth), over the samples, plus the roughness. Dates without
// a sample between two get a value too; those before the first and after the last sample and pixels
// of fewer than min_count or order + 1 samples get NaN.
void whittaker(const Roughness& roughness, const float* values, size_t pixels, size_t min_count,
               float* smooth);

// The same pixel by pixel; every target gives these bytes.
namespace reference {
void whittaker(const Roughness& roughness, const float* values, size_t pixels, size_t min_count,
               float* smooth);
}

}  // namespace geoloom::kernels
