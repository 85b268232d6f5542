// SPDX-License-Identifier: Apache-2.0
#include "render/style.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace geoloom::render {
namespace {

template <class T>
raster::Block block_of(const std::vector<std::vector<T>>& bands,
                       const std::vector<uint8_t>& valid) {
  raster::CubeSchema schema;
  for (size_t b = 0; b < bands.size(); ++b) {
    schema.bands.emplace_back();
    schema.bands.back().type = raster::pixel_type<T>();
  }
  schema.slices.resize(1);
  schema.validity_per_band = bands.size() > 1;
  raster::Block block(schema, {0, 0, static_cast<int64_t>(valid.size()), 1}, 0, 1);
  for (size_t b = 0; b < bands.size(); ++b) {
    std::copy(bands[b].begin(), bands[b].end(), block.plane<T>(b, 0).begin());
    std::copy(valid.begin(), valid.end(), block.validity(0, b).begin());
  }
  return block;
}

TEST(Style, PicturesOfBytesStayAsTheyAre) {
  std::vector<uint8_t> all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<uint8_t>(i));
  const auto block = block_of<uint8_t>({all, all, all}, std::vector<uint8_t>(256, 1));
  const auto picture = draw(block, {}, {.limits = {{}, {}, {}}, .ramp = {}});
  for (size_t i = 0; i < 256; ++i) {
    const auto shade = static_cast<uint8_t>(i);
    EXPECT_EQ(picture.pixels[i], (Pixel{shade, shade, shade, 255}));
  }
}

TEST(Style, ValuesBeyondTheLimitsGetTheLastColours) {
  const auto block = block_of<int16_t>({{-500, 0, 50, 100, 900, 7}}, {1, 1, 1, 1, 1, 0});
  const auto picture = draw(block, {}, {.limits = {{0, 100}}, .ramp = {{0, 0, 255}, {255, 0, 0}}});
  EXPECT_EQ(picture.pixels[0], (Pixel{0, 0, 255, 255}));
  EXPECT_EQ(picture.pixels[1], (Pixel{0, 0, 255, 255}));
  EXPECT_NEAR(picture.pixels[2][0], 128, 1);
  EXPECT_EQ(picture.pixels[3], (Pixel{255, 0, 0, 255}));
  EXPECT_EQ(picture.pixels[4], (Pixel{255, 0, 0, 255}));
  EXPECT_EQ(picture.pixels[5], Pixel{});
}

TEST(Style, LimitsMayBeAnyNumbers) {
  const auto block = block_of<float>({{-INFINITY, -3e38F, 0, 3e38F, INFINITY}}, {1, 1, 1, 1, 1});
  for (const Limits& limits : {Limits{-1.7e308, 1.7e308}, Limits{0, 5e-324}, Limits{-1e300, 0}}) {
    const auto picture = draw(block, {}, {.limits = {limits}, .ramp = named_ramps().at("grey")});
    for (const auto& pixel : picture.pixels) EXPECT_EQ(pixel[3], 255);
  }
}

TEST(Style, GammaBrightensTheMiddle) {
  const auto block = block_of<float>({{0, 0.25F, 1}}, {1, 1, 1});
  const auto picture =
      draw(block, {}, {.limits = {{0, 1}}, .ramp = named_ramps().at("grey"), .gamma = 2});
  EXPECT_EQ(picture.pixels[0][0], 0);
  EXPECT_NEAR(picture.pixels[1][0], 128, 1);
  EXPECT_EQ(picture.pixels[2][0], 255);
}

TEST(Style, ClassesHaveTheirColoursAndOthersNone) {
  const auto block = block_of<uint8_t>({{0, 2, 3, 1}}, {1, 1, 1, 0});
  raster::Band band;
  band.colours = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
  const auto picture = draw(block, band, {});
  EXPECT_EQ(picture.pixels[0], (Pixel{1, 2, 3, 255}));
  EXPECT_EQ(picture.pixels[1], (Pixel{7, 8, 9, 255}));
  EXPECT_EQ(picture.pixels[2], Pixel{});
  EXPECT_EQ(picture.pixels[3], Pixel{});
}

TEST(Style, UsualLimitsLeaveOutTheExtremes) {
  std::vector<float> values;
  for (int i = 0; i <= 100; ++i) values.push_back(static_cast<float>(i));
  values.push_back(NAN);
  const auto limits = usual_limits(values);
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->min, 2);
  EXPECT_EQ(limits->max, 98);
  EXPECT_FALSE(usual_limits({}));
  EXPECT_LT(usual_limits({5, 5})->min, 5);
}

}  // namespace
}  // namespace geoloom::render
