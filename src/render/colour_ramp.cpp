// SPDX-License-Identifier: Apache-2.0
#include "render/colour_ramp.h"

#include <algorithm>
#include <cmath>

namespace geoloom::render {

const std::map<std::string, Ramp>& named_ramps() {
  static const std::map<std::string, Ramp> all{{"grey", {{0, 0, 0}, {255, 255, 255}}},
                                               {"viridis",
                                                {{68, 1, 84},
                                                 {71, 44, 122},
                                                 {59, 81, 139},
                                                 {44, 113, 142},
                                                 {33, 144, 141},
                                                 {39, 173, 129},
                                                 {92, 200, 99},
                                                 {170, 220, 50},
                                                 {253, 231, 37}}},
                                               {"vegetation",
                                                {{112, 72, 40},
                                                 {190, 150, 96},
                                                 {240, 232, 190},
                                                 {160, 200, 110},
                                                 {62, 140, 50},
                                                 {16, 84, 36}}}};
  return all;
}

raster::Colour colour_on(const Ramp& ramp, double share) {
  const double place = share * static_cast<double>(ramp.size() - 1);
  const auto before = std::min(static_cast<size_t>(place), ramp.size() - 2);
  const double part = place - static_cast<double>(before);
  raster::Colour out{};
  for (size_t c = 0; c < out.size(); ++c)
    out[c] = static_cast<uint8_t>(
        std::nearbyint(ramp[before][c] + (ramp[before + 1][c] - ramp[before][c]) * part));
  return out;
}

}  // namespace geoloom::render
