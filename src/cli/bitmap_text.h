// SPDX-License-Identifier: Apache-2.0
// A line of text in a picture: dates, numbers and names need a few characters only, drawn here; a
// library of fonts would bring font files with it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace geoloom::cli {

// Five columns and seven rows of pixels, one column between characters.
inline constexpr int64_t kGlyphWidth = 5, kGlyphHeight = 7, kGlyphAdvance = 6;

// Calls ink() for each dark pixel of a text whose upper left corner is at x, y. Letters are drawn
// as capitals; characters without a picture are left blank.
void draw_text(std::string_view text, int64_t x, int64_t y,
               const std::function<void(int64_t x, int64_t y)>& ink);

}  // namespace geoloom::cli
