// SPDX-License-Identifier: Apache-2.0
#include "raster/cog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <thread>

#include "error/error.h"
#include "gdal/dataset.h"
#include "raster/test_folder.h"

namespace geoloom::raster {
namespace {

using testing::HasSubstr;

geo::Grid grid_of(int64_t width, int64_t height) {
  return {geo::Crs::parse("EPSG:32631"), 500'000, 5'000'000, 10, 10, width, height};
}

CubeSchema schema_of(PixelType type, size_t bands, std::optional<double> nodata,
                     size_t slices = 1) {
  CubeSchema schema;
  for (size_t i = 0; i < bands; ++i) {
    Band band;
    band.name = "b" + std::to_string(i + 1);
    band.type = type;
    band.nodata = nodata;
    schema.bands.push_back(band);
  }
  for (size_t i = 0; i < slices; ++i) schema.slices.push_back({{}, true, "t" + std::to_string(i)});
  return schema;
}

// Pixels that depend on their place only; about one in nine is invalid.
Block filled(const CubeSchema& schema, const geo::Window& window) {
  Block block(schema, window, 0, schema.slices.size());
  for (size_t slice = 0; slice < block.slices(); ++slice) {
    for (size_t band = 0; band < block.bands(); ++band) {
      visit(block.type(band), [&]<class T>(T) {
        const auto plane = block.plane<T>(band, slice);
        for (size_t i = 0; i < block.pixels(); ++i) {
          const auto x = static_cast<uint64_t>(window.x) + i % static_cast<uint64_t>(window.width);
          const auto y = static_cast<uint64_t>(window.y) + i / static_cast<uint64_t>(window.width);
          const uint64_t mixed = (x * 7919 + y * 104'729 + band * 31 + slice * 17) % 251;
          plane[i] = static_cast<T>(1 + mixed);
          block.validity(slice)[i] = (x / 5 + y / 3) % 9 == 0 ? 0 : 1;
        }
      });
    }
  }
  return block;
}

std::string bytes_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<geo::Window> tiles(const geo::Grid& grid, int64_t width, int64_t height) {
  std::vector<geo::Window> windows;
  for (int64_t y = 0; y < grid.height; y += height) {
    for (int64_t x = 0; x < grid.width; x += width) {
      windows.push_back(geo::Window{x, y, width, height}.intersect(grid.window()));
    }
  }
  return windows;
}

class Cog : public testing::Test {
 protected:
  static void SetUpTestSuite() { gdal::initialise(); }

  CogSummary write(const geo::Grid& grid, const CubeSchema& schema, const CogProfile& profile,
                   const std::vector<geo::Window>& windows, unsigned threads = 1) {
    const std::string stem = "file" + std::to_string(++count_);
    CogWriter writer(folder_.path(), stem, grid, schema, profile, {{"OPS", "load median"}});
    std::vector<std::jthread> workers;
    for (unsigned t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        for (size_t i = t; i < windows.size(); i += threads) {
          writer.write(filled(schema, windows[i]));
        }
      });
    }
    workers.clear();
    return writer.finish();
  }
  CogSummary write(const geo::Grid& grid, const CubeSchema& schema, const CogProfile& profile) {
    return write(grid, schema, profile, {grid.window()});
  }

  TestFolder folder_;
  int count_ = 0;
};

TEST_F(Cog, BytesDoNotDependOnOrderBlocksAndThreads) {
  for (const PixelType type : {PixelType::uint16, PixelType::float32}) {
    for (const bool mask : {false, true}) {
      const geo::Grid grid = grid_of(700, 530);
      const CubeSchema schema = schema_of(type, 2, mask ? std::nullopt : std::optional<double>(0));
      const CogSummary whole = write(grid, schema, {});
      std::vector<geo::Window> windows = tiles(grid, 100, 77);
      std::shuffle(windows.begin(), windows.end(), std::mt19937(3));
      const CogSummary parts = write(grid, schema, {}, windows, 4);
      EXPECT_EQ(whole.sha256, parts.sha256);
      EXPECT_EQ(whole.pixel_hash, parts.pixel_hash);
      EXPECT_EQ(bytes_of(whole.path), bytes_of(parts.path));
      EXPECT_EQ(whole.bands[1].deviation, parts.bands[1].deviation);
    }
  }
}

TEST_F(Cog, PixelHashIsThatOfThePixels) {
  const geo::Grid grid = grid_of(600, 520);
  const CubeSchema schema = schema_of(PixelType::int16, 3, -32768);
  const CogSummary deflate = write(grid, schema, {});
  const CogSummary zstd = write(grid, schema, {.codec = Codec::zstd, .block_size = 256});
  EXPECT_NE(deflate.sha256, zstd.sha256);
  EXPECT_EQ(deflate.pixel_hash, zstd.pixel_hash);
  EXPECT_EQ(pixel_hash_of_file(zstd.path), zstd.pixel_hash);
  const CogSummary other_nodata = write(grid, schema_of(PixelType::int16, 3, -1), {});
  EXPECT_EQ(other_nodata.pixel_hash, deflate.pixel_hash) << "nodata is no pixel";
  const CogSummary masked = write(grid, schema_of(PixelType::int16, 3, std::nullopt), {});
  EXPECT_EQ(masked.pixel_hash, deflate.pixel_hash);
  EXPECT_EQ(pixel_hash_of_file(masked.path), masked.pixel_hash);
  EXPECT_NE(write(grid, schema_of(PixelType::uint16, 3, 0), {}).pixel_hash, deflate.pixel_hash);
}

TEST_F(Cog, HoldsWhatWasWritten) {
  const geo::Grid grid = grid_of(300, 200);
  CubeSchema schema = schema_of(PixelType::uint16, 2, 0, 2);
  schema.bands[0].scale = 0.0001;
  schema.bands[0].offset = -0.1;
  schema.bands[0].unit = "1";
  const CogSummary summary = write(grid, schema, {});
  const gdal::Dataset dataset = gdal::Dataset::open(summary.path);
  const gdal::RasterInfo& info = dataset.info();
  ASSERT_EQ(info.bands.size(), 4U);
  EXPECT_EQ(info.bands[0].name, "b1_t0");
  EXPECT_EQ(info.bands[3].name, "b2_t1");
  EXPECT_EQ(info.bands[0].nodata, 0.0);
  EXPECT_EQ(info.bands[0].scale, 0.0001);
  EXPECT_EQ(info.bands[2].offset, -0.1);
  EXPECT_EQ(info.bands[0].unit, "1");
  EXPECT_EQ(info.grid, grid);
  EXPECT_EQ(info.bands[0].block_width, 256) << "an image of 300 pixels gets smaller tiles";
  EXPECT_THAT(info.overviews, testing::SizeIs(1));

  const Block expected = filled(schema, grid.window());
  std::vector<uint16_t> pixels(expected.pixels());
  dataset.read(grid.window(), {4}, gdal::BufferType::uint16, pixels.data(), 600, 0);
  uint64_t valid = 0;
  for (size_t i = 0; i < pixels.size(); ++i) {
    valid += expected.validity(1)[i];
    ASSERT_EQ(pixels[i], expected.validity(1)[i] != 0 ? expected.plane<uint16_t>(1, 1)[i] : 0);
  }
  ASSERT_EQ(summary.bands.size(), 4U);
  EXPECT_EQ(summary.bands[3].valid, valid);
  EXPECT_EQ(summary.bands[3].total, 60'000U);
  EXPECT_GE(summary.bands[3].minimum, 1);
  EXPECT_EQ(summary.bytes, static_cast<int64_t>(std::filesystem::file_size(summary.path)));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1)
      << "nothing else is left in the scratch folder";
}

TEST_F(Cog, PixelsNeverWrittenAreInvalid) {
  const geo::Grid grid = grid_of(600, 600);
  for (const bool mask : {false, true}) {
    for (const double nodata : {0.0, 77.0}) {
      const auto schema =
          schema_of(PixelType::uint8, 1, mask ? std::nullopt : std::optional(nodata));
      const CogSummary summary = write(grid, schema, {}, {{100, 100, 50, 50}});
      EXPECT_EQ(summary.mask_band, mask);
      std::vector<geo::Window> windows{{100, 100, 50, 50}};
      Block block(schema, grid.window(), 0, 1);
      block.copy_from(filled(schema, windows[0]));
      CogWriter writer(folder_.path(), "explicit", grid, schema, {}, {});
      writer.write(block);
      EXPECT_EQ(writer.finish().pixel_hash, summary.pixel_hash);
    }
  }
}

TEST_F(Cog, CountsValidPixelsThatLookInvalid) {
  const geo::Grid grid = grid_of(4, 1);
  const CubeSchema schema = schema_of(PixelType::uint8, 1, 3);
  Block block(schema, grid.window(), 0, 1);
  const uint8_t values[] = {1, 3, 3, 4};
  std::ranges::copy(values, block.plane<uint8_t>(0, 0).begin());
  std::ranges::fill(block.validity(0), uint8_t{1});
  block.validity(0)[2] = 0;
  CogWriter writer(folder_.path(), "collide", grid, schema, {}, {});
  writer.write(block);
  const CogSummary summary = writer.finish();
  EXPECT_EQ(summary.bands[0].nodata_collisions, 1U);
  EXPECT_EQ(summary.bands[0].valid, 2U) << "as readers will see it";
}

TEST_F(Cog, FloatNanIsNeverValid) {
  const geo::Grid grid = grid_of(3, 1);
  const double nan = std::nan("");
  for (const std::optional<double> nodata : {std::optional(nan), std::optional<double>()}) {
    const CubeSchema schema = schema_of(PixelType::float32, 1, nodata);
    Block block(schema, grid.window(), 0, 1);
    std::ranges::fill(block.validity(0), uint8_t{1});
    block.plane<float>(0, 0)[1] = std::numeric_limits<float>::quiet_NaN();
    CogWriter writer(folder_.path(), nodata ? "nan" : "mask", grid, schema, {}, {});
    writer.write(block);
    const CogSummary summary = writer.finish();
    EXPECT_EQ(summary.bands[0].valid, 2U);
    EXPECT_EQ(pixel_hash_of_file(summary.path), summary.pixel_hash);
  }
}

TEST_F(Cog, FourBytesBandsAreNoAlpha) {
  const geo::Grid grid = grid_of(64, 64);
  const CogSummary summary = write(grid, schema_of(PixelType::uint8, 4, 0), {});
  const gdal::Dataset dataset = gdal::Dataset::open(summary.path);
  ASSERT_EQ(dataset.info().bands.size(), 4U);
  for (const gdal::BandInfo& band : dataset.info().bands) {
    EXPECT_NE(band.colour, "alpha");
    EXPECT_FALSE(band.has_mask_band);
  }
  EXPECT_EQ(pixel_hash_of_file(summary.path), summary.pixel_hash);
}

TEST_F(Cog, OverviewsDoNotInventClasses) {
  const geo::Grid grid = grid_of(1024, 1024);
  CubeSchema schema = schema_of(PixelType::uint8, 1, 0);
  schema.bands[0].kind = BandKind::category;
  Block block(schema, grid.window(), 0, 1);
  for (size_t i = 0; i < block.pixels(); ++i) {
    block.plane<uint8_t>(0, 0)[i] = (i / 3 + i / 1024) % 2 == 0 ? 10 : 200;
    block.validity(0)[i] = 1;
  }
  CogWriter writer(folder_.path(), "classes", grid, schema, {}, {});
  writer.write(block);
  const gdal::Dataset dataset = gdal::Dataset::open(writer.finish().path);
  std::vector<uint8_t> small(512 * 512);
  dataset.read_overview(grid.window(), {1}, gdal::BufferType::uint8, small.data(), 512, 512);
  EXPECT_THAT(small, testing::Each(testing::AnyOf(10, 200)));
}

TEST_F(Cog, JpegHasAMask) {
  const geo::Grid grid = grid_of(200, 200);
  CubeSchema schema = schema_of(PixelType::uint8, 3, 0);
  schema.bands[0].name = "red";
  schema.bands[1].name = "green";
  schema.bands[2].name = "blue";
  const CogSummary summary = write(grid, schema, {.codec = Codec::jpeg});
  EXPECT_TRUE(summary.mask_band);
  const gdal::Dataset dataset = gdal::Dataset::open(summary.path);
  EXPECT_TRUE(dataset.info().bands[0].has_mask_band);
  EXPECT_FALSE(dataset.info().bands[0].nodata);
  std::vector<uint8_t> mask(200 * 200);
  dataset.read_mask(grid.window(), 1, mask.data(), 200);
  const Block block = filled(schema, grid.window());
  for (size_t i = 0; i < mask.size(); ++i) ASSERT_EQ(mask[i] != 0, block.validity(0)[i] != 0);
}

TEST_F(Cog, AMaskSaysWhatOneNodataCannot) {
  CubeSchema two_nodata = schema_of(PixelType::uint8, 2, 0);
  EXPECT_FALSE(has_mask_band(two_nodata, {}));
  two_nodata.bands[1].nodata = 255;
  EXPECT_TRUE(has_mask_band(two_nodata, {}));
  EXPECT_TRUE(write(grid_of(40, 40), two_nodata, {}).mask_band);
  const CubeSchema nan = schema_of(PixelType::float32, 1, std::nan(""));
  EXPECT_FALSE(has_mask_band(nan, {}));
  EXPECT_TRUE(has_mask_band(nan, {.codec = Codec::lerc}));
  const CubeSchema number = schema_of(PixelType::float32, 1, -1);
  EXPECT_FALSE(has_mask_band(number, {.codec = Codec::lerc}));
  EXPECT_TRUE(has_mask_band(number, {.codec = Codec::lerc, .max_z_error = 0.1}));
}

// Tiles of this file are so large that only four may be open at once; parts of it come in any
// order, so all of them are put aside and come back.
TEST_F(Cog, TilesThatDoNotFitInMemoryWaitOnDisk) {
  const geo::Grid grid = grid_of(1300, 1100);
  const CubeSchema schema = schema_of(PixelType::float32, 12, -1);
  const CogProfile profile{.level = 1};
  ASSERT_GT(12 * 512 * 512 * 4 * 9, 48 << 20);
  std::vector<geo::Window> windows = tiles(grid, 260, 220);
  std::shuffle(windows.begin(), windows.end(), std::mt19937(8));
  const CogSummary parts = write(grid, schema, profile, windows, 2);
  const CogSummary whole = write(grid, schema, profile);
  EXPECT_EQ(parts.sha256, whole.sha256);
  EXPECT_EQ(parts.pixel_hash, pixel_hash_of_file(whole.path));
}

// Every codec, type, predictor and way to say what is invalid, on sizes that are no whole tiles.
TEST_F(Cog, ReadersGetBackWhatWasWritten) {
  const std::vector<std::pair<int64_t, int64_t>> sizes{{300, 205}, {517, 33}, {1, 1}, {129, 640}};
  size_t at = 0;
  for (const Codec codec : {Codec::deflate, Codec::zstd, Codec::lzw, Codec::lerc})
    for (const PixelType type :
         {PixelType::uint8, PixelType::uint16, PixelType::int16, PixelType::float32})
      for (const bool predictor : {false, true})
        for (const bool mask : {false, true})
          for (const size_t bands : {size_t{1}, size_t{3}, size_t{4}}) {
            const auto [width, height] = sizes[at++ % sizes.size()];
            const CubeSchema schema =
                schema_of(type, bands, mask ? std::nullopt : std::optional<double>(0));
            const CogProfile profile{.codec = codec,
                                     .level = codec == Codec::zstd ? 3 : 1,
                                     .block_size = 128,
                                     .predictor = predictor};
            const CogSummary summary = write(grid_of(width, height), schema, profile);
            EXPECT_EQ(pixel_hash_of_file(summary.path), summary.pixel_hash)
                << name(codec) << " " << raster::name(type) << " x " << bands
                << (predictor ? " predicted" : "") << (mask ? " masked" : "");
            std::filesystem::remove(summary.path);
          }
}

TEST_F(Cog, BigTiffHoldsTheSame) {
  for (const bool mask : {false, true})
    for (const auto& [width, height] :
         {std::pair<int64_t, int64_t>{700, 530}, {60, 60}, {200, 90}}) {
      const CubeSchema schema =
          schema_of(PixelType::uint8, 3, mask ? std::nullopt : std::optional<double>(0));
      const CogSummary classic = write(grid_of(width, height), schema, {});
      const CogSummary big = write(grid_of(width, height), schema, {.always_big_tiff = true});
      EXPECT_EQ(bytes_of(classic.path).substr(0, 4), std::string("II*\0", 4));
      EXPECT_EQ(bytes_of(big.path).substr(0, 4), std::string("II+\0", 4));
      EXPECT_EQ(pixel_hash_of_file(big.path), classic.pixel_hash);
      const gdal::Dataset dataset = gdal::Dataset::open(big.path);
      EXPECT_EQ(dataset.info().overviews, gdal::Dataset::open(classic.path).info().overviews);
    }
}

TEST_F(Cog, RefusesWhatAFileCannotHold) {
  const geo::Grid grid = grid_of(10, 10);
  const auto message = [&](const CubeSchema& schema, const CogProfile& profile) -> std::string {
    try {
      CogWriter(folder_.path(), "no", grid, schema, profile, {});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::invalid);
      return e.message() + " " + e.hint();
    }
    return "";
  };
  CubeSchema mixed = schema_of(PixelType::uint8, 2, 0);
  mixed.bands[1].type = PixelType::float32;
  EXPECT_THAT(message(mixed, {}), HasSubstr("separate layers"));
  EXPECT_THAT(message(schema_of(PixelType::uint8, 1, 256), {}), HasSubstr("nodata 256"));
  EXPECT_THAT(message(schema_of(PixelType::uint8, 1, std::nan("")), {}), HasSubstr("nodata"));
  EXPECT_THAT(message(schema_of(PixelType::uint16, 3, 0), {.codec = Codec::jpeg}),
              HasSubstr("JPEG"));
  EXPECT_THAT(message(schema_of(PixelType::uint8, 2, 0), {.codec = Codec::jpeg}),
              HasSubstr("JPEG"));
  EXPECT_THAT(message(schema_of(PixelType::uint8, 1, 0), {.level = 13}), HasSubstr("level 13"));
  EXPECT_THAT(message(schema_of(PixelType::uint8, 1, 0), {.codec = Codec::lerc, .max_z_error = -1}),
              HasSubstr("max_z_error"));
  EXPECT_THAT(message(schema_of(PixelType::uint8, 1, 0), {.block_size = 500}),
              HasSubstr("multiple of 16"));
  EXPECT_THAT(message(schema_of(PixelType::uint8, 0, 0), {}), HasSubstr("at least one band"));
}

TEST_F(Cog, LeavesNoScratchFileBehind) {
  {
    CogWriter writer(folder_.path(), "broken", grid_of(10, 10), schema_of(PixelType::uint8, 1, 0),
                     {}, {});
    EXPECT_THROW(writer.write(filled(schema_of(PixelType::uint8, 1, 0), {5, 5, 10, 10})), Error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace geoloom::raster
