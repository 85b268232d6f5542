// SPDX-License-Identifier: Apache-2.0
// What the neighbourhood of a pixel holds: sums, deviations, extremes and medians over a disk or
// square of pixels around each. Rims are part of the inputs: `values` are dense rows of
// (width + 2 * reach_x) x (height + 2 * reach_y) pixels, outputs of width x height.
//
// NaN stands for an invalid pixel, which counts nowhere. Sums are double and go row by row from the
// top, in each row from the middle outwards, so that a result does not depend on where a block
// begins.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/morphology.h"

namespace geoloom::kernels {

// All pixels at most `radius` columns and rows away.
Disk square(int32_t radius);

// Sum and number of the valid pixels.
void focal_sum(const float* values, size_t width, size_t height, const Disk& disk, double* sum,
               double* count);
// Sum of the squared distances to `mean`, which is that of each neighbourhood.
void focal_squares(const float* values, size_t width, size_t height, const Disk& disk,
                   const double* mean, double* squares);
// NaN where nothing is valid.
void focal_minimum(const float* values, size_t width, size_t height, const Disk& disk,
                   float* minimum);
void focal_maximum(const float* values, size_t width, size_t height, const Disk& disk,
                   float* maximum);
// The middle one or the mean of the two in the middle; NaN where nothing is valid.
void focal_median(const float* values, size_t width, size_t height, const Disk& disk,
                  float* median);

// Pixel by pixel; the same bytes.
namespace reference {
void focal_sum(const float* values, size_t width, size_t height, const Disk& disk, double* sum,
               double* count);
void focal_squares(const float* values, size_t width, size_t height, const Disk& disk,
                   const double* mean, double* squares);
void focal_minimum(const float* values, size_t width, size_t height, const Disk& disk,
                   float* minimum);
void focal_median(const float* values, size_t width, size_t height, const Disk& disk,
                  float* median);
}  // namespace reference
}  // namespace geoloom::kernels
