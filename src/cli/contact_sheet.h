// SPDX-License-Identifier: Apache-2.0
// Pictures of many dates side by side with a line of text under each: what `geoloom view` draws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace geoloom::cli {

// One or three planes of width x height values; NaN where a pixel is invalid.
struct Thumbnail {
  std::string text;  // drawn in capitals; characters without a picture are left blank
  int64_t width = 0, height = 0;
  std::vector<std::vector<float>> planes;
};

struct Picture {
  int64_t width = 0, height = 0;
  std::vector<std::vector<uint8_t>> planes;  // red, green, blue
};

// Thumbnails of one size and number of planes, row by row, `columns` in a row (0: about as wide as
// high). Values of all of them are stretched alike, from the 2nd to the 98th percentile of each
// plane, so that dates can be compared; invalid pixels are dark blue. Texts are cut to the width.
// Throws Error(invalid) for a sheet of more than 32768 pixels a side.
Picture contact_sheet(const std::vector<Thumbnail>& thumbnails, int64_t columns);

}  // namespace geoloom::cli
