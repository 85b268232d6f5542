// SPDX-License-Identifier: Apache-2.0
#include "render/picture.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "gdal/dataset.h"

namespace geoloom::render {
namespace {

Picture made(int64_t width, int64_t height, const std::function<Pixel(int64_t, int64_t)>& pixel) {
  Picture picture{width, height, {}};
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) picture.pixels.push_back(pixel(x, y));
  return picture;
}

// What libpng, by way of GDAL, sees in a PNG: its bands, and its palette where it has one.
class DecodedPng {
 public:
  explicit DecodedPng(const std::string& png) {
    gdal::initialise();
    path_ = (std::filesystem::temp_directory_path() / ("geoloom_png" + std::to_string(getpid())))
                .string() +
            ".png";
    std::ofstream(path_, std::ios::binary) << png;
    const auto dataset = gdal::Dataset::open(path_);
    info_ = dataset.info();
    const geo::Window all{0, 0, info_.width, info_.height};
    for (size_t band = 0; band < info_.bands.size(); ++band) {
      auto& plane = planes_.emplace_back(static_cast<size_t>(all.pixels()));
      dataset.read(all, {static_cast<int>(band) + 1}, gdal::BufferType::uint8, plane.data(),
                   static_cast<size_t>(all.width), 0);
    }
  }
  ~DecodedPng() { std::filesystem::remove(path_); }
  size_t bands() const { return planes_.size(); }
  const gdal::RasterInfo& info() const { return info_; }
  uint8_t at(size_t band, size_t pixel) const { return planes_[band][pixel]; }

 private:
  std::string path_;
  gdal::RasterInfo info_;
  std::vector<std::vector<uint8_t>> planes_;
};

TEST(Picture, FewColoursMakeAPalette) {
  const auto picture = made(37, 11, [](int64_t x, int64_t y) {
    return Pixel{static_cast<uint8_t>(x * 6), static_cast<uint8_t>(y % 3), 9, 255};
  });
  const DecodedPng decoded(encode_png(picture));
  ASSERT_EQ(decoded.bands(), 1U);
  ASSERT_EQ(decoded.info().width, 37);
  for (size_t i = 0; i < picture.pixels.size(); ++i) {
    const auto& colour = decoded.info().bands[0].colours.at(decoded.at(0, i));
    for (size_t c = 0; c < 3; ++c) ASSERT_EQ(colour[c], picture.pixels[i][c]) << i;
  }
}

TEST(Picture, ManyColoursAreTrueColours) {
  for (const bool holes : {false, true}) {
    const auto picture = made(64, 33, [&](int64_t x, int64_t y) {
      if (holes && x == y) return Pixel{};
      return Pixel{static_cast<uint8_t>(x * 4), static_cast<uint8_t>(y * 7),
                   static_cast<uint8_t>(x * y), 255};
    });
    const DecodedPng decoded(encode_png(picture));
    ASSERT_EQ(decoded.bands(), holes ? 4U : 3U);
    for (size_t i = 0; i < picture.pixels.size(); ++i)
      for (size_t c = 0; c < decoded.bands(); ++c)
        ASSERT_EQ(decoded.at(c, i), picture.pixels[i][c]) << i;
  }
}

TEST(Picture, NothingIsAFewBytes) {
  const auto png = encode_png(made(256, 256, [](int64_t, int64_t) { return Pixel{}; }));
  EXPECT_LT(png.size(), 250U);
  EXPECT_EQ(png, encode_png(made(256, 256, [](int64_t, int64_t) { return Pixel{}; })));
}

}  // namespace
}  // namespace geoloom::render
