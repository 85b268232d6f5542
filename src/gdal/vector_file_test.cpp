// SPDX-License-Identifier: Apache-2.0
#include "gdal/vector_file.h"

#include <gtest/gtest.h>

#include "gdal/allowed_roots.h"
#include "gdal/test_files.h"

namespace geoloom::gdal {
namespace {

constexpr const char* kTwoFields =
    R"({"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"name": "a", "class": 1}, "geometry":
      {"type": "Polygon", "coordinates": [[[1, 2], [2, 2], [2, 3], [1, 2]]]}},
    {"type": "Feature", "properties": {"name": "b", "class": 2}, "geometry":
      {"type": "Point", "coordinates": [7, 8, 9]}},
    {"type": "Feature", "properties": {"name": "c", "class": 2}, "geometry": null}]})";

TEST(VectorFiles, GeoJson) {
  const TestFolder folder;
  const auto path = folder.put("fields.geojson", kTwoFields);
  const auto layers = read_vectors(path, {.columns = {"name"}});
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].crs.code(), "EPSG:4326");
  ASSERT_EQ(layers[0].features.size(), 2U);  // what has no shape is left out
  EXPECT_EQ(layers[0].features[0].values, std::vector<std::string>{"a"});
  EXPECT_EQ(layers[0].features[1].geometry.wkt(), "POINT (7 8)");
}

TEST(VectorFiles, ConditionsAndWhatIsWrongWithThem) {
  const TestFolder folder;
  const auto path = folder.put("fields.geojson", kTwoFields);
  EXPECT_EQ(read_vectors(path, {.where = "class = 1"})[0].features.size(), 1U);
  EXPECT_EQ(error_of([&] { read_vectors(path, {.where = "clas = 1"}); }).code(),
            ErrorCode::invalid);
  const Error column = error_of([&] { read_vectors(path, {.columns = {"nane"}}); });
  EXPECT_NE(column.hint().find("name"), std::string::npos) << column.what();
  const Error layer = error_of([&] { read_vectors(path, {.layer = "field"}); });
  EXPECT_NE(layer.hint().find("fields"), std::string::npos) << layer.what();
}

TEST(VectorFiles, WhatWasWrittenIsRead) {
  const TestFolder folder;
  for (const std::string name : {"tiles.gpkg", "tiles.geojson"}) {
    VectorWriter writer(folder.file(name));
    writer.begin_layer("tiles", geo::Crs::parse("EPSG:4326"), {{"name"}, {"index", true}});
    writer.add(Geometry::box({1, 2, 3, 4}), {"first", "0"});
    writer.add(Geometry::box({3, 2, 4, 4}), {"second", "1"});
    EXPECT_FALSE(std::filesystem::exists(folder.file(name)));
    writer.close();
    const auto layers = read_vectors(folder.file(name), {.columns = {"name", "index"}});
    ASSERT_EQ(layers.size(), 1U);
    ASSERT_EQ(layers[0].features.size(), 2U);
    EXPECT_EQ(layers[0].features[1].values, (std::vector<std::string>{"second", "1"}));
    EXPECT_EQ(layers[0].features[0].geometry.bounds().max_y, 4);
  }
  EXPECT_EQ(folder.count(), 2U);  // nothing is left beside them
}

TEST(VectorFiles, LayersHaveTheirOwnCrs) {
  const TestFolder folder;
  VectorWriter writer(folder.file("zones.gpkg"));
  for (const char* code : {"EPSG:32631", "EPSG:32632"}) {
    writer.begin_layer(code, geo::Crs::parse(code), {{"name"}});
    writer.add(Geometry::box({1, 2, 3, 4}), {"cell"});
  }
  writer.close();
  const auto layers = read_vectors(folder.file("zones.gpkg"), {});
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[1].crs.code(), "EPSG:32632");
  EXPECT_EQ(read_vectors(folder.file("zones.gpkg"), {.layer = "EPSG:32631"}).size(), 1U);
}

TEST(VectorFiles, AWriterThatIsGivenUpLeavesNothing) {
  const TestFolder folder;
  {
    VectorWriter writer(folder.file("tiles.gpkg"));
    writer.begin_layer("tiles", geo::Crs::parse("EPSG:4326"), {{"name"}});
  }
  EXPECT_EQ(folder.count(), 0U);
  EXPECT_EQ(error_of([&] { VectorWriter writer(folder.file("tiles.shp")); }).code(),
            ErrorCode::invalid);
  EXPECT_EQ(error_of([&] { VectorWriter writer("s3://bucket/tiles.gpkg"); }).code(),
            ErrorCode::invalid);
}

TEST(VectorFiles, TablesWithShapesHaveNoCrs) {
  const TestFolder folder;
  const auto path = folder.put("a.csv", "id,WKT\n1,\"POLYGON ((0 0,1 0,1 1,0 0))\"\n");
  const auto layers = read_vectors(path, {.columns = {"id"}});
  ASSERT_EQ(layers.at(0).features.size(), 1U);
  EXPECT_FALSE(layers[0].crs.known());
  EXPECT_EQ(layers[0].features[0].geometry.area(), 0.5);
  const auto points = read_vectors(folder.put("b.csv", "lon,lat\n3,4\n"), {});
  EXPECT_EQ(points.at(0).features.at(0).geometry.wkt(), "POINT (3 4)");
}

TEST(VectorFiles, WhatIsNotReadAsOne) {
  const TestFolder folder;
  EXPECT_EQ(error_of([&] { read_vectors(folder.file("none.geojson"), {}); }).code(),
            ErrorCode::missing);
  EXPECT_EQ(error_of([&] { read_vectors(folder.put("e.geojson", ""), {}); }).code(),
            ErrorCode::corrupt);
  EXPECT_EQ(error_of([&] { read_vectors(folder.put("x.geojson", "{\"a\": 1}"), {}); }).code(),
            ErrorCode::invalid);
  EXPECT_EQ(error_of([&] { read_vectors("PG:dbname=x", {}); }).code(), ErrorCode::denied);
  const auto vrt =
      folder.put("v.vrt", "<OGRVRTDataSource><OGRVRTLayer name=\"a\"/></OGRVRTDataSource>");
  EXPECT_EQ(error_of([&] { read_vectors(vrt, {}); }).code(), ErrorCode::invalid);
}

TEST(VectorFiles, KeepToTheAllowedRoots) {
  const TestFolder folder;
  std::filesystem::create_directories(folder.file("in"));
  const auto outside = folder.put("outside.geojson", kTwoFields);
  const auto inside = folder.put("in/fields.geojson", kTwoFields);
  const AccessRestriction restriction({.read = {folder.file("in")}, .write = {folder.file("in")}});
  EXPECT_EQ(read_vectors(inside, {}).size(), 1U);
  EXPECT_EQ(error_of([&] { read_vectors(outside, {}); }).code(), ErrorCode::denied);
  EXPECT_EQ(error_of([&] { VectorWriter writer(folder.file("tiles.gpkg")); }).code(),
            ErrorCode::denied);
}

TEST(VectorInfo, TellsLayersColumnsAndExtents) {
  const TestFolder folder;
  const auto path = folder.file("points.csv");
  std::ofstream(path) << "lon,lat,code\n1.5,43,7\n2.5,44,8\n";
  const auto layers = describe_vectors(path);
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].features, 2);
  EXPECT_EQ(layers[0].geometry, "Point");
  EXPECT_FALSE(layers[0].crs.known());
  ASSERT_TRUE(layers[0].bounds);
  EXPECT_EQ(layers[0].bounds->min_x, 1.5);
  EXPECT_EQ(layers[0].bounds->max_y, 44);
  ASSERT_EQ(layers[0].columns.size(), 3U);
  EXPECT_EQ(layers[0].columns[2].name, "code");
  std::ofstream(folder.file("table.csv")) << "a,b\n1,2\n";
  EXPECT_FALSE(describe_vectors(folder.file("table.csv"))[0].bounds);
  EXPECT_TRUE(named_like_vectors("x/Y.GPKG"));
  EXPECT_FALSE(named_like_vectors("x/y.tif"));
}

}  // namespace
}  // namespace geoloom::gdal
