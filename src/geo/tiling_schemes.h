// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what the schemes share.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>

#include "geo/tiling.h"

namespace geoloom::geo {

inline int64_t cell_position(double position) {
  return static_cast<int64_t>(std::floor(position));
}

// The whole Earth in cells of one degree; the European reference grid with cells of 100 or 20 km.
std::shared_ptr<const TilingScheme> degree_tiling();
std::shared_ptr<const TilingScheme> europe_tiling(int64_t kilometres);

}  // namespace geoloom::geo
