// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "kernels/distance.h"

namespace geoloom::kernels::reference {

void distance_to_set(const uint8_t* set, size_t width, size_t height, const DistanceReach& reach,
                     float* distance) {
  const auto reach_x = static_cast<int64_t>(reach.columns),
             reach_y = static_cast<int64_t>(reach.rows);
  const int64_t columns = static_cast<int64_t>(width) + 2 * reach_x;
  for (size_t i = 0; i < width * height; ++i) {
    const auto x = static_cast<int64_t>(i % width) + reach_x,
               y = static_cast<int64_t>(i / width) + reach_y;
    double least = reach.maximum * reach.maximum;
    for (int64_t dy = -reach_y; dy <= reach_y; ++dy) {
      for (int64_t dx = -reach_x; dx <= reach_x; ++dx) {
        if (set[(y + dy) * columns + x + dx] == 0) continue;
        const double down = static_cast<double>(std::abs(dy)) * reach.pixel_height;
        const double across = static_cast<double>(std::abs(dx)) * reach.pixel_width;
        least = std::min(least, down * down + across * across);
      }
    }
    distance[i] = static_cast<float>(std::sqrt(least));
  }
}

}  // namespace geoloom::kernels::reference
