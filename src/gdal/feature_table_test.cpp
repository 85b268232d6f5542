// SPDX-License-Identifier: Apache-2.0
#include "gdal/feature_table.h"

#include <gtest/gtest.h>

#include "gdal/test_files.h"
#include "gdal/vector_file.h"

namespace geoloom::gdal {
namespace {

constexpr const char* kFeatures =
    R"({"type": "FeatureCollection", "features": [
    {"type": "Feature", "id": 5, "properties": {"name": "a", "size": 0.1}, "geometry":
      {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}},
    {"type": "Feature", "id": 9, "properties": {"name": null, "size": 2}, "geometry":
      {"type": "Point", "coordinates": [7, 8, 9]}},
    {"type": "Feature", "id": 10, "properties": {"name": "c", "size": 3}, "geometry": null}]})";

std::string clip(const char* wkt, const geo::Box& box = {0, 0, 10, 10}) {
  const auto inside = clipped(Geometry::from_wkt(wkt), box);
  return inside.empty() ? "" : inside.wkt();
}

TEST(Clipped, KeepsTheKindOfAShape) {
  EXPECT_EQ(Geometry::from_wkt(clip("POLYGON ((5 5, 15 5, 15 8, 5 8, 5 5))")).area(), 15);
  EXPECT_EQ(clip("POLYGON ((10 5, 15 5, 15 8, 10 8, 10 5))"), "") << "an edge is no area";
  EXPECT_EQ(clip("POLYGON ((10 10, 15 10, 15 12, 10 10))"), "");
  EXPECT_EQ(clip("LINESTRING (5 5, 15 5)"), "LINESTRING (5 5,10 5)");
  EXPECT_EQ(clip("LINESTRING (10 5, 15 5)"), "") << "a point is no length";
  EXPECT_EQ(clip("LINESTRING (10 2, 10 4)"), "LINESTRING (10 2,10 4)") << "of both boxes";
  // A part that lies within and one that only touches.
  EXPECT_EQ(clip("MULTILINESTRING ((1 1, 2 2), (10 5, 15 5))"), "LINESTRING (1 1,2 2)");
  EXPECT_EQ(clip("GEOMETRYCOLLECTION (POINT (1 1), POLYGON ((10 5, 15 5, 15 8, 10 5)))"),
            "POINT (1 1)");
  EXPECT_EQ(clip("POLYGON ((20 20, 21 20, 21 21, 20 20))"), "");
}

TEST(Clipped, APointLiesInOneOfTwoBoxes) {
  for (const char* point : {"POINT (10 5)", "POINT (5 0)", "POINT (10 0)"})
    EXPECT_EQ(clip(point), "");
  for (const char* point : {"POINT (0 5)", "POINT (5 10)", "POINT (0 10)"})
    EXPECT_EQ(clip(point), std::string(point));
  EXPECT_EQ(clip("MULTIPOINT (1 1, 2 2, 10 5)"), "MULTIPOINT (1 1,2 2)");
}

TEST(Clipped, WhatCrossesItselfCannotBeComputed) {
  EXPECT_EQ(error_of([] { clip("POLYGON ((-5 -5, 5 5, 5 -5, -5 5, -5 -5))"); }).code(),
            ErrorCode::invalid);
}

TEST(FeatureTables, KeepIdsColumnsAndTypes) {
  const TestFolder folder;
  const auto table = FeatureTable::read(folder.put("a.geojson", kFeatures), {});
  ASSERT_EQ(table.size(), 2U) << "what has no shape is left out";
  EXPECT_EQ(table.crs().code(), "EPSG:4326");
  EXPECT_EQ(table.id(1), 9);
  table.write(folder.file("b.gpkg"), "b", table.crs(),
              {{0, Geometry::box({1, 1, 2, 2})}, {1, table.shape(1)}});
  const auto info = describe_vectors(folder.file("b.gpkg")).at(0);
  EXPECT_EQ(info.name, "b");
  ASSERT_EQ(info.columns.size(), 2U);
  EXPECT_EQ(info.columns[0].type, "String");
  EXPECT_EQ(info.columns[1].type, "Real");
  const auto again = FeatureTable::read(folder.file("b.gpkg"), {.where = "name = 'a'"});
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again.id(0), 5);
  EXPECT_EQ(again.shape(0).wkt().substr(0, 12), "MULTIPOLYGON");
  EXPECT_EQ(again.shape(0).area(), 1);
}

TEST(FeatureTables, TheSameRowsAreTheSameBytes) {
  const TestFolder folder;
  const auto table = FeatureTable::read(folder.put("a.geojson", kFeatures), {.columns = {"size"}});
  for (const std::string ending : {".gpkg", ".geojson"}) {
    for (const std::string name : {"one", "two"})
      table.write(folder.file(name + ending), "x", table.crs(), {{0, table.shape(0)}});
    EXPECT_EQ(read_file(folder.file("one" + ending), 1 << 20),
              read_file(folder.file("two" + ending), 1 << 20));
  }
}

TEST(FeatureTables, IdentityTellsValuesAndTypes) {
  const TestFolder folder;
  std::string text = kFeatures;
  const auto a = FeatureTable::read(folder.put("a.geojson", text), {});
  text.replace(text.find("0.1"), 3, "0.2");
  const auto b = FeatureTable::read(folder.put("b.geojson", text), {});
  EXPECT_NE(a.text(0), b.text(0));
  EXPECT_EQ(a.text(1), b.text(1));
  EXPECT_NE(a.text(1), FeatureTable::read(folder.file("a.geojson"), {.columns = {"size"}}).text(1));
}

TEST(FeatureTables, Mistakes) {
  const TestFolder folder;
  const auto path = folder.put("a.geojson", kFeatures);
  EXPECT_NE(error_of([&] { FeatureTable::read(path, {.columns = {"nane"}}); }).hint().find("name"),
            std::string::npos);
  EXPECT_EQ(error_of([&] { FeatureTable::read(path, {.layer = "b"}); }).code(), ErrorCode::invalid);
  EXPECT_EQ(error_of([&] { FeatureTable::read(path, {.where = "nane = 1"}); }).code(),
            ErrorCode::invalid);
  EXPECT_EQ(error_of([&] { FeatureTable::read(folder.file("none.gpkg"), {}); }).code(),
            ErrorCode::missing);
}

}  // namespace
}  // namespace geoloom::gdal
