// SPDX-License-Identifier: Apache-2.0
#include "cli/bitmap_text.h"

#include <map>

namespace geoloom::cli {
namespace {

const std::map<char, std::string_view>& glyphs() {
  static const std::map<char, std::string_view> all{
      {'0', " ### #   ##  ### # ###  ##   # ### "}, {'1', "  #   ##    #    #    #    #   ### "},
      {'2', " ### #   #    #  ##  #   #    #####"}, {'3', " ### #   #    #  ##     ##   # ### "},
      {'4', "   #   ##  # # #  # #####   #    # "}, {'5', "######    ####     #    ##   # ### "},
      {'6', " ### #    #    #### #   ##   # ### "}, {'7', "#####    #   #   #    #    #    #  "},
      {'8', " ### #   ##   # ### #   ##   # ### "}, {'9', " ### #   ##   # ####    #    # ### "},
      {'-', "               #####               "}, {'.', "                          ##   ##  "},
      {':', "       #              #            "}, {'%', "##  ###  #   #   #   #   #  ###  ##"},
      {'/', "         #   #   #   #   #         "}, {'_', "                              #####"},
      {'+', "       #    #  #####  #    #       "}, {'A', " ### #   ##   #######   ##   ##   #"},
      {'B', "#### #   ##   ##### #   ##   ##### "}, {'C', " ### #   ##    #    #    #   # ### "},
      {'D', "#### #   ##   ##   ##   ##   ##### "}, {'E', "######    #    #### #    #    #####"},
      {'F', "######    #    #### #    #    #    "}, {'G', " ### #   ##    #  ###   ##   # ####"},
      {'H', "#   ##   ##   #######   ##   ##   #"}, {'I', " ###   #    #    #    #    #   ### "},
      {'J', "  ###   #    #    #    # #  #  ##  "}, {'K', "#   ##  # # #  ##   # #  #  # #   #"},
      {'L', "#    #    #    #    #    #    #####"}, {'M', "#   ### ### # ## # ##   ##   ##   #"},
      {'N', "#   ###  ## # ##  ###   ##   ##   #"}, {'O', " ### #   ##   ##   ##   ##   # ### "},
      {'P', "#### #   ##   ##### #    #    #    "}, {'Q', " ### #   ##   ##   ## # ##  #  ## #"},
      {'R', "#### #   ##   ##### # #  #  # #   #"}, {'S', " #####    #     ###     #    ##### "},
      {'T', "#####  #    #    #    #    #    #  "}, {'U', "#   ##   ##   ##   ##   ##   # ### "},
      {'V', "#   ##   ##   ##   ##   # # #   #  "}, {'W', "#   ##   ##   ## # ## # ### ###   #"},
      {'X', "#   ##   # # #   #   # # #   ##   #"}, {'Y', "#   ##   # # #   #    #    #    #  "},
      {'Z', "#####    #   #   #   #   #    #####"}};
  return all;
}

}  // namespace

void draw_text(std::string_view text, int64_t x, int64_t y,
               const std::function<void(int64_t x, int64_t y)>& ink) {
  for (const char c : text) {
    const char capital = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (const auto glyph = glyphs().find(capital); glyph != glyphs().end())
      for (int64_t i = 0; i < kGlyphWidth * kGlyphHeight; ++i)
        if (glyph->second[static_cast<size_t>(i)] == '#')
          ink(x + i % kGlyphWidth, y + i / kGlyphWidth);
    x += kGlyphAdvance;
  }
}

}  // namespace geoloom::cli
