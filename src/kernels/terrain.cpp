// SPDX-License-Identifier: Apache-2.0
// Plain loops over rows, which compilers turn into vectors; angles come from elementary.h, which
// every CPU rounds alike.
#include "kernels/terrain.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/elementary.h"

namespace geoloom::kernels {
namespace {

constexpr double kDegrees = 180 / std::numbers::pi;

// `above`, `here` and `below` begin a pixel to the west of the first one.
template <MissingNeighbour missing>
void gradient_row(const float* above, const float* here, const float* below, size_t width,
                  const GroundPixel& pixel, double* east, double* north) {
  const double per_column = 1 / (8 * pixel.width), per_row = 1 / (8 * pixel.height);
  const auto height_of = [](float neighbour, float centre) {
    if constexpr (missing == MissingNeighbour::level)
      return static_cast<double>(neighbour == neighbour ? neighbour : centre);
    else
      return static_cast<double>(neighbour);
  };
  for (size_t x = 0; x < width; ++x) {
    const float centre = here[x + 1];
    const double nw = height_of(above[x], centre), n = height_of(above[x + 1], centre);
    const double ne = height_of(above[x + 2], centre), w = height_of(here[x], centre);
    const double e = height_of(here[x + 2], centre), sw = height_of(below[x], centre);
    const double s = height_of(below[x + 1], centre), se = height_of(below[x + 2], centre);
    // Nothing but a pixel's own height makes it one with a gradient.
    const double known = static_cast<double>(centre) - static_cast<double>(centre);
    east[x] = ((ne + 2 * e + se) - (nw + 2 * w + sw)) * per_column + known;
    north[x] = ((nw + 2 * n + ne) - (sw + 2 * s + se)) * per_row + known;
    // Both or none: the one does not look at n and s, the other not at w and e.
    const double both = (east[x] - east[x]) + (north[x] - north[x]);
    east[x] += both;
    north[x] += both;
  }
}

}  // namespace

void horn_gradients(const float* heights, size_t width, size_t height, const GroundPixel* rows,
                    MissingNeighbour missing, double* east, double* north) {
  const size_t stride = width + 2;
  for (size_t y = 0; y < height; ++y) {
    const float* const above = heights + y * stride;
    const auto row = missing == MissingNeighbour::level
                         ? gradient_row<MissingNeighbour::level>
                         : gradient_row<MissingNeighbour::no_gradient>;
    row(above, above + stride, above + 2 * stride, width, rows[y], east + y * width,
        north + y * width);
  }
}

void slope_degrees(const double* east, const double* north, size_t pixels, float* slope) {
  for (size_t i = 0; i < pixels; ++i) {
    const double rise = std::sqrt(east[i] * east[i] + north[i] * north[i]);
    slope[i] = static_cast<float>(arc_tangent(rise) * kDegrees);
  }
}

void slope_percent(const double* east, const double* north, size_t pixels, float* slope) {
  for (size_t i = 0; i < pixels; ++i)
    slope[i] = static_cast<float>(std::sqrt(east[i] * east[i] + north[i] * north[i]) * 100);
}

void aspect_degrees(const double* east, const double* north, size_t pixels, float* aspect) {
  for (size_t i = 0; i < pixels; ++i) {
    const bool level = east[i] == 0 && north[i] == 0;
    if (level || east[i] != east[i]) {
      aspect[i] = std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    const double angle = arc_tangent2(-east[i], -north[i]) * kDegrees;
    const auto azimuth = static_cast<float>(angle < 0 ? angle + 360 : angle);
    aspect[i] = azimuth >= 360 ? 0 : azimuth + 0.0F;  // no -0
  }
}

void hillshade(const double* east, const double* north, size_t pixels, const Sun& sun,
               double exaggeration, uint8_t* shade) {
  constexpr double kSpan = 254;
  const double azimuth = sun.azimuth_degrees / kDegrees, altitude = sun.altitude_degrees / kDegrees;
  const double up = sine(altitude), level = cosine(altitude);
  const double to_east = sine(azimuth) * level, to_north = cosine(azimuth) * level;
  for (size_t i = 0; i < pixels; ++i) {
    const double e = east[i] * exaggeration, n = north[i] * exaggeration;
    const double lit = kSpan * (up - e * to_east - n * to_north) / std::sqrt(1 + e * e + n * n);
    // Both comparisons are false for NaN.
    const double value = lit > 0 ? 1.5 + lit : lit <= 0 ? 1.0 : 0.0;
    shade[i] = static_cast<uint8_t>(value);
  }
}

}  // namespace geoloom::kernels
