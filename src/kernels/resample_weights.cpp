// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/resample.h"

namespace geoloom::kernels {
namespace {

double triangle(double distance) {
  return std::max(0.0, 1 - distance);
}

double keys_cubic(double distance) {
  constexpr double a = -0.5;
  const double x = distance;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// How much of the pixel around 0 a box of a width covers that is `distance` away.
double covered(double distance, double width) {
  return std::clamp((width + 1) / 2 - distance, 0.0, std::min(1.0, width));
}

double weight(Resampling method, double distance, double scale) {
  switch (method) {
    case Resampling::bilinear:
      return triangle(distance / scale);
    case Resampling::cubic:
      return keys_cubic(distance / scale);
    default:
      return covered(distance, scale);
  }
}

// How far from the place pixel centres may be that count.
double reach(Resampling method, double scale) {
  switch (method) {
    case Resampling::bilinear:
      return scale;
    case Resampling::cubic:
      return 2 * scale;
    default:
      return (scale + 1) / 2;
  }
}

}  // namespace

AxisWeights axis_weights(Resampling method, double scale) {
  if (method == Resampling::nearest || !(scale > 0))
    throw std::invalid_argument("axis_weights: nearest has no weights, scales are above 0");
  const bool box = method == Resampling::average || method == Resampling::mode;
  if (!box && scale <= kSamePixelSize) scale = 1;
  const int32_t half = static_cast<int32_t>(std::ceil(reach(method, scale)));
  AxisWeights out;
  out.first = 1 - half;
  out.taps = 2 * half;
  out.linear = scale == 1 && method != Resampling::cubic;
  for (int32_t phase = 0; phase < kPlaceUnits; ++phase) {
    const double place = static_cast<double>(phase) / kPlaceUnits;
    float total = 0;
    for (int32_t i = 0; i < out.taps; ++i) {
      const double distance = std::abs(out.first + i - place);
      out.weights.push_back(static_cast<float>(weight(method, distance, scale)));
      total += out.weights.back();
    }
    out.totals.push_back(total);
  }
  return out;
}

}  // namespace geoloom::kernels
