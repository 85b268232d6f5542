// SPDX-License-Identifier: Apache-2.0
#include "raster/open_tiles.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "error/error.h"
#include "raster/test_folder.h"

namespace geoloom::raster {
namespace {

const TileShape kShape{PixelType::uint16, 2, false, 16, 7};

class OpenTilesTest : public testing::Test {
 protected:
  TestFolder folder_;
  const Pyramid pyramid_{64, 48, 16};
};

uint16_t value_of(size_t tile, size_t pixel) {
  return static_cast<uint16_t>(1000 * tile + pixel);
}

// Two rows of a tile at a time, tiles in turn, so that every tile is put aside again and again.
TEST_F(OpenTilesTest, TilesComeBackAsTheyWereLeft) {
  for (const size_t room : {size_t{0}, 2 * kShape.bytes(), 100 * kShape.bytes()}) {
    OpenTiles open(kShape, pyramid_, folder_.path(), room);
    const size_t tiles = pyramid_.levels()[0].tiles();
    std::vector<std::unique_ptr<Tile>> full(tiles);
    for (size_t row = 0; row < 16; row += 2)
      for (size_t number = 0; number < tiles; ++number) {
        Tile& tile = open.hold(number);
        for (size_t band = 0; band < 2; ++band)
          for (size_t i = row * 16; i < (row + 2) * 16; ++i)
            tile.plane<uint16_t>(band)[i] = value_of(number, i + band);
        full[number] = open.let_go(number, 64);
      }
    for (size_t number = 0; number < tiles; ++number) {
      ASSERT_NE(full[number], nullptr);
      EXPECT_TRUE(open.closed(number));
      for (size_t i = 0; i < 256; ++i)
        ASSERT_EQ(full[number]->plane<uint16_t>(1)[i], value_of(number, i + 1));
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path())) << "scratch files have no names";
}

TEST_F(OpenTilesTest, NewTilesHoldNothingValid) {
  OpenTiles open(kShape, pyramid_, folder_.path(), kShape.bytes());
  Tile& tile = open.hold(3);
  EXPECT_EQ(tile.plane<uint16_t>(1)[255], 7);
  EXPECT_EQ(open.missing(3), 512U);
  EXPECT_EQ(open.missing(pyramid_.levels()[1].first), 256U) << "overviews count pixels";
  EXPECT_EQ(open.let_go(3, 12), nullptr);
  EXPECT_EQ(open.missing(3), 500U);
}

TEST_F(OpenTilesTest, RefusesPixelsThatComeTwice) {
  OpenTiles open(kShape, pyramid_, folder_.path(), kShape.bytes());
  open.hold(0);
  EXPECT_NE(open.let_go(0, 512), nullptr);
  EXPECT_THROW(open.hold(0), Error);
  open.hold(1);
  EXPECT_THROW(open.let_go(1, 513), Error);
}

TEST_F(OpenTilesTest, ThreadsFillTilesTogether) {
  OpenTiles open(kShape, pyramid_, folder_.path(), 2 * kShape.bytes());
  const size_t tiles = pyramid_.levels()[0].tiles();
  std::vector<std::unique_ptr<Tile>> full(tiles);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t));
        std::vector<size_t> order(tiles);
        for (size_t i = 0; i < tiles; ++i) order[i] = i;
        std::shuffle(order.begin(), order.end(), random);
        for (const size_t number : order) {
          Tile& tile = open.hold(number);
          for (size_t i = t * 64; i < (t + 1) * 64; ++i)
            for (size_t band = 0; band < 2; ++band)
              tile.plane<uint16_t>(band)[i] = value_of(number, i);
          if (auto whole = open.let_go(number, 128)) full[number] = std::move(whole);
        }
      });
  }
  for (size_t number = 0; number < tiles; ++number) {
    ASSERT_NE(full[number], nullptr);
    for (size_t i = 0; i < 256; ++i)
      ASSERT_EQ(full[number]->plane<uint16_t>(0)[i], value_of(number, i));
  }
}

}  // namespace
}  // namespace geoloom::raster
