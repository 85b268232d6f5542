// SPDX-License-Identifier: Apache-2.0
#include "raster/asset_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "error/error.h"
#include "gdal/geotiff_writer.h"
#include "raster/test_folder.h"

namespace geoloom::raster {
namespace {

using testing::HasSubstr;

geo::Grid grid_of(double origin_x, double origin_y, double size, int64_t width, int64_t height) {
  return {geo::Crs::parse("EPSG:32631"), origin_x, origin_y, size, size, width, height};
}

// A value that says where it is from.
uint16_t value_at(int band, int64_t column, int64_t row) {
  return static_cast<uint16_t>(band * 20'000 + row * 100 + column);
}

class AssetReader : public testing::Test {
 protected:
  static void SetUpTestSuite() { gdal::initialise(); }

  // width x height pixels of value_at in three bands.
  Asset scene(const geo::Grid& grid) {
    gdal::ScratchWriter::Options options;
    options.type = gdal::BufferType::uint16;
    options.bands.resize(3);
    options.block_size = 16;
    const std::string path = folder_ / "scene.tif";
    gdal::ScratchWriter writer(path, grid, options);
    for (int band = 1; band <= 3; ++band) {
      std::vector<uint16_t> pixels;
      for (int64_t row = 0; row < grid.height; ++row) {
        for (int64_t column = 0; column < grid.width; ++column) {
          pixels.push_back(value_at(band, column, row));
        }
      }
      writer.write(grid.window(), band, pixels.data(), static_cast<size_t>(grid.width) * 2);
    }
    writer.close();
    return Asset::open(path);
  }

  template <class T>
  Asset one_row(const std::vector<T>& pixels, gdal::BufferType type,
                const std::vector<uint8_t>& mask = {}) {
    gdal::ScratchWriter::Options options;
    options.type = type;
    options.bands.resize(1);
    options.mask_band = !mask.empty();
    const auto width = static_cast<int64_t>(pixels.size());
    const std::string path = folder_ / "row.tif";
    gdal::ScratchWriter writer(path, grid_of(0, 10, 10, width, 1), options);
    writer.write({0, 0, width, 1}, 1, pixels.data(), pixels.size() * sizeof(T));
    if (!mask.empty()) writer.write_mask({0, 0, width, 1}, mask.data(), mask.size());
    writer.close();
    return Asset::open(path);
  }

  template <class T>
  std::vector<uint8_t> validity_of(const std::vector<T>& pixels, gdal::BufferType type,
                                   std::optional<double> nodata,
                                   const std::vector<uint8_t>& mask = {}) {
    const Asset asset = one_row(pixels, type, mask);
    const auto width = static_cast<int64_t>(pixels.size());
    const AssetPlacement placement = place_asset(asset.info(), grid_of(0, 10, 10, width, 1));
    std::vector<T> plane(pixels.size());
    std::vector<uint8_t> valid(pixels.size(), 7);
    read_asset(asset, placement, {0, 0, width, 1}, {{1, pixel_type<T>(), nodata}}, {plane.data()},
               {valid.data()});
    return valid;
  }

  TestFolder folder_;
};

// Reads bands 3 and 1 of a window into a block and compares with the rule, for several budgets.
void expect_window(const Asset& asset, const geo::Grid& target, const geo::Window& window) {
  const AssetPlacement placement = place_asset(asset.info(), target);
  CubeSchema schema;
  schema.bands.resize(2);
  schema.slices.resize(1);
  schema.validity_per_band = true;
  for (const size_t scratch : {size_t{4} << 20, size_t{3000}, size_t{1}}) {
    Block block(schema, window, 0, 1);
    std::ranges::fill(block.plane<uint16_t>(0, 0), uint16_t{9});
    read_asset(asset, placement, window,
               {{3, PixelType::uint16, std::nullopt}, {1, PixelType::uint16, std::nullopt}},
               {block.raw_plane(0, 0), block.raw_plane(1, 0)},
               {block.validity(0, 0).data(), block.validity(0, 1).data()}, scratch);
    for (size_t i = 0; i < block.pixels(); ++i) {
      const int64_t column =
          placement.mapping.source_column(window.x + static_cast<int64_t>(i) % window.width);
      const int64_t row =
          placement.mapping.source_row(window.y + static_cast<int64_t>(i) / window.width);
      const bool in = column >= 0 && row >= 0 && column < placement.raster.width &&
                      row < placement.raster.height;
      ASSERT_EQ(block.validity(0, 0)[i], in ? 1 : 0) << i;
      ASSERT_EQ(block.validity(0, 1)[i], in ? 1 : 0) << i;
      ASSERT_EQ(block.plane<uint16_t>(0, 0)[i], in ? value_at(3, column, row) : 9) << i;
      ASSERT_EQ(block.plane<uint16_t>(1, 0)[i], in ? value_at(1, column, row) : 0) << i;
    }
  }
}

TEST_F(AssetReader, EqualGrids) {
  const geo::Grid grid = grid_of(500'000, 5'000'000, 10, 70, 50);
  const Asset asset = scene(grid);
  expect_window(asset, grid, grid.window());
  expect_window(asset, grid, {-5, -3, 20, 20});
  expect_window(asset, grid, {60, 40, 30, 30});
  expect_window(asset, grid, {-1, -1, 90, 90});
  expect_window(asset, grid, {200, 0, 5, 5});
  expect_window(asset, grid_of(500'100, 5'000'050, 10, 40, 40), {0, 0, 40, 40});
}

TEST_F(AssetReader, CoarserFilesAreRepeated) {
  const Asset asset = scene(grid_of(500'000, 5'000'000, 20, 40, 30));
  const geo::Grid target = grid_of(500'000, 5'000'000, 10, 80, 60);
  expect_window(asset, target, target.window());
  expect_window(asset, target, {-3, 7, 33, 61});
  expect_window(asset, grid_of(500'010, 4'999'990, 10, 78, 58), {0, 0, 78, 58});
}

TEST_F(AssetReader, FinerFilesArePicked) {
  const Asset asset = scene(grid_of(500'000, 5'000'000, 10, 90, 60));
  const geo::Grid target = grid_of(500'000, 5'000'000, 30, 30, 20);
  expect_window(asset, target, target.window());
  expect_window(asset, target, {-2, -2, 40, 30});
  expect_window(asset, grid_of(500'000, 5'000'000, 60, 15, 10), {0, 0, 15, 10});
}

TEST_F(AssetReader, SaysWhyGridsDoNotMatch) {
  const Asset asset = scene(grid_of(500'000, 5'000'000, 10, 20, 20));
  try {
    place_asset(asset.info(), grid_of(500'004, 5'000'000, 10, 20, 20));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid);
    EXPECT_THAT(e.message(), HasSubstr("shifted"));
  }
  gdal::RasterInfo rotated;
  rotated.why_no_grid = "rotated";
  EXPECT_THROW(place_asset(rotated, grid_of(0, 0, 10, 1, 1)), Error);
}

TEST_F(AssetReader, NodataIsComparedOnRawValues) {
  const std::vector<uint8_t> bytes{0, 1, 255};
  using V = std::vector<uint8_t>;
  EXPECT_EQ(validity_of(bytes, gdal::BufferType::uint8, 0.0), (V{0, 1, 1}));
  EXPECT_EQ(validity_of(bytes, gdal::BufferType::uint8, 255.0), (V{1, 1, 0}));
  EXPECT_EQ(validity_of(bytes, gdal::BufferType::uint8, -9999.0), (V{1, 1, 1}));
  EXPECT_EQ(validity_of(bytes, gdal::BufferType::uint8, 256.0), (V{1, 1, 1}));
  EXPECT_EQ(validity_of(bytes, gdal::BufferType::uint8, 0.5), (V{1, 1, 1}));
  EXPECT_EQ(validity_of(bytes, gdal::BufferType::uint8, std::nan("")), (V{1, 1, 1}));
  EXPECT_EQ(validity_of(bytes, gdal::BufferType::uint8, std::nullopt), (V{1, 1, 1}));
}

TEST_F(AssetReader, FloatNodataAndNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float lowest = std::numeric_limits<float>::lowest();
  const std::vector<float> values{0.1F, nan, lowest, -9999, 0};
  using V = std::vector<uint8_t>;
  const auto type = gdal::BufferType::float32;
  EXPECT_EQ(validity_of(values, type, std::nullopt), (V{1, 0, 1, 1, 1}));
  EXPECT_EQ(validity_of(values, type, std::nan("")), (V{1, 0, 1, 1, 1}));
  EXPECT_EQ(validity_of(values, type, 0.1), (V{0, 0, 1, 1, 1})) << "compared as float";
  EXPECT_EQ(validity_of(values, type, -3.4028234663852886e38), (V{1, 0, 0, 1, 1}));
  EXPECT_EQ(validity_of(values, type, -9999.0), (V{1, 0, 1, 0, 1}));
  EXPECT_EQ(validity_of(values, type, -1.7976931348623157e308), (V{1, 0, 1, 1, 1}));
}

TEST_F(AssetReader, MaskBandAndNodataBothCount) {
  const std::vector<uint8_t> bytes{5, 6, 7, 8};
  EXPECT_EQ(validity_of(bytes, gdal::BufferType::uint8, 7.0, {255, 0, 255, 255}),
            (std::vector<uint8_t>{1, 0, 0, 1}));
}

TEST_F(AssetReader, BandsMayShareValidity) {
  const geo::Grid grid = grid_of(500'000, 5'000'000, 10, 4, 1);
  const Asset asset = scene(grid);
  std::vector<uint16_t> a(4), b(4);
  std::vector<uint8_t> valid(4, 9);
  read_asset(asset, place_asset(asset.info(), grid), grid.window(),
             {{1, PixelType::uint16, value_at(1, 0, 0)}, {2, PixelType::uint16, value_at(2, 3, 0)}},
             {a.data(), b.data()}, {valid.data(), valid.data()});
  EXPECT_EQ(valid, (std::vector<uint8_t>{0, 1, 1, 0}));
}

TEST_F(AssetReader, RefusesBandsThatAreNotThere) {
  const geo::Grid grid = grid_of(500'000, 5'000'000, 10, 4, 1);
  const Asset asset = scene(grid);
  std::vector<uint16_t> plane(4);
  std::vector<uint8_t> valid(4);
  EXPECT_THROW(read_asset(asset, place_asset(asset.info(), grid), grid.window(),
                          {{4, PixelType::uint16, {}}}, {plane.data()}, {valid.data()}),
               Error);
}

TEST_F(AssetReader, SampleTypesBecomePixelTypes) {
  EXPECT_EQ(pixel_type_of(gdal::SampleType::int8), PixelType::int16);
  EXPECT_EQ(pixel_type_of(gdal::SampleType::uint32), PixelType::float32);
  EXPECT_THROW(pixel_type_of(gdal::SampleType::other), Error);
}

}  // namespace
}  // namespace geoloom::raster
