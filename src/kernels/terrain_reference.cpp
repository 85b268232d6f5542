// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "kernels/terrain.h"

namespace geoloom::kernels::reference {

void horn_gradients(const float* heights, size_t width, size_t height, const GroundPixel* rows,
                    MissingNeighbour missing, double* east, double* north) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  for (size_t y = 0; y < height; ++y) {
    for (size_t x = 0; x < width; ++x) {
      const double centre = heights[(y + 1) * (width + 2) + x + 1];
      bool complete = !std::isnan(centre);
      double z[3][3];
      for (size_t j = 0; j < 3; ++j) {
        for (size_t i = 0; i < 3; ++i) {
          z[j][i] = heights[(y + j) * (width + 2) + x + i];
          if (!std::isnan(z[j][i])) continue;
          if (missing == MissingNeighbour::level)
            z[j][i] = centre;
          else
            complete = false;
        }
      }
      const double to_east = (z[0][2] + 2 * z[1][2] + z[2][2]) - (z[0][0] + 2 * z[1][0] + z[2][0]);
      const double to_north = (z[0][0] + 2 * z[0][1] + z[0][2]) - (z[2][0] + 2 * z[2][1] + z[2][2]);
      east[y * width + x] = complete ? to_east * (1 / (8 * rows[y].width)) : kNone;
      north[y * width + x] = complete ? to_north * (1 / (8 * rows[y].height)) : kNone;
    }
  }
}

}  // namespace geoloom::kernels::reference
