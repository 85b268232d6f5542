// SPDX-License-Identifier: Apache-2.0
// Monotonic trends of each pixel's series: the slope of Theil and Sen and the test of Mann and
// Kendall, also season by season.
//
//   P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, 1968
//   M. G. Kendall, Rank correlation methods, 1975 (variance with ties, continuity correction)
//   R. M. Hirsch, J. R. Slack, A nonparametric trend test for seasonal data, 1984
//   W. J. Conover, Practical nonparametric statistics, 1980 (intercept)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace geoloom::kernels {

// Of one pixel. Only samples of one season are compared with each other.
struct Trend {
  uint32_t count = 0;    // samples
  double slope = 0;      // median of (y[j] - y[i]) / (t[j] - t[i]) over the pairs i < j of a season
  double intercept = 0;  // median of y less slope times the median of t: the value at time 0
  double tau = 0;        // s divided by the number of pairs
  double s = 0;          // pairs that rise less pairs that fall
  double z = 0;  // s less its sign, in standard deviations under no trend, corrected for ties
  double p = 1;  // how probable a |z| like that is without a trend
  bool tested = false;  // there is a pair
};

// Finds trends of one pixel after the other with the same scratch.
class TrendFinder {
 public:
  // times[d] and season[d] of date d; times ascend strictly within a season. Seasons count from 0.
  TrendFinder(std::span<const double> times, std::span<const uint32_t> season);
  // Sample d is values[d * stride], NaN where there is none. A median of an even number is the mean
  // of the two in the middle.
  Trend find(const float* values, size_t stride);
  // What find() holds for so many dates of one season.
  static size_t scratch_bytes(size_t dates);

 private:
  void add_season(const float* values, size_t stride, std::span<const size_t> dates, Trend& trend,
                  double& variance, double& pairs);

  std::vector<double> times_;
  std::vector<std::vector<size_t>> seasons_;  // dates of each
  std::vector<double> season_times_, season_values_, slopes_, scratch_, all_times_, all_values_;
};

// Of the standard normal distribution: how probable it is to be at least as far from 0 as z. By the
// series of erf and the continued fraction of erfc, to about 1e-13; the same bytes on every CPU.
double two_sided_probability(double z);

// How probable it is to be below x, and the density at x.
double normal_distribution(double x);
double normal_density(double x);

}  // namespace geoloom::kernels
