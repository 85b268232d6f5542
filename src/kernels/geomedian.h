// SPDX-License-Identifier: Apache-2.0
// The geometric median of the observations x_1 ... x_n of a pixel (see observations.h), the
// spectrum whose summed distance to them is least, and the median absolute deviations from it.
//
// Weiszfeld's iteration with the step of Vardi and Zhang ("The multivariate L1-median and
// associated data depth", PNAS 97, 2000), as Roberts, Mueller and McIntyre use it
// ("High-dimensional pixel composites from Earth observation time series", IEEE TGRS 55, 2017).
// From y = the mean:
//
//   D_i = |x_i - y|;  W = sum of 1 / D_i and T = sum of (x_i / D_i) / W, both where D_i > 0;
//   m = how many D_i are 0.  m = n: y stays.  m = 0: y' = T.  Else R = |T - y| * W,
//   c = min(1, m / R), 0 if R is 0, and  y' = (1 - c) * T + c * y.
//
// until |y' - y| < eps or max_iterations. What is iterated in single precision is only the start of
// what is iterated in double: at least the last step, and all that float could not bring closer,
// are in double. So the error is at most that of an iteration in double that stops by the same
// rule. Sums go in the order of time and of the bands; no pixel's result depends on another pixel.
//
// With g, the median rounded to float, the deviations are medians (of an even number the mean of
// the middle two) over the observations of a distance, in double and rounded to float (Roberts,
// Dunn and Mueller, "Open Data Cube products using high-dimensional statistics of time series",
// IGARSS 2018):
//
//   emad   |x - g|                          in the unit of the bands
//   smad   1 - x.g / (|x| |g|), at least 0  not of observations that are zero in all bands
//   bcmad  sum |x - g| / sum |x + g|        not of observations whose denominator is 0
//
// A pixel with no observation or fewer than min_count is invalid, a deviation also where no
// observation has that distance; outputs are 0 there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/observations.h"

namespace geoloom::kernels {

struct GeomedianRule {
  double eps = 1e-4;  // physical units
  uint32_t max_iterations = 1000;
  size_t min_count = 1;
};

// Null: not wanted.
struct DeviationOutput {
  float* value = nullptr;
  uint8_t* valid = nullptr;
};

// Buffers of `pixels` values. Out is float, or double: the same before it is rounded.
template <class Out>
struct GeomedianOutput {
  std::vector<Out*> median;  // by band
  uint8_t* valid = nullptr;
  uint16_t* count = nullptr;  // observations, whether valid or not; null: not wanted
  DeviationOutput smad, emad, bcmad;

  bool with_deviations() const {
    return smad.value != nullptr || emad.value != nullptr || bcmad.value != nullptr;
  }
};

// Throws std::invalid_argument where bands differ in length, there are none or more than 65535
// slices, where eps is not above 0 or max_iterations is 0.
template <class Out>
void geometric_median(std::span<const StoredBand> bands, size_t pixels, const GeomedianRule& rule,
                      const GeomedianOutput<Out>& out);

// One pixel after the other; every target gives these bytes.
namespace reference {

template <class Out>
void geometric_median(std::span<const StoredBand> bands, size_t pixels, const GeomedianRule& rule,
                      const GeomedianOutput<Out>& out);

}  // namespace reference
}  // namespace geoloom::kernels
