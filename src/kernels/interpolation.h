// SPDX-License-Identifier: Apache-2.0
// Values between the samples of a series, per pixel, for filling gaps and for series at regular
// dates.
//
// Sample d of pixel p is values[d * pixels + p], NaN where there is none; times ascend strictly.
// Wanted value w goes to out[w * pixels + p], NaN where there is none. Arithmetic is double, each
// value is rounded to float once. Times have any one unit, and so has max_gap.
#pragma once

#include <cstddef>
#include <limits>
#include <span>

namespace geoloom::kernels {

enum class Interpolation {
  linear,    // between the samples around it
  cubic,     // the cubic spline through all samples, not-a-knot at its ends
  nearest,   // the nearer of the samples around it, in the middle the earlier one
  previous,  // the last sample at or before it
  next,      // the first sample at or after it
};

struct InterpolationRule {
  Interpolation method = Interpolation::linear;
  // Before the first and after the last sample: that sample. Otherwise nothing is there, except
  // for `previous` after the last and `next` before the first sample.
  bool extend = false;
  // Samples farther apart say nothing of what is between them. `previous`, `next` and `extend`:
  // no sample says anything of what is farther away.
  double max_gap = std::numeric_limits<double>::infinity();
};

// Where a sample stands at a wanted time, that is the value by every method. The spline of two
// samples is their line, of three the parabola through them (as scipy.interpolate.CubicSpline with
// bc_type="not-a-knot"). `wanted` ascends.
void interpolate(std::span<const double> times, const float* values, size_t pixels,
                 const InterpolationRule& rule, std::span<const double> wanted, float* out);

}  // namespace geoloom::kernels
