// SPDX-License-Identifier: Apache-2.0
#include "gdal/preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "error/error.h"
#include "gdal/geotiff_writer.h"
#include "gdal/test_files.h"

namespace geoloom::gdal {
namespace {

struct Seen {
  int64_t width = 0, height = 0;
  std::vector<std::vector<uint8_t>> planes;
};

Seen look_at(const std::string& png) {
  const TestFolder folder;
  const auto dataset = Dataset::open(folder.put("seen.png", png));
  Seen seen{dataset.info().width, dataset.info().height, {}};
  for (int band = 1; band <= static_cast<int>(dataset.info().bands.size()); ++band) {
    std::vector<uint8_t> plane(static_cast<size_t>(seen.width * seen.height));
    dataset.read({0, 0, seen.width, seen.height}, {band}, BufferType::uint8, plane.data(),
                 static_cast<size_t>(seen.width), 0);
    seen.planes.push_back(std::move(plane));
  }
  return seen;
}

TEST(Preview, PicturesKeepTheirColoursAndGetSmaller) {
  const TestFolder folder;
  const auto path = folder.file("picture.png");
  const std::vector<uint8_t> red(60 * 40, 200), green(60 * 40, 100), blue(60 * 40, 7);
  write_png(path, 60, 40, {red.data(), green.data(), blue.data()});
  const auto seen = look_at(preview_png(path, 30));
  EXPECT_EQ(seen.width, 30);
  EXPECT_EQ(seen.height, 20);
  ASSERT_EQ(seen.planes.size(), 4U);
  EXPECT_THAT(seen.planes[0], testing::Each(200));
  EXPECT_THAT(seen.planes[1], testing::Each(100));
  EXPECT_THAT(seen.planes[2], testing::Each(7));
  EXPECT_THAT(seen.planes[3], testing::Each(255));
}

TEST(Preview, ValuesAreStretchedAndInvalidOnesTransparent) {
  const TestFolder folder;
  const auto path = folder.file("values.tif");
  const geo::Grid grid{geo::Crs::parse("EPSG:32631"), 0, 0, 10, 10, 16, 16};
  std::vector<uint16_t> values(256);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint16_t>(1000 + i);
  values[3] = 0;
  ScratchWriter writer(path, grid,
                       {.type = BufferType::uint16, .bands = {{.name = "red"}}, .nodata = 0});
  writer.write(grid.window(), 1, values.data(), 32);
  writer.close();
  const auto seen = look_at(preview_png(path, 256));
  EXPECT_EQ(seen.width, 16) << "never enlarged";
  EXPECT_EQ(seen.planes[3][3], 0);
  EXPECT_EQ(seen.planes[3][4], 255);
  EXPECT_EQ(seen.planes[0][0], 0);
  EXPECT_EQ(seen.planes[0][255], 255);
  EXPECT_LT(seen.planes[0][100], seen.planes[0][120]);
}

TEST(Preview, ClassesAreDrawnInTheirColours) {
  const TestFolder folder;
  const auto path = folder.file("classes.tif");
  const geo::Grid grid{geo::Crs::parse("EPSG:32631"), 0, 0, 10, 10, 16, 16};
  const std::vector<uint8_t> values(256, 2);
  ScratchWriter writer(path, grid, {.bands = {{.name = "class"}}});
  writer.set_colour_table({{{0, 0, 0}, {1, 2, 3}, {40, 50, 60}}});
  writer.write(grid.window(), 1, values.data(), 16);
  writer.close();
  const auto seen = look_at(preview_png(path, 8));
  EXPECT_THAT(seen.planes[0], testing::Each(40));
  EXPECT_THAT(seen.planes[2], testing::Each(60));
}

TEST(Preview, WhatIsNoRasterIsRefused) {
  const TestFolder folder;
  const auto path = folder.file("text.png");
  (void)folder.put("text.png", "not a picture");
  EXPECT_THROW((void)preview_png(path, 8), Error);
  EXPECT_THROW((void)preview_png(folder.file("absent.png"), 8), Error);
}

}  // namespace
}  // namespace geoloom::gdal
