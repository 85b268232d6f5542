// SPDX-License-Identifier: Apache-2.0
#include "raster/zarr_metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

namespace geoloom::raster {
namespace {

using nlohmann::json;

ZarrCube cube() {
  ZarrCube cube;
  cube.title = "reflectance";
  cube.grid = {geo::Crs::parse("EPSG:32631"), 500'000, 5'000'000, 10, 20, 100, 70};
  cube.bands = {{.name = "red",
                 .type = PixelType::uint16,
                 .scale = 0.0001,
                 .offset = -0.1,
                 .unit = "1",
                 .nodata = 0},
                {.name = "NDVI",
                 .type = PixelType::float32,
                 .nodata = std::numeric_limits<double>::quiet_NaN()}};
  cube.slices = {{{1000, 2000}, true, "2018-05"}, {{2000, 3000}, true, "Mühle"}};
  cube.profile = {.layout = {.side = 64, .codec = Codec::zstd}, .level = 9};
  return cube;
}

std::map<std::string, std::string> objects_of(const ZarrCube& cube) {
  const auto objects = zarr_metadata(cube);
  EXPECT_EQ(objects.back().first, ".zmetadata");
  return {objects.begin(), objects.end()};
}

template <class T>
std::vector<T> values_of(const std::string& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

TEST(ZarrMetadata, NamesOfClassesAreFlags) {
  auto named = cube();
  named.bands[0].class_names = {{0, "bare soil"}, {7, "water"}};
  const auto attributes = json::parse(objects_of(named).at("red/.zattrs"));
  EXPECT_EQ(attributes["flag_values"], json({0, 7}));
  EXPECT_EQ(attributes["flag_meanings"], "bare_soil water");
}

TEST(ZarrMetadata, DescribesArraysAsVersion2Does) {
  const auto objects = objects_of(cube());
  const auto array = json::parse(objects.at("red/.zarray"));
  EXPECT_EQ(array["shape"], json({2, 70, 100}));
  EXPECT_EQ(array["chunks"], json({1, 64, 64}));
  EXPECT_EQ(array["dtype"], "<u2");
  EXPECT_EQ(array["fill_value"], 0);
  EXPECT_EQ(array["compressor"], json({{"id", "zstd"}, {"level", 9}}));
  EXPECT_EQ(array["zarr_format"], 2);
  EXPECT_EQ(json::parse(objects.at("NDVI/.zarray"))["fill_value"], "NaN");
  const auto attributes = json::parse(objects.at("red/.zattrs"));
  EXPECT_EQ(attributes["_ARRAY_DIMENSIONS"], json({"time", "y", "x"}));
  EXPECT_EQ(attributes["scale_factor"], 0.0001);
  EXPECT_EQ(attributes["add_offset"], -0.1);
  EXPECT_EQ(attributes["grid_mapping"], "spatial_ref");
  EXPECT_EQ(attributes["units"], "1");
  EXPECT_FALSE(json::parse(objects.at("NDVI/.zattrs")).contains("scale_factor"));
}

TEST(ZarrMetadata, CoordinatesAreCentresOfPixelsAndStartsOfPeriods) {
  const auto objects = objects_of(cube());
  const auto x = values_of<double>(objects.at("x/0")), y = values_of<double>(objects.at("y/0"));
  ASSERT_EQ(x.size(), 100U);
  ASSERT_EQ(y.size(), 70U);
  EXPECT_EQ(x[0], 500'005);
  EXPECT_EQ(x[99], 500'995);
  EXPECT_EQ(y[0], 4'999'990);
  EXPECT_EQ(y[69], 4'998'610);
  EXPECT_THAT(values_of<int64_t>(objects.at("time/0")), testing::ElementsAre(1000, 2000));
  EXPECT_THAT(values_of<int64_t>(objects.at("time_bnds/0.0")),
              testing::ElementsAre(1000, 2000, 2000, 3000));
  EXPECT_EQ(json::parse(objects.at("time/.zattrs"))["bounds"], "time_bnds");
  EXPECT_EQ(json::parse(objects.at("label/.zarray"))["dtype"], "<U7");
  EXPECT_THAT(values_of<char32_t>(objects.at("label/0")),
              testing::ElementsAre(U'2', U'0', U'1', U'8', U'-', U'0', U'5', U'M', U'ü', U'h', U'l',
                                   U'e', U'\0', U'\0'));
  const auto mapping = json::parse(objects.at("spatial_ref/.zattrs"));
  EXPECT_EQ(mapping["crs_wkt"], cube().grid.crs.wkt());
  EXPECT_EQ(mapping["GeoTransform"], "500000 10 0 5000000 0 -20");
}

TEST(ZarrMetadata, ConsolidatedMetadataRepeatTheOthers) {
  const auto objects = objects_of(cube());
  const auto all = json::parse(objects.at(".zmetadata"));
  size_t documents = 0;
  for (const auto& [name, bytes] : objects) {
    if (name.find(".z") == std::string::npos || name == ".zmetadata") continue;
    EXPECT_EQ(all["metadata"].at(name), json::parse(bytes)) << name;
    ++documents;
  }
  EXPECT_EQ(all["metadata"].size(), documents);
  EXPECT_EQ(zarr_metadata(cube()), zarr_metadata(cube()));
}

TEST(ZarrMetadata, InstantsHaveNoBoundsAndOneSliceWithoutTimeNoTimeAxis) {
  auto instants = cube();
  for (auto& slice : instants.slices) slice.period.end = slice.period.start;
  EXPECT_FALSE(objects_of(instants).contains("time_bnds/0.0"));
  auto still = cube();
  still.slices = {{{}, false, "all"}};
  const auto objects = objects_of(still);
  EXPECT_FALSE(objects.contains("time/0"));
  EXPECT_EQ(json::parse(objects.at("red/.zarray"))["shape"], json({70, 100}));
  EXPECT_EQ(zarr_chunk_name(still, "red", 0, 1, 2), "red/1.2");
  EXPECT_EQ(zarr_chunk_name(cube(), "red", 1, 1, 2), "red/1.1.2");
}

TEST(ZarrMetadata, DegreesAreLatitudeAndLongitude) {
  auto degrees = cube();
  degrees.grid.crs = geo::Crs::parse("EPSG:4326");
  const auto objects = objects_of(degrees);
  EXPECT_EQ(json::parse(objects.at("x/.zattrs"))["units"], "degrees_east");
  EXPECT_EQ(json::parse(objects.at("y/.zattrs"))["standard_name"], "latitude");
  EXPECT_EQ(json::parse(objects.at("spatial_ref/.zattrs"))["grid_mapping_name"],
            "latitude_longitude");
}

}  // namespace
}  // namespace geoloom::raster
