// SPDX-License-Identifier: Apache-2.0
// Pictures for screens: red, green, blue and alpha of 8 bits, row by row from the top.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace geoloom::render {

using Pixel = std::array<uint8_t, 4>;

struct Picture {
  int64_t width = 0, height = 0;
  std::vector<Pixel> pixels;  // alpha is 0 or 255
};

// A PNG of the smallest kind that holds the picture: a palette where there are at most 256 colours,
// without alpha where all is opaque. The same picture gives the same bytes.
std::string encode_png(const Picture& picture);

}  // namespace geoloom::render
