// SPDX-License-Identifier: Apache-2.0
// When something grew: start, peak and end of one season in a series, by a share of its amplitude
// on each flank.
//
//   P. Jönsson, L. Eklundh, TIMESAT - a program for analyzing time-series of satellite sensor data,
//   Computers & Geosciences 30, 2004 (start and end "by the amplitude", base level, integrals)
#pragma once

#include <cstddef>
#include <span>

namespace geoloom::kernels {

struct Season {
  bool found = false;                   // a sample lower than the peak before it and after it
  double start = 0, peak = 0, end = 0;  // in the unit of the times
  double base = 0;                      // mean of the lowest samples before and after the peak
  double amplitude = 0;                 // peak less base
  // Between start and end: under the curve, and between the curve and the base.
  double large_integral = 0, small_integral = 0;
};

// The curve goes straight from sample to sample; times ascend strictly. The peak is the highest
// sample, the first of equal ones. Going from the peak to the left, the season starts where the
// curve comes down to low + share * (high - low), with `high` the peak and `low` the lowest sample
// left of it; it ends likewise on the right. 0 < share < 1.
Season season_of(std::span<const double> times, std::span<const double> values, double share);

}  // namespace geoloom::kernels
