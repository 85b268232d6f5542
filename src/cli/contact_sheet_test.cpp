// SPDX-License-Identifier: Apache-2.0
#include "cli/contact_sheet.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "error/error.h"

namespace geoloom::cli {
namespace {

Thumbnail thumbnail(const std::string& text, float value, int64_t width = 64, int64_t height = 32) {
  return {text, width, height, {std::vector<float>(static_cast<size_t>(width * height), value)}};
}

std::array<int, 3> pixel(const Picture& picture, int64_t x, int64_t y) {
  const auto at = static_cast<size_t>(y * picture.width + x);
  return {picture.planes[0][at], picture.planes[1][at], picture.planes[2][at]};
}

TEST(ContactSheet, LaysThumbnailsOutRowByRow) {
  const auto sheet = contact_sheet(
      {thumbnail("", 0), thumbnail("", 50), thumbnail("", 100), thumbnail("", 100)}, 3);
  EXPECT_EQ(sheet.width, 3 * 64 + 4 * 4);
  EXPECT_EQ(sheet.height, 2 * (32 + 11) + 3 * 4);
  EXPECT_EQ(pixel(sheet, 4, 4), (std::array<int, 3>{0, 0, 0}));
  EXPECT_EQ(pixel(sheet, 4 + 68, 4), (std::array<int, 3>{127, 127, 127}));
  EXPECT_EQ(pixel(sheet, 4 + 136, 4), (std::array<int, 3>{255, 255, 255}));
  EXPECT_EQ(pixel(sheet, 4, 4 + 47), (std::array<int, 3>{255, 255, 255}));
  EXPECT_EQ(pixel(sheet, 2, 2), (std::array<int, 3>{255, 255, 255})) << "paper";
}

TEST(ContactSheet, InvalidPixelsHaveAColourOfTheirOwn) {
  auto first = thumbnail("", 1), second = thumbnail("", 2);
  first.planes[0][0] = std::numeric_limits<float>::quiet_NaN();
  const auto sheet = contact_sheet({first, second}, 2);
  EXPECT_EQ(pixel(sheet, 4, 4), (std::array<int, 3>{30, 40, 90}));
  EXPECT_EQ(pixel(sheet, 5, 4), (std::array<int, 3>{0, 0, 0}));
}

size_t ink(const Picture& picture, int64_t top) {
  size_t count = 0;
  for (int64_t y = top; y < top + 7; ++y)
    for (int64_t x = 0; x < picture.width; ++x)
      count += pixel(picture, x, y) == std::array<int, 3>{0, 0, 0} ? 1 : 0;
  return count;
}

TEST(ContactSheet, WritesTheTextUnderEach) {
  const int64_t top = 4 + 32 + 2;
  const auto sheet_of = [](const std::string& text) {
    return contact_sheet({thumbnail(text, 1)}, 1);
  };
  EXPECT_EQ(ink(sheet_of(""), top), 0U);
  EXPECT_EQ(ink(sheet_of("-"), top), 5U);
  EXPECT_EQ(ink(sheet_of("1"), top), 10U);
  EXPECT_EQ(ink(sheet_of("11"), top), 20U);
  EXPECT_EQ(sheet_of("broken").planes, sheet_of("BROKEN").planes);
  EXPECT_EQ(sheet_of("2018-05-03 100% and more").planes, sheet_of("2018-05-03").planes)
      << "cut to the width of the thumbnail";
}

TEST(ContactSheet, RefusesWhatNobodyCanLookAt) {
  EXPECT_THROW(contact_sheet({}, 0), Error);
  EXPECT_THROW(contact_sheet(std::vector<Thumbnail>(600, thumbnail("", 1)), 600), Error);
}

}  // namespace
}  // namespace geoloom::cli
