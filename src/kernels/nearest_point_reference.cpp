// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "kernels/nearest_point.h"

namespace geoloom::kernels::reference {

void nearest_point(const float* const* planes, size_t pixels, const PointSet& set, float* nearest) {
  for (size_t i = 0; i < pixels; ++i) {
    float least = std::numeric_limits<float>::infinity();
    bool missing = false;
    for (size_t c = 0; c < set.columns; ++c) missing = missing || planes[c][i] != planes[c][i];
    for (size_t p = 0; p < set.points; ++p) {
      float sum = 0;
      for (size_t c = 0; c < set.columns; ++c) {
        const float off = planes[c][i] - set.coordinates[p * set.columns + c];
        sum = sum + off * off;
      }
      if (sum < least) least = sum;
    }
    nearest[i] = missing ? std::numeric_limits<float>::quiet_NaN() : least;
  }
}

}  // namespace geoloom::kernels::reference
