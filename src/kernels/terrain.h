// SPDX-License-Identifier: Apache-2.0
// The shape of the ground from heights on a grid: gradients after Horn, "Hill shading and the
// reflectance map" (1981), which weigh the pixels beside a pixel twice as much as those at its
// corners, and what follows from a gradient: slope, aspect, hillshade.
//
// All arithmetic is double in one order; NaN stands for no height and for no result.
#pragma once

#include <cstddef>
#include <cstdint>

namespace geoloom::kernels {

// How large the pixels of a row are on the ground, in units of heights.
struct GroundPixel {
  double width = 1, height = 1;
};

// What is done where a neighbour has no height: no gradient either, or it counts as high as the
// pixel itself.
enum class MissingNeighbour : uint8_t { no_gradient, level };

// Rise per run towards east and north of each of width x height pixels; `heights` are dense rows
// with a rim of one pixel around them, (width + 2) x (height + 2). `rows` has an entry for each of
// the `height` rows.
void horn_gradients(const float* heights, size_t width, size_t height, const GroundPixel* rows,
                    MissingNeighbour missing, double* east, double* north);

// The angle of the steepest way down with the horizontal, or its rise in percent.
void slope_degrees(const double* east, const double* north, size_t pixels, float* slope);
void slope_percent(const double* east, const double* north, size_t pixels, float* slope);

// Where the steepest way down points to: degrees clockwise from north, from 0 and below 360. Level
// ground has none: NaN.
void aspect_degrees(const double* east, const double* north, size_t pixels, float* aspect);

// The sun's direction: degrees clockwise from north, and above the horizon.
struct Sun {
  double azimuth_degrees = 315, altitude_degrees = 45;
};
// The cosine of the angle between the ground's normal and the sun as 1 to 255, below the horizon 1;
// 0 where there is no gradient. Gradients are multiplied by `exaggeration` first.
void hillshade(const double* east, const double* north, size_t pixels, const Sun& sun,
               double exaggeration, uint8_t* shade);

// Pixel by pixel, as the formulas say; the same bytes.
namespace reference {
void horn_gradients(const float* heights, size_t width, size_t height, const GroundPixel* rows,
                    MissingNeighbour missing, double* east, double* north);
}  // namespace reference
}  // namespace geoloom::kernels
