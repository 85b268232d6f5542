// SPDX-License-Identifier: Apache-2.0
#include "raster/asset_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "gdal/test_files.h"

namespace geoloom::raster {
namespace {

using gdal::test_pixels;
using gdal::TestFolder;
using gdal::write_whole;

std::vector<uint8_t> pixels_of(const Asset& asset) {
  const auto& info = asset.info();
  std::vector<uint8_t> pixels(static_cast<size_t>(info.width * info.height));
  asset.read({0, 0, info.width, info.height}, {1}, PixelType::uint8, pixels.data(),
             static_cast<size_t>(info.width), 0);
  return pixels;
}

class Pool : public ::testing::Test {
 protected:
  Pool() {
    for (const char* name : {"a.tif", "b.tif", "c.tif"}) write_whole(folder_.file(name), 64, 64, 1);
  }
  TestFolder folder_;
};

TEST_F(Pool, ReusesIdleHandles) {
  AssetPool pool(4);
  const Asset* first = nullptr;
  {
    const auto lease = pool.lease(folder_.file("a.tif"));
    first = &*lease;
    EXPECT_EQ(lease->info().width, 64);
  }
  EXPECT_EQ(pool.open_count(), 1u);
  const auto a = pool.lease(folder_.file("a.tif"));
  const auto b = pool.lease(folder_.file("a.tif"));
  EXPECT_EQ(pool.open_count(), 2u);
  EXPECT_NE(first, nullptr);
}

TEST_F(Pool, AFileThatWasReplacedIsOpenedAnew) {
  AssetPool pool(4);
  const auto path = folder_.file("a.tif");
  const auto before = pixels_of(*pool.lease(path));
  // In place of the old one, as somebody updates an archive.
  write_whole(folder_.file("new.tif"), 32, 32, 1);
  std::filesystem::rename(folder_.file("new.tif"), path);
  EXPECT_NE(pixels_of(*pool.lease(path)), before);
  EXPECT_EQ(pool.open_count(), 1u);
}

TEST_F(Pool, ClosesTheLeastRecentlyUsed) {
  AssetPool pool(2);
  { const auto lease = pool.lease(folder_.file("a.tif")); }
  { const auto lease = pool.lease(folder_.file("b.tif")); }
  { const auto lease = pool.lease(folder_.file("c.tif")); }
  EXPECT_EQ(pool.open_count(), 2u);
}

TEST_F(Pool, DiscardedHandlesAreClosed) {
  AssetPool pool(2);
  {
    auto lease = pool.lease(folder_.file("a.tif"));
    lease.discard();
  }
  EXPECT_EQ(pool.open_count(), 0u);
}

TEST_F(Pool, AFailedOpenTakesNoPlace) {
  AssetPool pool(1);
  EXPECT_THROW(pool.lease(folder_.file("none.tif")), Error);
  EXPECT_EQ(pool.open_count(), 0u);
  { const auto lease = pool.lease(folder_.file("a.tif")); }
  EXPECT_THROW(pool.lease(folder_.file("none.tif")), Error);
  const auto lease = pool.lease(folder_.file("b.tif"));
  EXPECT_EQ(pool.open_count(), 1u);
}

TEST_F(Pool, ManyThreadsNeverExceedTheLimit) {
  AssetPool pool(3);
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      const std::vector<std::string> names{"a.tif", "b.tif", "c.tif"};
      for (int n = 0; n < 60; ++n) {
        const auto lease = pool.lease(folder_.file(names[static_cast<size_t>(n + t) % 3]));
        if (pool.open_count() > 3) exceeded = true;
        EXPECT_EQ(pixels_of(*lease), test_pixels(64, 64, 1));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(exceeded);
  EXPECT_LE(pool.open_count(), 3u);
}

}  // namespace
}  // namespace geoloom::raster
