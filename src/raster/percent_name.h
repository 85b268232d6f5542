// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>

namespace geoloom::raster {

// What the band of a quantile is called: "p10", "p2.5".
inline std::string percent_name(double share) {
  return fmt::format("p{:g}", share * 100);
}

}  // namespace geoloom::raster
