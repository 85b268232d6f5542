// SPDX-License-Identifier: Apache-2.0
#include "engine/block_layout.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom::engine {
namespace {

// 216 scenes of three bytes and a validity byte, 512 pixel blocks.
ChainCost median_cost() {
  ChainCost cost;
  cost.slices = 216;
  cost.source_bytes_per_pixel_slice = 4;
  cost.strip_bytes_per_pixel = 4;
  cost.source_block_width = cost.source_block_height = 512;
  cost.sink_bytes = size_t{4} << 20;
  return cost;
}

constexpr geo::Window kTile{2048, 1024, 1024, 1024};
constexpr size_t kMiB = size_t{1} << 20;

int64_t covered_pixels(const std::vector<geo::Window>& blocks) {
  int64_t pixels = 0;
  for (const auto& block : blocks) pixels += block.pixels();
  return pixels;
}

TEST(BlockLayout, AlignedBlocksAreDecodedOnce) {
  const auto layout = choose_layout(median_cost(), kTile, 400 * kMiB, 800 * kMiB, 2, 2);
  EXPECT_EQ(layout.block_width, 512);
  EXPECT_EQ(layout.block_height, 512);
  EXPECT_DOUBLE_EQ(layout.read_amplification, 1);
  EXPECT_EQ(layout.batch_slices, 216U);
  const auto blocks = blocks_of(layout, kTile);
  EXPECT_EQ(blocks.size(), 4U);
  EXPECT_EQ(covered_pixels(blocks), kTile.pixels());
}

// What a node asks for is in the memory that is planned.
TEST(BlockLayout, StripsAreAsLargeAsANodeAsks) {
  auto cost = median_cost();
  cost.strip_bytes_per_pixel = 1 << 10;
  const auto plain = choose_layout(cost, kTile, 400 * kMiB, 800 * kMiB, 2, 2);
  EXPECT_LT(plain.strip_pixels, 1024);
  cost.least_strip_pixels = 8192;
  const auto asked = choose_layout(cost, kTile, 400 * kMiB, 800 * kMiB, 2, 2);
  EXPECT_EQ(asked.strip_pixels, 8192);
  EXPECT_GE(asked.memory_bytes, plain.memory_bytes + 2 * 7000 * cost.strip_bytes_per_pixel);
}

// What lies around a window is read and computed again: windows and strips are as large as can be.
TEST(BlockLayout, HalosMakeLargeWindowsAndHighStrips) {
  auto cost = median_cost();
  cost.slices = 1;
  cost.halo_pixels = 50;
  cost.blocks_lie_across = true;  // as cost_of() says of halos
  cost.strip_bytes_per_pixel = 100;
  const auto layout = choose_layout(cost, kTile, 400 * kMiB, 800 * kMiB, 2, 2);
  EXPECT_EQ(layout.block_width, 1024);
  EXPECT_EQ(layout.block_height, 1024);
  EXPECT_EQ(layout.least_strip_rows, 200);
  // Two strips of 200 rows and their halos, and the window with its own.
  const size_t strips = size_t{2} * (1024 + 100) * (200 + 100) * 100;
  EXPECT_GE(layout.memory_bytes, strips + size_t{1124} * 1124 * 4);
  cost.halo_pixels = 400;
  EXPECT_EQ(choose_layout(cost, kTile, 800 * kMiB, 800 * kMiB, 2, 2).least_strip_rows, 512);
}

// A row of source blocks is one request, and with few scenes several rows are asked for at once.
TEST(BlockLayout, RemoteSourcesAreReadInWholeRows) {
  auto cost = median_cost();
  cost.remote = true;
  const auto row = choose_layout(cost, kTile, 800 * kMiB, 800 * kMiB, 2, 32);
  EXPECT_EQ(row.block_width, 1024);
  EXPECT_EQ(row.block_height, 512);
  const auto short_of_memory = choose_layout(cost, kTile, 300 * kMiB, 300 * kMiB, 2, 32);
  EXPECT_EQ(short_of_memory.block_width, 512);
  EXPECT_DOUBLE_EQ(short_of_memory.read_amplification, 1);
  cost.slices = 12;
  const auto rows = choose_layout(cost, kTile, 800 * kMiB, 800 * kMiB, 2, 32);
  EXPECT_EQ(rows.block_height, 1024);
  EXPECT_EQ(covered_pixels(blocks_of(rows, kTile)), kTile.pixels());
}

TEST(BlockLayout, OneItemAtATimeBeforeDecodingTwice) {
  const auto layout = choose_layout(median_cost(), kTile, 150 * kMiB, 300 * kMiB, 2, 2);
  EXPECT_DOUBLE_EQ(layout.read_amplification, 1);
  EXPECT_GT(layout.memory_bytes, 150 * kMiB);
}

TEST(BlockLayout, SmallBudgetsDecodeAgainAndSayHowOften) {
  const auto layout = choose_layout(median_cost(), kTile, 40 * kMiB, 80 * kMiB, 2, 2);
  EXPECT_LE(layout.memory_bytes, 80 * kMiB);
  EXPECT_DOUBLE_EQ(layout.read_amplification, 512.0 / static_cast<double>(layout.block_height) *
                                                  512.0 / static_cast<double>(layout.block_width));
  EXPECT_EQ(covered_pixels(blocks_of(layout, kTile)), kTile.pixels());
}

TEST(BlockLayout, StraddlingWindowsCutAtSourceBlocks) {
  const geo::Window window{256, 256, 1024, 1024};
  const auto layout = choose_layout(median_cost(), window, 800 * kMiB, 800 * kMiB, 2, 2);
  const auto blocks = blocks_of(layout, window);
  EXPECT_EQ(blocks.size(), 9U);
  EXPECT_EQ(blocks.front(), (geo::Window{256, 256, 256, 256}));
  EXPECT_EQ(covered_pixels(blocks), window.pixels());
  EXPECT_DOUBLE_EQ(layout.read_amplification, 2.25);
}

TEST(BlockLayout, StreamingHoldsAFewSlicesWhateverTheSeries) {
  auto cost = median_cost();
  cost.streaming = true;
  cost.state_bytes_per_pixel = 12;
  cost.slices = 100000;
  const auto layout = choose_layout(cost, kTile, 100 * kMiB, 100 * kMiB, 2, 2);
  EXPECT_LE(layout.memory_bytes, 100 * kMiB);
  EXPECT_LE(layout.batch_slices, 64U);
  EXPECT_DOUBLE_EQ(layout.read_amplification, 1);
}

// Blocks of a warped source end nowhere with a window: the fewer windows, the fewer are decoded
// twice.
TEST(BlockLayout, SourcesThatLieAcrossAreReadInLargeWindows) {
  auto cost = median_cost();
  cost.blocks_lie_across = true;
  EXPECT_EQ(choose_layout(cost, kTile, 2000 * kMiB, 2000 * kMiB, 2, 2).block_height, 1024);
  const auto half = choose_layout(cost, kTile, 500 * kMiB, 2000 * kMiB, 2, 2);
  EXPECT_EQ(half.block_height, 512);
  EXPECT_EQ(half.block_width, 1024);
  EXPECT_EQ(covered_pixels(blocks_of(half, kTile)), kTile.pixels());
  EXPECT_GT(half.read_amplification,
            choose_layout(cost, kTile, 2000 * kMiB, 2000 * kMiB, 2, 2).read_amplification);
}

// A window so large that fewer slices fit than are read at a time leaves reads idle.
TEST(BlockLayout, LargeWindowsLeaveRoomForASliceOfEachRead) {
  auto cost = median_cost();
  cost.blocks_lie_across = true;
  cost.streaming = true;
  const auto layout = choose_layout(cost, {0, 0, 8192, 8192}, 1000 * kMiB, 1000 * kMiB, 2, 4);
  EXPECT_GE(kBatchesOnTheirWay * layout.batch_slices, 8U);
  EXPECT_GE(layout.block_width * layout.block_height, 2048 * 2048);
  EXPECT_LE(layout.memory_bytes, 1000 * kMiB);
}

TEST(BlockLayout, RefusesWithTheSmallestSufficientBudget) {
  auto cost = median_cost();
  cost.slices = 1000000;
  try {
    (void)choose_layout(cost, kTile, 8 * kMiB, 8 * kMiB, 2, 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource);
    EXPECT_NE(error.hint().find("raise --memory by"), std::string::npos);
  }
}

}  // namespace
}  // namespace geoloom::engine
