// SPDX-License-Identifier: Apache-2.0
// The pairs of a pixel are as many as half the square of its dates; their median is found by
// selection, in linear time.
#include "kernels/trend.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/elementary.h"

namespace geoloom::kernels {
namespace {

// The value of a rank, counted from 0 in ascending order. `scratch` is twice as long. Each pass
// keeps one side of a pivot, without a branch for each value, which is several times as fast as
// std::nth_element on values without order.
double select(std::span<const double> values, size_t rank, std::span<double> scratch) {
  constexpr size_t kFew = 32, kProbes = 9, kMostPasses = 64;
  const double* from = values.data();
  size_t count = values.size();
  double* to = scratch.data();
  double* spare = to + count;
  for (size_t pass = 0; count > kFew && pass < kMostPasses; ++pass) {
    double probes[kProbes];
    for (size_t i = 0; i < kProbes; ++i) probes[i] = from[(2 * i + 1) * count / (2 * kProbes)];
    std::sort(probes, probes + kProbes);
    const double pivot = probes[std::min(rank * kProbes / count, kProbes - 1)];
    // Those below go to the start, those above to the end; what is not kept is written over.
    size_t below = 0, above = 0;
    for (size_t i = 0; i < count; ++i) {
      const double value = from[i];
      to[below] = value;
      below += value < pivot ? 1 : 0;
      to[count - 1 - above] = value;
      above += value > pivot ? 1 : 0;
    }
    if (rank >= below && rank < count - above) return pivot;
    const bool higher = rank >= below;
    from = higher ? to + (count - above) : to;
    rank -= higher ? count - above : 0;
    count = higher ? above : below;
    std::swap(to, spare);
  }
  std::copy_n(from, count, to);
  std::nth_element(to, to + rank, to + count);
  return to[rank];
}

double median(const std::vector<double>& values, std::vector<double>& scratch) {
  scratch.resize(2 * values.size());
  const size_t middle = values.size() / 2;
  const double upper = select(values, middle, scratch);
  if (values.size() % 2 == 1) return upper;
  size_t below = 0;
  double lower = -std::numeric_limits<double>::infinity();
  for (const double value : values) {
    const bool less = value < upper;
    below += less ? 1 : 0;
    lower = std::max(lower, less ? value : lower);
  }
  return below < middle ? upper : (lower + upper) / 2;  // equal ones reach below the middle
}

// erfc(x), x >= 0.
double complementary_error(double x) {
  constexpr double kRootOfPi = 1.7724538509055160273;
  const double bell = exponential(-x * x);
  if (x < 2) {  // erf(x) = 2 / sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1))
    double term = x, sum = x;
    for (int n = 1; n < 60; ++n) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 1 - 2 / kRootOfPi * bell * sum;
  }
  // erfc(x) = exp(-x^2) / sqrt(pi) / (x + 1/2 / (x + 1 / (x + 3/2 / (x + ...
  double rest = x;
  for (int n = 100; n > 0; --n) rest = x + n / 2.0 / rest;
  return bell / kRootOfPi / rest;
}

// Of s, of n values: (n (n - 1) (2n + 5) - the same of each group of equal ones) / 18.
double variance_term(double n) {
  return n * (n - 1) * (2 * n + 5);
}

}  // namespace

double two_sided_probability(double z) {
  constexpr double kRootOfHalf = 0.70710678118654752440;
  return complementary_error(std::abs(z) * kRootOfHalf);
}

double normal_distribution(double x) {
  const double tail = two_sided_probability(x) / 2;
  return x > 0 ? 1 - tail : tail;
}

double normal_density(double x) {
  constexpr double kHeight = 0.39894228040143267794;  // 1 / sqrt(2 pi)
  return kHeight * exponential(-x * x / 2);
}

TrendFinder::TrendFinder(std::span<const double> times, std::span<const uint32_t> season)
    : times_(times.begin(), times.end()) {
  for (size_t d = 0; d < times.size(); ++d) {
    if (season[d] >= seasons_.size()) seasons_.resize(season[d] + 1);
    seasons_[season[d]].push_back(d);
  }
}

size_t TrendFinder::scratch_bytes(size_t dates) {
  return (3 * dates * dates / 2 + 6 * dates) * sizeof(double);
}

void TrendFinder::add_season(const float* values, size_t stride, std::span<const size_t> dates,
                             Trend& trend, double& variance, double& pairs) {
  season_times_.clear();
  season_values_.clear();
  for (const size_t d : dates) {
    const float value = values[d * stride];
    if (std::isnan(value)) continue;
    season_times_.push_back(times_[d]);
    season_values_.push_back(value);
    all_times_.push_back(times_[d]);
    all_values_.push_back(value);
  }
  const size_t n = season_values_.size();
  const double* t = season_times_.data();
  const double* y = season_values_.data();
  int64_t score = 0;
  for (size_t i = 0; i + 1 < n; ++i) {
    const size_t start = slopes_.size();
    slopes_.resize(start + n - i - 1);
    double* to = slopes_.data() + start;
    const double time = t[i], value = y[i];
    int32_t rising = 0;
    for (size_t j = i + 1; j < n; ++j) {
      to[j - i - 1] = (y[j] - value) / (t[j] - time);
      rising += (y[j] > value ? 1 : 0) - (y[j] < value ? 1 : 0);
    }
    score += rising;
  }
  const auto count = static_cast<double>(n);
  trend.s += static_cast<double>(score);
  pairs += count * (count - 1) / 2;
  double ties = 0;
  std::sort(season_values_.begin(), season_values_.end());
  for (size_t i = 0; i < n;) {
    size_t end = i + 1;
    while (end < n && season_values_[end] == season_values_[i]) ++end;
    ties += variance_term(static_cast<double>(end - i));
    i = end;
  }
  variance += (variance_term(count) - ties) / 18;
}

Trend TrendFinder::find(const float* values, size_t stride) {
  Trend trend;
  slopes_.clear();
  all_times_.clear();
  all_values_.clear();
  double variance = 0, pairs = 0;
  for (const auto& dates : seasons_) add_season(values, stride, dates, trend, variance, pairs);
  trend.count = static_cast<uint32_t>(all_values_.size());
  trend.tested = !slopes_.empty();
  if (!trend.tested) return trend;
  trend.slope = median(slopes_, scratch_);
  trend.intercept = median(all_values_, scratch_) - trend.slope * median(all_times_, scratch_);
  trend.tau = trend.s / pairs;
  const double towards_zero = trend.s > 0 ? trend.s - 1 : trend.s < 0 ? trend.s + 1 : 0;
  trend.z = variance > 0 ? towards_zero / std::sqrt(variance) : 0;
  trend.p = two_sided_probability(trend.z);
  return trend;
}

}  // namespace geoloom::kernels
