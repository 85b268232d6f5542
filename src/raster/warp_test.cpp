// SPDX-License-Identifier: Apache-2.0
#include "raster/warp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

namespace geoloom::raster {
namespace {

constexpr Resampling kAll[] = {Resampling::nearest, Resampling::bilinear, Resampling::cubic,
                               Resampling::average, Resampling::mode};

geo::Grid grid(const std::string& crs, double x, double y, double size, int64_t width,
               int64_t height) {
  return {geo::Crs::parse(crs), x, y, size, size, width, height};
}

Warp warp_between(const geo::Grid& target, const geo::Grid& source) {
  const auto operation = geo::CoordinateOperation::between(target.crs, source.crs);
  return {target, source, operation, geo::PixelMapping(target, source, operation).scale()};
}

template <class T>
struct Image {
  geo::Window window;
  std::vector<T> values;
  std::vector<uint8_t> valid;

  explicit Image(const geo::Window& w)
      : window(w), values(static_cast<size_t>(w.pixels())), valid(values.size()) {}

  // A part that may reach over the edges.
  Image part(const geo::Window& w) const {
    Image out(w);
    for (int64_t y = w.y; y < w.bottom(); ++y) {
      for (int64_t x = w.x; x < w.right(); ++x) {
        const auto to = static_cast<size_t>((y - w.y) * w.width + x - w.x);
        const bool inside = x >= 0 && y >= 0 && x < window.width && y < window.height;
        out.values[to] = inside ? values[static_cast<size_t>(y * window.width + x)] : T{77};
        out.valid[to] = inside ? valid[static_cast<size_t>(y * window.width + x)] : uint8_t{0};
      }
    }
    return out;
  }
};

template <class T>
Image<T> random_image(int64_t width, int64_t height, unsigned seed) {
  Image<T> image({0, 0, width, height});
  std::mt19937 random(seed);
  for (size_t i = 0; i < image.values.size(); ++i) {
    image.values[i] = static_cast<T>(random() % 200);
    image.valid[i] = random() % 20 != 0 ? 1 : 0;
  }
  return image;
}

template <class T>
Image<T> warped(const Warp& warp, const Image<T>& source, const geo::Window& target,
                Resampling method) {
  const WarpedWindow window(warp, target, std::span(&method, 1));
  const auto part = source.part(window.source());
  Image<T> out(target);
  ResampleScratch scratch;
  window.resample(method, pixel_type<T>(), part.values.data(), part.valid.data(), out.values.data(),
                  out.valid.data(), scratch);
  return out;
}

struct Pair {
  const char* name;
  geo::Grid target, source;
};

std::vector<Pair> pairs() {
  return {{"equal area from UTM", grid("EPSG:6933", 427900, 5695100, 10, 200, 170),
           grid("EPSG:32631", 600000, 5650000, 10, 300, 300)},
          {"coarser from UTM", grid("EPSG:3035", 3929900, 3112700, 50, 60, 60),
           grid("EPSG:32631", 600000, 5650000, 10, 300, 300)},
          {"half a pixel away", grid("EPSG:32631", 600005, 5650005, 10, 200, 200),
           grid("EPSG:32631", 600000, 5650000, 10, 180, 190)},
          {"finer", grid("EPSG:32631", 600005, 5650000, 15, 200, 200),
           grid("EPSG:32631", 600000, 5650000, 40, 60, 60)}};
}

template <class T>
void expect_tiles_equal_whole() {
  for (const auto& pair : pairs()) {
    const auto warp = warp_between(pair.target, pair.source);
    const auto image = random_image<T>(pair.source.width, pair.source.height, 3);
    // Over the source's edges too.
    const geo::Window whole{-31, -22, pair.target.width + 60, pair.target.height + 47};
    for (const Resampling method : kAll) {
      const auto all = warped(warp, image, whole, method);
      EXPECT_GT(std::accumulate(all.valid.begin(), all.valid.end(), 0), 500) << pair.name;
      for (const int64_t size : {61, 128}) {
        for (int64_t y = whole.y; y < whole.bottom(); y += size) {
          for (int64_t x = whole.x; x < whole.right(); x += size) {
            const auto tile = geo::Window{x, y, size, size}.intersect(whole);
            const auto part = warped(warp, image, tile, method);
            for (int64_t j = 0; j < tile.height; ++j) {
              const auto at =
                  static_cast<ptrdiff_t>((tile.y + j - whole.y) * whole.width + tile.x - whole.x);
              const auto row = j * tile.width;
              ASSERT_TRUE(std::equal(part.values.begin() + row,
                                     part.values.begin() + row + tile.width,
                                     all.values.begin() + at))
                  << pair.name << " " << name(method) << " " << size;
              ASSERT_TRUE(std::equal(part.valid.begin() + row,
                                     part.valid.begin() + row + tile.width, all.valid.begin() + at))
                  << pair.name << " " << name(method) << " " << size;
            }
          }
        }
      }
    }
  }
}

TEST(Warp, TilesEqualTheWholeToTheByte) {
  expect_tiles_equal_whole<uint16_t>();
  expect_tiles_equal_whole<float>();
}

TEST(Warp, OneGridIsLeftAsItIs) {
  const auto g = grid("EPSG:32631", 600000, 5650000, 10, 50, 40);
  const auto image = random_image<int16_t>(50, 40, 1);
  for (const Resampling method : kAll) {
    const auto out = warped(warp_between(g, g), image, g.window(), method);
    EXPECT_EQ(out.valid, image.valid) << name(method);
    for (size_t i = 0; i < out.values.size(); ++i)
      ASSERT_EQ(out.values[i], out.valid[i] != 0 ? image.values[i] : 0) << name(method);
  }
}

TEST(Warp, CoarserPixelsAreMeans) {
  const auto source = grid("EPSG:32631", 600000, 5650000, 10, 8, 8);
  const auto target = grid("EPSG:32631", 600000, 5650000, 40, 2, 2);
  Image<float> image(source.window());
  std::iota(image.values.begin(), image.values.end(), 0.0F);
  std::fill(image.valid.begin(), image.valid.end(), uint8_t{1});
  const auto out =
      warped(warp_between(target, source), image, target.window(), Resampling::average);
  EXPECT_EQ(out.values, (std::vector<float>{13.5F, 17.5F, 45.5F, 49.5F}));
}

TEST(Warp, PartsAreSmallEnoughAndCoverTheWindow) {
  const auto pair = pairs()[1];
  const auto warp = warp_between(pair.target, pair.source);
  const geo::Window whole{-100, -100, 300, 250};
  int64_t pixels = 0;
  for (const auto& part : warp.parts(whole, 20'000)) {
    pixels += part.pixels();
    EXPECT_TRUE(whole.contains(part));
  }
  EXPECT_EQ(pixels, whole.pixels());
  EXPECT_EQ(warp.parts(whole, 1 << 30).size(), 1U);
}

TEST(Warp, TheRoughWindowHoldsWhatIsNeeded) {
  for (const auto& pair : pairs()) {
    const auto warp = warp_between(pair.target, pair.source);
    for (const Resampling method : kAll) {
      const geo::Window target{20, 30, 37, 25};
      const WarpedWindow window(warp, target, std::span(&method, 1));
      EXPECT_TRUE(warp.rough_source_window(target).expanded(1).contains(
          window.source().intersect(warp.image())))
          << pair.name << " " << name(method);
    }
  }
}

TEST(Warp, FarAwayNothingIsNeeded) {
  const auto warp = warp_between(grid("EPSG:6933", 0, 0, 10, 100, 100), pairs()[0].source);
  const WarpedWindow window(warp, {0, 0, 100, 100}, kAll);
  EXPECT_TRUE(window.source().empty());
  std::vector<uint8_t> out(10'000, 7), valid(10'000, 7);
  ResampleScratch scratch;
  window.resample(Resampling::cubic, PixelType::uint8, nullptr, nullptr, out.data(), valid.data(),
                  scratch);
  EXPECT_EQ(out, std::vector<uint8_t>(10'000, 0));
  EXPECT_EQ(valid, std::vector<uint8_t>(10'000, 0));
  EXPECT_TRUE(warp.rough_source_window({0, 0, 100, 100}).empty());
}

}  // namespace
}  // namespace geoloom::raster
