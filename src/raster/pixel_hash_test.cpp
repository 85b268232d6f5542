// SPDX-License-Identifier: Apache-2.0
#include "raster/pixel_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace geoloom::raster {
namespace {

constexpr int64_t kWidth = 83, kHeight = 50;
const std::vector<PixelType> kTypes{PixelType::int16, PixelType::int16};

struct Raster {
  std::vector<std::vector<int16_t>> bands;
  std::vector<std::vector<uint8_t>> valid;
};

Raster raster() {
  std::mt19937 random(4);
  Raster made;
  for (int band = 0; band < 2; ++band) {
    made.bands.emplace_back(kWidth * kHeight);
    made.valid.emplace_back(kWidth * kHeight);
    for (auto& value : made.bands.back()) value = static_cast<int16_t>(random());
    for (auto& valid : made.valid.back()) valid = random() % 5 == 0 ? 0 : 1;
  }
  return made;
}

std::string hash_of(const Raster& from, int64_t window_width, int64_t window_height,
                    unsigned seed = 0) {
  std::vector<std::pair<geo::Window, size_t>> parts;
  for (size_t band = 0; band < 2; ++band)
    for (int64_t y = 0; y < kHeight; y += window_height)
      for (int64_t x = 0; x < kWidth; x += window_width)
        parts.emplace_back(
            geo::Window{x, y, window_width, window_height}.intersect({0, 0, kWidth, kHeight}),
            band);
  std::shuffle(parts.begin(), parts.end(), std::mt19937(seed));
  PixelHasher first(kWidth, kHeight), second(kWidth, kHeight);
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto& [window, band] = parts[i];
    const auto at = static_cast<size_t>(window.y * kWidth + window.x);
    (i % 2 == 0 ? first : second)
        .add(window, band, from.bands[band].data() + at, from.valid[band].data() + at, kWidth);
  }
  first.merge(second);
  return first.hex(kTypes);
}

TEST(PixelHash, KnowsNoWindowsAndNoOrder) {
  const Raster whole = raster();
  const std::string hash = hash_of(whole, 96, 64);
  EXPECT_EQ(hash.size(), 32U);
  EXPECT_EQ(hash_of(whole, 16, 16, 3), hash);
  EXPECT_EQ(hash_of(whole, 48, 32, 9), hash);
}

TEST(PixelHash, KnowsEveryPixel) {
  const std::string hash = hash_of(raster(), 96, 64);
  for (const size_t at : {size_t{0}, size_t{1234}, static_cast<size_t>(kWidth * kHeight - 1)}) {
    Raster other = raster();
    other.valid[1][at] ^= 1;
    EXPECT_NE(hash_of(other, 96, 64), hash) << "validity at " << at;
    other = raster();
    other.valid[0][at] = 1;
    const std::string valid = hash_of(other, 96, 64);
    other.bands[0][at] ^= 1;
    EXPECT_NE(hash_of(other, 96, 64), valid) << "value at " << at;
  }
  Raster swapped = raster();
  std::swap(swapped.bands[0], swapped.bands[1]);
  std::swap(swapped.valid[0], swapped.valid[1]);
  EXPECT_NE(hash_of(swapped, 96, 64), hash) << "order of bands";
}

TEST(PixelHash, KnowsNoValueThatIsInvalid) {
  Raster one = raster(), other = raster();
  one.valid[0][77] = other.valid[0][77] = 0;
  one.bands[0][77] = 5;
  EXPECT_EQ(hash_of(one, 96, 64), hash_of(other, 96, 64));
}

// Part of what receipts and text scenes hold: it changes with the version only.
TEST(PixelHash, IsPinned) {
  EXPECT_EQ(hash_of(raster(), 96, 64), "11fb039dc1727ddd08420d36d4f830a2");
}

}  // namespace
}  // namespace geoloom::raster
