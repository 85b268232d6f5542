// SPDX-License-Identifier: Apache-2.0
// Colours of numbers, from the lowest to the highest.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "raster/cube.h"

namespace geoloom::render {

// At least two colours, equally far apart; those between are mixed.
using Ramp = std::vector<raster::Colour>;

// By name: grey, viridis, vegetation. Viridis is that of Smith and van der Walt (2015), given to
// the public domain, at nine places.
const std::map<std::string, Ramp>& named_ramps();
// `share` from 0 to 1.
raster::Colour colour_on(const Ramp& ramp, double share);

}  // namespace geoloom::render
