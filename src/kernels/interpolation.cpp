// SPDX-License-Identifier: Apache-2.0
// One pixel at a time: its samples are gathered, then the wanted times are walked along them. Plain
// C++ without vectors, as what is done depends on where each pixel has its gaps.
#include "kernels/interpolation.h"

#include <cmath>
#include <vector>

namespace geoloom::kernels {
namespace {

constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

// The samples of one pixel, without gaps.
struct Curve {
  std::vector<double> times, values, slopes;  // slopes: of the spline, at the samples
  std::vector<double> lower, diagonal, upper;
  size_t size() const { return times.size(); }
};

// Slopes of the not-a-knot spline: the third derivative does not jump at the second and at the last
// but one sample. See de Boor, A Practical Guide to Splines (1978), chapter IV.
void find_slopes(Curve& curve) {
  const auto& x = curve.times;
  const auto& y = curve.values;
  const size_t n = curve.size();
  curve.slopes.assign(n, 0);
  if (n < 2) return;
  const auto step = [&](size_t i) { return x[i + 1] - x[i]; };
  const auto rise = [&](size_t i) { return (y[i + 1] - y[i]) / step(i); };
  if (n == 2) {
    curve.slopes[0] = curve.slopes[1] = rise(0);
    return;
  }
  if (n == 3) {
    const double bend = (rise(1) - rise(0)) / (x[2] - x[0]);
    for (size_t i = 0; i < 3; ++i)
      curve.slopes[i] = rise(0) + bend * ((x[i] - x[0]) + (x[i] - x[1]));
    return;
  }
  curve.lower.assign(n, 0);
  curve.diagonal.assign(n, 0);
  curve.upper.assign(n, 0);
  auto& right = curve.slopes;
  const double first = step(0), second = step(1), reach = x[2] - x[0];
  curve.diagonal[0] = second;
  curve.upper[0] = reach;
  right[0] = ((first + 2 * reach) * second * rise(0) + first * first * rise(1)) / reach;
  for (size_t i = 1; i + 1 < n; ++i) {
    curve.lower[i] = step(i);
    curve.diagonal[i] = 2 * (step(i - 1) + step(i));
    curve.upper[i] = step(i - 1);
    right[i] = 3 * (step(i) * rise(i - 1) + step(i - 1) * rise(i));
  }
  const double last = step(n - 2), before = step(n - 3), span = x[n - 1] - x[n - 3];
  curve.lower[n - 1] = span;
  curve.diagonal[n - 1] = before;
  right[n - 1] = (last * last * rise(n - 3) + (2 * span + last) * before * rise(n - 2)) / span;
  for (size_t i = 1; i < n; ++i) {
    const double share = curve.lower[i] / curve.diagonal[i - 1];
    curve.diagonal[i] -= share * curve.upper[i - 1];
    right[i] -= share * right[i - 1];
  }
  right[n - 1] /= curve.diagonal[n - 1];
  for (size_t i = n - 1; i-- > 0;)
    right[i] = (right[i] - curve.upper[i] * right[i + 1]) / curve.diagonal[i];
}

double on_spline(const Curve& curve, size_t i, double time) {
  const double step = curve.times[i + 1] - curve.times[i], after = time - curve.times[i];
  const double rise = (curve.values[i + 1] - curve.values[i]) / step;
  const double twist = (curve.slopes[i] + curve.slopes[i + 1] - 2 * rise) / step;
  const double bend = (rise - curve.slopes[i]) / step - twist;
  return curve.values[i] + after * (curve.slopes[i] + after * (bend + after * (twist / step)));
}

// Between samples i and i + 1, at neither.
double between(const Curve& curve, size_t i, double time, const InterpolationRule& rule) {
  const double before = time - curve.times[i], after = curve.times[i + 1] - time;
  const double gap = curve.times[i + 1] - curve.times[i];
  const double from = curve.values[i], to = curve.values[i + 1];
  switch (rule.method) {
    case Interpolation::previous:
      return before <= rule.max_gap ? from : kNothing;
    case Interpolation::next:
      return after <= rule.max_gap ? to : kNothing;
    default:
      break;
  }
  if (gap > rule.max_gap) return kNothing;
  if (rule.method == Interpolation::nearest) return before <= after ? from : to;
  if (rule.method == Interpolation::cubic) return on_spline(curve, i, time);
  return from + (to - from) * (before / gap);
}

// Beyond the sample that is first or last, `distance` away from it.
double beyond(double sample, double distance, bool after_last, const InterpolationRule& rule) {
  const bool carried = rule.method == (after_last ? Interpolation::previous : Interpolation::next);
  return (rule.extend || carried) && distance <= rule.max_gap ? sample : kNothing;
}

void fill(const Curve& curve, const InterpolationRule& rule, std::span<const double> wanted,
          size_t pixels, float* out) {
  size_t i = 0;  // the sample at or before the wanted time, once there is one
  for (size_t w = 0; w < wanted.size(); ++w) {
    const double time = wanted[w];
    while (i + 1 < curve.size() && curve.times[i + 1] <= time) ++i;
    double value = kNothing;
    if (curve.size() == 0)
      value = kNothing;
    else if (curve.times[i] == time)
      value = curve.values[i];
    else if (time < curve.times[i])  // only of the first
      value = beyond(curve.values[i], curve.times[i] - time, false, rule);
    else if (i + 1 == curve.size())
      value = beyond(curve.values[i], time - curve.times[i], true, rule);
    else
      value = between(curve, i, time, rule);
    out[w * pixels] = static_cast<float>(value);
  }
}

}  // namespace

void interpolate(std::span<const double> times, const float* values, size_t pixels,
                 const InterpolationRule& rule, std::span<const double> wanted, float* out) {
  Curve curve;
  for (size_t p = 0; p < pixels; ++p) {
    curve.times.clear();
    curve.values.clear();
    for (size_t d = 0; d < times.size(); ++d) {
      const float value = values[d * pixels + p];
      if (std::isnan(value)) continue;
      curve.times.push_back(times[d]);
      curve.values.push_back(value);
    }
    if (rule.method == Interpolation::cubic) find_slopes(curve);
    fill(curve, rule, wanted, pixels, out + p);
  }
}

}  // namespace geoloom::kernels
