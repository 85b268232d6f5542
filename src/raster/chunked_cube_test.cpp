// SPDX-License-Identifier: Apache-2.0
#include "raster/chunked_cube.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#include "error/error.h"
#include "gdal/dataset.h"
#include "raster/cog.h"
#include "raster/test_folder.h"
#include "store/checksum.h"

namespace geoloom::raster {
namespace {

using testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

geo::Grid grid_of(int64_t width, int64_t height) {
  return {geo::Crs::parse("EPSG:32631"), 500'000, 5'000'000, 10, 10, width, height};
}

// Two bands of different types, three dates.
CubeSchema mixed_schema() {
  CubeSchema schema;
  schema.bands = {{.name = "red", .type = PixelType::uint16, .nodata = 65535},
                  {.name = "NDVI", .type = PixelType::float32, .nodata = kNaN}};
  for (int day = 1; day <= 3; ++day)
    schema.slices.push_back(
        {{day * 86'400'000LL, day * 86'400'000LL}, true, "d" + std::to_string(day)});
  schema.validity_per_band = true;
  return schema;
}

double value_at(int64_t x, int64_t y, size_t slice, size_t band) {
  return static_cast<double>(
      (x * 7 + y * 13 + static_cast<int64_t>(slice) * 101 + static_cast<int64_t>(band) * 31) % 997);
}
bool valid_at(int64_t x, int64_t y, size_t slice, size_t band) {
  return (x + 2 * y + static_cast<int64_t>(slice + band)) % 5 != 0;
}

Block filled(const CubeSchema& schema, const geo::Window& window, size_t first, size_t count) {
  Block block(schema, window, first, count);
  for (size_t s = 0; s < count; ++s)
    for (size_t b = 0; b < block.bands(); ++b)
      visit(block.type(b), [&]<class T>(T) {
        for (size_t i = 0; i < block.pixels(); ++i) {
          const int64_t x = window.x + static_cast<int64_t>(i) % window.width;
          const int64_t y = window.y + static_cast<int64_t>(i) / window.width;
          block.plane<T>(b, s)[i] = static_cast<T>(value_at(x, y, first + s, b));
          block.validity(s, b)[i] = valid_at(x, y, first + s, b) ? 1 : 0;
        }
      });
  return block;
}

ChunkProfile profile_of(int64_t side, Codec codec = Codec::zstd) {
  return {.layout = {.side = side, .codec = codec}, .level = 3};
}

std::string bytes_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class ChunkedCube : public testing::Test {
 protected:
  void SetUp() override { gdal::initialise(); }

  // In blocks of that size, slice batches of that many, in that order.
  ChunkedSummary write(const std::string& stem, const CubeSchema& schema, const geo::Grid& grid,
                       const ChunkProfile& profile, int64_t block, size_t batch, bool backwards,
                       unsigned threads = 1) {
    ChunkedCubeWriter writer(folder.path(), stem, grid, schema, profile);
    std::vector<std::pair<geo::Window, size_t>> parts;
    for (int64_t y = 0; y < grid.height; y += block)
      for (int64_t x = 0; x < grid.width; x += block)
        for (size_t s = 0; s < schema.slices.size(); s += batch)
          parts.emplace_back(geo::Window{x, y, block, block}.intersect(grid.window()), s);
    if (backwards) std::reverse(parts.begin(), parts.end());
    std::vector<std::thread> team;
    for (unsigned t = 0; t < threads; ++t)
      team.emplace_back([&, t] {
        for (size_t i = t; i < parts.size(); i += threads)
          writer.write(filled(schema, parts[i].first, parts[i].second,
                              std::min(batch, schema.slices.size() - parts[i].second)));
      });
    for (auto& thread : team) thread.join();
    return writer.finish();
  }

  TestFolder folder;
};

TEST_F(ChunkedCube, PixelsComeBackWhateverTheTypes) {
  const auto schema = mixed_schema();
  const auto grid = grid_of(100, 70);
  for (const auto codec : {Codec::zstd, Codec::deflate}) {
    const auto profile = profile_of(32, codec);
    const auto stem = std::string("item_") + std::string(name(codec));
    const auto done = write(stem, schema, grid, profile, 40, 3, false);
    EXPECT_EQ(done.objects.size(), 4 * 3 * 3 * 2 + 1U);
    const ChunkedItem item{folder / stem, grid, profile.layout};
    // Reaches over the item on all sides.
    const geo::Window window{-3, -2, 110, 80};
    for (size_t s = 0; s < 3; ++s) {
      std::vector<uint16_t> red(static_cast<size_t>(window.pixels()));
      std::vector<float> ndvi(red.size());
      std::vector<uint8_t> red_valid(red.size()), ndvi_valid(red.size());
      read_chunks(item, schema.bands[0], s, grid, window, red.data(), red_valid.data());
      read_chunks(item, schema.bands[1], s, grid, window, ndvi.data(), ndvi_valid.data());
      for (size_t i = 0; i < red.size(); ++i) {
        const int64_t x = window.x + static_cast<int64_t>(i) % window.width;
        const int64_t y = window.y + static_cast<int64_t>(i) / window.width;
        const bool inside = x >= 0 && y >= 0 && x < grid.width && y < grid.height;
        ASSERT_EQ(red_valid[i] != 0, inside && valid_at(x, y, s, 0));
        ASSERT_EQ(ndvi_valid[i] != 0, inside && valid_at(x, y, s, 1));
        if (red_valid[i] != 0) {
          ASSERT_EQ(red[i], value_at(x, y, s, 0));
        }
        if (ndvi_valid[i] != 0) {
          ASSERT_EQ(ndvi[i], static_cast<float>(value_at(x, y, s, 1)));
        }
      }
    }
  }
}

TEST_F(ChunkedCube, CoarserGridsReadTheNearestPixel) {
  const auto schema = mixed_schema();
  const auto grid = grid_of(64, 64);
  write("item", schema, grid, profile_of(32), 64, 3, false);
  const ChunkedItem item{folder / "item", grid, profile_of(32).layout};
  auto coarse = grid;
  coarse.pixel_width = coarse.pixel_height = 20;
  coarse.width = coarse.height = 32;
  std::vector<uint16_t> red(32 * 32);
  std::vector<uint8_t> valid(red.size());
  read_chunks(item, schema.bands[0], 1, coarse, coarse.window(), red.data(), valid.data());
  const auto mapping = geo::nearest_mapping(coarse, grid);
  for (int64_t y = 0; y < 32; ++y)
    for (int64_t x = 0; x < 32; ++x) {
      const int64_t sx = mapping.source_column(x), sy = mapping.source_row(y);
      const auto at = static_cast<size_t>(y * 32 + x);
      ASSERT_EQ(valid[at] != 0, valid_at(sx, sy, 1, 0));
      if (valid[at] != 0) {
        ASSERT_EQ(red[at], value_at(sx, sy, 1, 0));
      }
    }
}

TEST_F(ChunkedCube, BytesDoNotDependOnBlocksOrderAndThreads) {
  const auto schema = mixed_schema();
  const auto grid = grid_of(150, 90);
  const auto first = write("a", schema, grid, profile_of(48), 150, 3, false);
  const auto other = write("b", schema, grid, profile_of(48), 37, 1, true, 3);
  EXPECT_EQ(first.summary.sha256, other.summary.sha256);
  EXPECT_EQ(first.summary.pixel_hash, other.summary.pixel_hash);
  ASSERT_EQ(first.objects.size(), other.objects.size());
  for (size_t i = 0; i < first.objects.size(); ++i) {
    EXPECT_EQ(first.objects[i].name, other.objects[i].name);
    EXPECT_EQ(bytes_of(folder / ("a/" + first.objects[i].name)),
              bytes_of(folder / ("b/" + first.objects[i].name)));
  }
}

TEST_F(ChunkedCube, ListsItsChunksWithSizesAndChecksums) {
  const auto done = write("item", mixed_schema(), grid_of(40, 40), profile_of(32), 40, 3, false);
  int64_t bytes = 0;
  for (const auto& object : done.objects) {
    const auto content = bytes_of(folder / ("item/" + object.name));
    EXPECT_EQ(object.bytes, static_cast<int64_t>(content.size())) << object.name;
    EXPECT_EQ(object.sha256, store::sha256_hex(content)) << object.name;
    if (object.name != kChunkList) bytes += object.bytes;
  }
  EXPECT_EQ(done.summary.bytes, bytes);
  EXPECT_EQ(done.objects.back().name, kChunkList);
  EXPECT_EQ(done.summary.sha256, done.objects.back().sha256);
  EXPECT_THAT(bytes_of(folder / "item/chunks.json"), HasSubstr("\"NDVI/2.1.1\""));
}

TEST_F(ChunkedCube, PixelHashAndStatisticsAreThoseOfAGeoTiff) {
  CubeSchema schema = mixed_schema();
  schema.bands.pop_back();
  const auto grid = grid_of(100, 70);
  const auto chunked = write("item", schema, grid, profile_of(48), 33, 2, false).summary;
  CogWriter cog(folder.path(), "cog", grid, schema, {}, {});
  cog.write(filled(schema, grid.window(), 0, 3));
  const auto file = cog.finish();
  EXPECT_EQ(chunked.pixel_hash, file.pixel_hash);
  ASSERT_EQ(chunked.bands.size(), file.bands.size());
  for (size_t i = 0; i < file.bands.size(); ++i) {
    EXPECT_EQ(chunked.bands[i].valid, file.bands[i].valid);
    EXPECT_EQ(chunked.bands[i].mean, file.bands[i].mean);
    EXPECT_EQ(chunked.bands[i].deviation, file.bands[i].deviation);
  }
}

TEST_F(ChunkedCube, PixelsNeverWrittenAreInvalidAndValidNodataIsCounted) {
  const auto schema = mixed_schema();
  const auto grid = grid_of(40, 40);
  ChunkedCubeWriter writer(folder.path(), "item", grid, schema, profile_of(32));
  Block block(schema, {0, 0, 10, 10}, 0, 1);
  for (auto& value : block.plane<uint16_t>(0, 0)) value = 65535;
  for (auto& valid : block.validity(0, 0)) valid = 1;
  writer.write(block);
  const auto done = writer.finish();
  EXPECT_EQ(done.summary.bands[0].nodata_collisions, 100U);
  EXPECT_EQ(done.summary.bands[0].valid, 0U);
  EXPECT_EQ(done.summary.bands[0].total, 1600U);
  EXPECT_EQ(done.objects.size(),
            4 * 3 * 2 + 1U);  // every chunk is there, so one that is lost shows
}

TEST_F(ChunkedCube, AChunkThatIsLostOrDamagedIsAnError) {
  const auto schema = mixed_schema();
  const auto grid = grid_of(40, 40);
  write("item", schema, grid, profile_of(48), 40, 3, false);
  const ChunkedItem item{folder / "item", grid, profile_of(48).layout};
  std::vector<uint16_t> red(1600);
  std::vector<uint8_t> valid(1600);
  const auto read = [&] {
    read_chunks(item, schema.bands[0], 1, grid, grid.window(), red.data(), valid.data());
  };
  std::filesystem::resize_file(folder / "item/red/1.0.0", 20);
  try {
    read();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corrupt);
    EXPECT_THAT(error.what(), HasSubstr("red/1.0.0"));
  }
  std::filesystem::remove(folder / "item/red/1.0.0");
  try {
    read();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::missing);
  }
}

void expect_refused(const CubeSchema& schema, const std::string& what) {
  try {
    check_chunked(schema, profile_of(32));
    FAIL() << what;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr(what));
  }
}

TEST_F(ChunkedCube, RefusesWhatACubeCannotHold) {
  auto schema = mixed_schema();
  schema.bands[0].nodata.reset();
  expect_refused(schema, "needs a value for invalid pixels");
  schema = mixed_schema();
  schema.bands[0].nodata = -1;
  expect_refused(schema, "is not a value of uint16");
  schema = mixed_schema();
  schema.bands[0].name = "a/b";
  expect_refused(schema, "cannot be called 'a/b'");
  schema.bands[0].name = "time";
  expect_refused(schema, "cannot be called 'time'");
  schema = mixed_schema();
  schema.slices[1].timed = false;
  expect_refused(schema, "without a time");
  EXPECT_THROW(check_chunked(mixed_schema(), profile_of(32, Codec::jpeg)), Error);
  EXPECT_THROW(
      ChunkedCubeWriter(folder.path(), "x", grid_of(100, 100), mixed_schema(), profile_of(50)),
      Error);
  EXPECT_NO_THROW(
      ChunkedCubeWriter(folder.path(), "x", grid_of(50, 50), mixed_schema(), profile_of(50)));
}

}  // namespace
}  // namespace geoloom::raster
