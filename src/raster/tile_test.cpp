// SPDX-License-Identifier: Apache-2.0
#include "raster/tile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace geoloom::raster {
namespace {

struct Pixel {
  double value = 0;
  bool valid = false;
};

template <class T>
double rounded_mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  if constexpr (std::is_same_v<T, float>)
    return static_cast<double>(static_cast<float>(mean));
  else
    return std::floor(mean + 0.5);
}

double most_frequent(const std::vector<double>& values) {
  std::map<double, int> counts;
  for (const double value : values) ++counts[value];
  double best = values[0];
  for (const double value : values)
    if (counts[value] > counts[best]) best = value;
  return best;
}

// As the header says it, pixel by pixel.
template <class T>
Pixel expected(const std::vector<Pixel>& quad, const TileShape& shape, Halving halving) {
  if (halving == Halving::nearest) return quad[0].valid ? quad[0] : Pixel{shape.fill(), false};
  std::vector<double> values;
  for (const Pixel& pixel : quad)
    if (pixel.valid) values.push_back(pixel.value);
  if (values.empty()) return {shape.fill(), false};
  if (halving == Halving::mode) return {most_frequent(values), true};
  double mean = rounded_mean<T>(values);
  if (shape.nodata && mean == *shape.nodata) {
    if constexpr (std::is_same_v<T, float>)
      mean = static_cast<double>(std::nextafter(static_cast<float>(mean), INFINITY));
    else
      mean += 1;
  }
  return {mean, true};
}

template <class T>
class Halved : public testing::Test {};
using Types = testing::Types<uint8_t, uint16_t, int16_t, float>;
TYPED_TEST_SUITE(Halved, Types);

template <class T>
void fill(Tile& tile, const TileShape& shape, std::vector<std::vector<Pixel>>& pixels,
          unsigned seed, unsigned invalid_in) {
  std::mt19937 random(seed);
  const auto size = static_cast<size_t>(shape.size);
  pixels.assign(shape.bands, std::vector<Pixel>(shape.plane_pixels()));
  for (size_t y = 0; y < tile.height(); ++y)
    for (size_t x = 0; x < tile.width(); ++x) {
      const size_t at = y * size + x;
      const bool all_valid = invalid_in == 0 || random() % invalid_in != 0;
      for (size_t band = 0; band < shape.bands; ++band) {
        const bool valid = shape.mask || invalid_in == 0 ? all_valid : random() % invalid_in != 0;
        T value = static_cast<T>(random() % 7 + (std::is_signed_v<T> ? 0U : 60'000U));
        if (std::is_signed_v<T>) value = static_cast<T>(value - T{3});
        if (shape.nodata && value == static_cast<T>(*shape.nodata)) value = T{9};
        if (!valid) value = static_cast<T>(shape.fill());
        tile.plane<T>(band)[at] = value;
        pixels[band][at] = {static_cast<double>(value), valid};
      }
      if (shape.mask) tile.mask()[at] = all_valid ? 1 : 0;
    }
}

template <class T>
void compare(const TileShape& shape, Halving halving, const geo::Window& window,
             unsigned invalid_in) {
  Tile child(shape, window);
  std::vector<std::vector<Pixel>> pixels;
  fill<T>(child, shape, pixels, 11, invalid_in);
  // The child is the lower right quarter of its parent.
  Tile parent(shape, {0, 0, shape.size, shape.size});
  halve_into(parent, child, shape, halving);
  const auto size = static_cast<size_t>(shape.size), half = size / 2;
  for (size_t band = 0; band < shape.bands; ++band)
    for (size_t y = 0; y < child.height(); y += 2)
      for (size_t x = 0; x < child.width(); x += 2) {
        std::vector<Pixel> quad;
        for (size_t v = y; v < std::min(y + 2, child.height()); ++v)
          for (size_t u = x; u < std::min(x + 2, child.width()); ++u)
            quad.push_back(pixels[band][v * size + u]);
        const Pixel wanted = expected<T>(quad, shape, halving);
        const size_t at = (half + y / 2) * size + half + x / 2;
        ASSERT_EQ(static_cast<double>(parent.plane<T>(band)[at]), wanted.value)
            << x << ", " << y << " of band " << band << ", " << static_cast<int>(halving);
        if (shape.mask) {
          ASSERT_EQ(parent.mask()[at] != 0, wanted.valid);
        }
      }
}

TYPED_TEST(Halved, IsWhatThePlainReferenceSays) {
  using T = TypeParam;
  for (const bool mask : {false, true})
    for (const Halving halving : {Halving::average, Halving::mode, Halving::nearest})
      for (const int64_t side : {192, 191, 161, 97})
        for (const unsigned invalid_in : {0U, 3U, 500U}) {
          TileShape shape{pixel_type<T>(), 2, mask, 192, {}};
          if (!mask) shape.nodata = std::is_signed_v<T> ? 1 : 60'003 % 256;
          compare<T>(shape, halving, {192, 192, side, side + 1 > 192 ? 192 : side + 1}, invalid_in);
        }
}

TEST(Halved, ExtremesDoNotOverflow) {
  const auto halves_to = [](auto low, auto high, double wanted) {
    using T = decltype(low);
    const TileShape shape{pixel_type<T>(), 1, true, 128, {}};
    Tile child(shape, {0, 0, 128, 128}), parent(shape, {0, 0, 128, 128});
    for (size_t i = 0; i < shape.plane_pixels(); ++i) {
      child.plane<T>(0)[i] = i % 2 == 0 ? low : high;
      child.mask()[i] = 1;
    }
    halve_into(parent, child, shape, Halving::average);
    EXPECT_EQ(static_cast<double>(parent.plane<T>(0)[0]), wanted);
  };
  halves_to(uint8_t{255}, uint8_t{255}, 255);
  halves_to(uint8_t{0}, uint8_t{255}, 128);
  halves_to(uint16_t{65535}, uint16_t{65534}, 65535);
  halves_to(int16_t{-32768}, int16_t{-32768}, -32768);
  halves_to(int16_t{-32768}, int16_t{32767}, 0);
  halves_to(int16_t{-2}, int16_t{-1}, -1);
}

TEST(Pyramid, NumbersEachTileOnce) {
  const Pyramid pyramid(1000, 300, 128);
  ASSERT_EQ(pyramid.levels().size(), 4U);
  EXPECT_EQ(pyramid.levels()[1].width, 500);
  EXPECT_EQ(pyramid.levels()[3].width, 125);
  EXPECT_EQ(pyramid.levels()[3].height, 38);
  EXPECT_EQ(pyramid.tiles(), 24U + 8U + 2U + 1U);
  for (size_t number = 0; number < pyramid.tiles(); ++number)
    EXPECT_EQ(pyramid.number(pyramid.position(number)), number);
  const geo::Window corner = pyramid.window({0, 7, 2});
  EXPECT_EQ(corner, (geo::Window{896, 256, 104, 44}));
}

TEST(Pyramid, OfAnImageWithinOneTileHasOneLevel) {
  EXPECT_EQ(Pyramid(128, 128, 128).levels().size(), 1U);
  EXPECT_EQ(Pyramid(129, 1, 128).levels().size(), 2U);
}

TEST(Tile, PadsWithItsLastColumnAndRow) {
  const TileShape shape{PixelType::uint16, 1, true, 16, {}};
  Tile tile(shape, {16, 16, 5, 3});
  for (size_t y = 0; y < 3; ++y)
    for (size_t x = 0; x < 5; ++x) {
      tile.plane<uint16_t>(0)[y * 16 + x] = static_cast<uint16_t>(10 * y + x);
      tile.mask()[y * 16 + x] = x == 4 ? 1 : 0;
    }
  tile.pad(shape);
  EXPECT_EQ(tile.plane<uint16_t>(0)[1 * 16 + 15], 14);
  EXPECT_EQ(tile.plane<uint16_t>(0)[15 * 16 + 2], 22);
  EXPECT_EQ(tile.plane<uint16_t>(0)[15 * 16 + 15], 24);
  EXPECT_EQ(tile.mask()[15 * 16 + 3], 0);
  EXPECT_EQ(tile.mask()[15 * 16 + 9], 1);
}

}  // namespace
}  // namespace geoloom::raster
