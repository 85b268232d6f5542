// SPDX-License-Identifier: Apache-2.0
// How pixels become colours.
#pragma once

#include <optional>
#include <vector>

#include "raster/cube.h"
#include "render/colour_ramp.h"
#include "render/picture.h"

namespace geoloom::render {

// Stored values that become the first and the last colour; min < max.
struct Limits {
  double min = 0, max = 255;
};

struct Style {
  // Of one band, or of three as red, green and blue. None: the classes' own colours.
  std::vector<Limits> limits;
  Ramp ramp;         // of one band
  double gamma = 1;  // above 1 brightens what lies between the limits
};

// `block` holds one slice of the bands that the style is for, in its order, with a validity of
// each. Pixels where a band is invalid, and classes beyond the colour table, are transparent.
Picture draw(const raster::Block& block, const raster::Band& first_band, const Style& style);

// Limits that leave out the lowest and the highest 2 % of values; by rank. Nothing for no value.
std::optional<Limits> usual_limits(std::vector<float> values);

}  // namespace geoloom::render
