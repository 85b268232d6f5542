// SPDX-License-Identifier: Apache-2.0
// Smallest areas in pixels, square metres or hectares.
#pragma once

#include <string>
#include <vector>

#include "workflow/op.h"

namespace geoloom::ops {

// What `unit` may be.
inline const std::vector<std::string> kAreaUnits{"pixels", "m2", "ha"};

// How large a pixel of each row of the selected window is, in pixels or else in square metres: on
// grids in metres or feet on the grid, in degrees on the Earth.
std::vector<double> pixel_sizes(const workflow::TaskContext& context, const std::string& unit);
// A size in that unit as sums of those sizes have it. Hectares become square metres, of which sums
// are exact where pixels are whole metres: 5 pixels of 10 m are not below 0.05 ha.
double as_pixel_sizes(double size, const std::string& unit);

}  // namespace geoloom::ops
