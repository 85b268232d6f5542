// SPDX-License-Identifier: Apache-2.0
// How far pixels are, in the space of their features, from the nearest of many points: the area of
// applicability of a model is where that is not far.
#pragma once

#include <cstddef>

namespace geoloom::kernels {

// Points side by side, their coordinates one after another.
struct PointSet {
  const float* coordinates = nullptr;  // points x columns
  size_t points = 0;
  size_t columns = 0;
};

// nearest[i] becomes the squared Euclidean distance from pixel i to the nearest point: float sums
// over columns in their order, the least over points; infinite without points. `planes` has a
// plane of `pixels` values per column. A pixel with NaN in a plane gets NaN.
void nearest_point(const float* const* planes, size_t pixels, const PointSet& set, float* nearest);

namespace reference {
void nearest_point(const float* const* planes, size_t pixels, const PointSet& set, float* nearest);
}  // namespace reference
}  // namespace geoloom::kernels
