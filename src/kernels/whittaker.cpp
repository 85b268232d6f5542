// SPDX-License-Identifier: Apache-2.0
// The equations of all pixels have the same matrix but for its diagonal, to which each sample adds
// 1. It is symmetric and has few bands: a factorisation L D L' along the dates and two
// substitutions solve it. Pixels lie side by side in plain loops that compilers turn into vectors
// of any width.
#include "kernels/whittaker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/whittaker.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/side_by_side-inl.h"

#ifndef GEOLOOM_KERNELS_WHITTAKER_ONCE
#define GEOLOOM_KERNELS_WHITTAKER_ONCE
namespace geoloom::kernels {
namespace {

// Of kSide pixels, for each date.
struct Solution {
  explicit Solution(size_t dates)
      : pivot(dates * kSide),
        share(dates * kSide),
        lower(dates * kMostWhittakerOrder * kSide),
        value(dates * kSide) {}
  std::vector<double> pivot;  // D
  std::vector<double> share;  // 1 / D
  std::vector<double> lower;  // L: of date d the entries of dates d - 1, d - 2, ...
  std::vector<double> value;
};

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

HWY_INLINE void multiply(const double* by, double* to) {
  const Lanes d;
  for (size_t i = 0; i < kSide; i += hn::Lanes(d))
    hn::StoreU(hn::Mul(hn::LoadU(d, to + i), hn::LoadU(d, by + i)), d, to + i);
}

// The equation of a date, before anything is eliminated.
HWY_INLINE void start(const float* row, double own, double* pivot, double* value) {
  const Lanes d;
  for (size_t i = 0; i < kSide; i += hn::Lanes(d)) {
    const auto sample = hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, Lanes>(), row + i));
    const auto there = hn::Eq(sample, sample);
    const auto one = hn::IfThenElseZero(there, hn::Set(d, 1.0));
    hn::StoreU(hn::Add(hn::Set(d, own), one), d, pivot + i);
    hn::StoreU(hn::IfThenElseZero(there, sample), d, value + i);
  }
}

// Row d of the factors, and the first substitution.
template <size_t kOrder>
HWY_INLINE void eliminate(const Roughness& roughness, size_t date, const float* row, Solution& s) {
  const Lanes d;
  double* pivot = s.pivot.data() + date * kSide;
  double* value = s.value.data() + date * kSide;
  double* lower = s.lower.data() + date * kOrder * kSide;
  const double* bands = roughness.bands.data();
  start(row, bands[date * (kOrder + 1)], pivot, value);
  // From the farthest date on: entry k needs those of dates before date - k.
  for (size_t k = std::min(kOrder, date); k > 0; --k) {
    const size_t other = date - k;
    double* mine = lower + (k - 1) * kSide;
    std::fill_n(mine, kSide, bands[other * (kOrder + 1) + k]);
    for (size_t j = std::min(kOrder, date); j > k; --j)
      take_products(lower + (j - 1) * kSide, s.pivot.data() + (date - j) * kSide,
                    s.lower.data() + (other * kOrder + j - k - 1) * kSide, mine);
    multiply(s.share.data() + other * kSide, mine);
    take_products(mine, mine, s.pivot.data() + other * kSide, pivot);
    take_products(mine, s.value.data() + other * kSide, value);
  }
  for (size_t i = 0; i < kSide; i += hn::Lanes(d))
    hn::StoreU(hn::Div(hn::Set(d, 1.0), hn::LoadU(d, pivot + i)), d,
               s.share.data() + date * kSide + i);
}

// The second substitution, from the last date to the first.
template <size_t kOrder>
HWY_INLINE void substitute(size_t dates, Solution& s) {
  for (size_t date = dates; date-- > 0;) {
    double* value = s.value.data() + date * kSide;
    multiply(s.share.data() + date * kSide, value);
    for (size_t k = 1; k <= kOrder && date + k < dates; ++k)
      take_products(s.lower.data() + ((date + k) * kOrder + k - 1) * kSide,
                    s.value.data() + (date + k) * kSide, value);
  }
}

// `rows` are kSide pixels wide.
template <size_t kOrder>
HWY_INLINE void solve(const Roughness& roughness, const float* rows, Solution& s) {
  for (size_t d = 0; d < roughness.dates; ++d) eliminate<kOrder>(roughness, d, rows + d * kSide, s);
  substitute<kOrder>(roughness.dates, s);
}

void solve_any(const Roughness& roughness, const float* rows, Solution& s) {
  if (roughness.order == 1) return solve<1>(roughness, rows, s);
  if (roughness.order == 2) return solve<2>(roughness, rows, s);
  solve<3>(roughness, rows, s);
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

HWY_EXPORT(solve_any);

// Samples of a pixel, and the dates of the first and the last.
struct Extent {
  size_t count = 0, first = 0, last = 0;
};

Extent extent_of(const float* values, size_t dates, size_t stride) {
  Extent extent;
  for (size_t d = 0; d < dates; ++d) {
    if (std::isnan(values[d * stride])) continue;
    if (extent.count++ == 0) extent.first = d;
    extent.last = d;
  }
  return extent;
}

// The values of one pixel where the samples say something.
void write(const double* value, size_t value_stride, const Extent& extent, size_t dates,
           size_t least, float* smooth, size_t stride) {
  for (size_t d = 0; d < dates; ++d) {
    const bool known = extent.count >= least && d >= extent.first && d <= extent.last;
    smooth[d * stride] = known ? static_cast<float>(value[d * value_stride]) : kNothing;
  }
}

size_t least_count(const Roughness& roughness, size_t min_count) {
  return std::max(min_count, roughness.order + 1);
}

}  // namespace

Roughness::Roughness(std::span<const double> times, size_t difference_order, double roughness)
    : dates(times.size()), order(difference_order), bands(times.size() * (difference_order + 1)) {
  if (order < 1 || order > kMostWhittakerOrder || dates <= order)
    throw std::invalid_argument("whittaker: an order that is not 1 to 3, or too few dates");
  const double mean_step = (times.back() - times.front()) / static_cast<double>(dates - 1);
  for (size_t first = 0; first + order < dates; ++first) {
    // The divided difference's factor of each date: 1 / the product of its distances to the others.
    double factor[kMostWhittakerOrder + 1];
    for (size_t i = 0; i <= order; ++i) {
      double product = 1;
      for (size_t j = 0; j <= order; ++j)
        if (j != i) product *= (times[first + i] - times[first + j]) / mean_step;
      factor[i] = 1 / product;
      for (size_t k = 2; k <= order; ++k) factor[i] *= static_cast<double>(k);
    }
    for (size_t i = 0; i <= order; ++i)
      for (size_t j = i; j <= order; ++j)
        bands[(first + i) * (order + 1) + j - i] += roughness * factor[i] * factor[j];
  }
}

void whittaker(const Roughness& roughness, const float* values, size_t pixels, size_t min_count,
               float* smooth) {
  const size_t dates = roughness.dates, least = least_count(roughness, min_count);
  Solution solution(dates);
  std::vector<float> rows(dates * kSide);
  for (size_t first = 0; first < pixels; first += kSide) {
    const size_t count = std::min(kSide, pixels - first);
    for (size_t d = 0; d < dates; ++d) {
      std::copy_n(values + d * pixels + first, count, rows.data() + d * kSide);
      std::fill_n(rows.data() + d * kSide + count, kSide - count, 0.0F);
    }
    // Pixels of too few samples have no solution; what comes out of them is not looked at.
    HWY_DYNAMIC_DISPATCH(solve_any)(roughness, rows.data(), solution);
    for (size_t i = 0; i < count; ++i)
      write(solution.value.data() + i, kSide, extent_of(rows.data() + i, dates, kSide), dates,
            least, smooth + first + i, pixels);
  }
}

void reference::whittaker(const Roughness& roughness, const float* values, size_t pixels,
                          size_t min_count, float* smooth) {
  const size_t n = roughness.dates, order = roughness.order;
  std::vector<double> pivot(n), value(n), lower(n * n);
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t d = 0; d < n; ++d) {
      const float sample = values[d * pixels + p];
      pivot[d] = roughness.bands[d * (order + 1)] + (std::isnan(sample) ? 0.0 : 1.0);
      value[d] = std::isnan(sample) ? 0.0 : static_cast<double>(sample);
      for (size_t c = d - std::min(order, d); c < d; ++c) {
        double entry = roughness.bands[c * (order + 1) + d - c];
        for (size_t e = d - std::min(order, d); e < c; ++e)
          entry -= lower[d * n + e] * pivot[e] * lower[c * n + e];
        lower[d * n + c] = entry * (1 / pivot[c]);
        pivot[d] -= lower[d * n + c] * lower[d * n + c] * pivot[c];
        value[d] -= lower[d * n + c] * value[c];
      }
    }
    for (size_t d = n; d-- > 0;) {
      value[d] *= 1 / pivot[d];
      for (size_t e = d + 1; e < std::min(n, d + order + 1); ++e)
        value[d] -= lower[e * n + d] * value[e];
    }
    write(value.data(), 1, extent_of(values + p, n, pixels), n, least_count(roughness, min_count),
          smooth + p, pixels);
  }
}

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
