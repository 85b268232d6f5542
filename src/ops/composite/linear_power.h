// SPDX-License-Identifier: Apache-2.0
// Backscatter in decibels is a logarithm: the mean of logarithms is no logarithm of the mean, so
// radar is averaged in linear power, or refused.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "error/error.h"
#include "raster/cube.h"

namespace geoloom::ops {

// Throws Error(invalid) for a band whose unit is decibels. `what` is what makes no sense of it.
inline void require_linear(const raster::Band& band, std::string_view op, std::string_view what) {
  if (band.unit != "dB" && band.unit != "db" && band.unit != "DB" && band.unit != "decibel") return;
  throw Error(ErrorCode::invalid,
              fmt::format("{}: band '{}' is in decibels, of which a {} makes no sense", op,
                          band.name, what))
      .hint(
          "convert it to linear power first, power = 10^(dB / 10); medians and quantiles of one "
          "band may be taken of decibels");
}

}  // namespace geoloom::ops
