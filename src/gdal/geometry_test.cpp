// SPDX-License-Identifier: Apache-2.0
#include "gdal/geometry.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gdal/test_files.h"

namespace geoloom::gdal {
namespace {

using geo::Overlap;

class Geometries : public ::testing::Test {
 protected:
  void SetUp() override { initialise(); }
};

TEST_F(Geometries, SetOperations) {
  const Geometry a = Geometry::box({0, 0, 2, 2}), b = Geometry::box({1, 1, 3, 3});
  EXPECT_EQ(a.intersection(b).area(), 1);
  EXPECT_EQ(a.difference(b).area(), 3);
  EXPECT_EQ(Geometry::united({a, b, Geometry()}).area(), 7);
  EXPECT_TRUE(a.intersects(Geometry::box({2, 0, 3, 1})));  // touching counts
  EXPECT_FALSE(a.intersects(Geometry()));
  EXPECT_TRUE(Geometry().empty());
  EXPECT_TRUE(Geometry::united({}).empty());
  EXPECT_EQ(Geometry::united({a, Geometry::box({5, 5, 6, 6})}).polygons().size(), 2U);
}

TEST_F(Geometries, BufferSimplifyDensify) {
  const Geometry point = Geometry::from_wkt("POINT (5 5)");
  EXPECT_EQ(point.area(), 0);
  EXPECT_FALSE(point.all_polygons());
  EXPECT_NEAR(point.buffered(1).area(), M_PI, 0.01);
  EXPECT_TRUE(Geometry::box({0, 0, 1, 1}).buffered(-1).empty());
  EXPECT_EQ(Geometry::box({0, 0, 4, 4}).densified(1).simplified(0.1).area(), 16);
  EXPECT_EQ(Geometry::box({0, 0, 4, 4}).longest_x_step(), 4);
  EXPECT_LE(Geometry::box({0, 0, 4, 4}).densified(1).longest_x_step(), 1);
  EXPECT_EQ(Geometry::box({0, 0, 1, 1}).moved(10, 20).bounds().max_y, 21);
}

TEST_F(Geometries, TellWhyTheyAreInvalidAndCanBeRepaired) {
  const Geometry bow = Geometry::from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))");
  EXPECT_NE(bow.why_invalid().find("Self-intersection"), std::string::npos) << bow.why_invalid();
  const Geometry repaired = bow.repaired();
  EXPECT_EQ(repaired.why_invalid(), "");
  EXPECT_EQ(repaired.area(), 2);
  EXPECT_EQ(error_of([] { Geometry::from_wkt("POLYGON ((0 0"); }).code(), ErrorCode::invalid);
}

TEST_F(Geometries, TransformVertexByVertex) {
  const auto operation = geo::CoordinateOperation::between(geo::Crs::parse("EPSG:4326"),
                                                           geo::Crs::parse("EPSG:32631"));
  const geo::Box box = Geometry::box({3, 0, 4, 1}).transformed(operation).bounds();
  EXPECT_NEAR(box.min_x, 500000, 1e-6);
  EXPECT_NEAR(box.min_y, 0, 1e-6);
  // Europe's map does not show its antipodes.
  const auto europe =
      geo::CoordinateOperation::between(geo::Crs::parse("EPSG:4326"), geo::Crs::parse("EPSG:3035"));
  EXPECT_EQ(error_of([&] { Geometry::from_wkt("POINT (-170 -52)").transformed(europe); }).code(),
            ErrorCode::invalid);
}

TEST_F(Geometries, LongitudeAndLatitudeIsCutAtTheAntimeridian) {
  // Fiji in UTM zone 60 south, reaching over 180 degrees.
  const Geometry cell = Geometry::box({800000, 8000000, 900000, 8100000});
  const auto parts = cell.to_lon_lat(geo::Crs::parse("EPSG:32760")).polygons();
  ASSERT_EQ(parts.size(), 2U);
  for (const auto& part : parts)
    EXPECT_LT(part.bounds().max_x - part.bounds().min_x, 2) << part.wkt();
}

TEST_F(Geometries, BoxesAgainstAPreparedShape) {
  const PreparedGeometry shape(
      Geometry::from_wkt("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (4 4, 6 4, 6 6, 4 6, 4 4))"));
  EXPECT_EQ(shape.overlap({1, 1, 2, 2}), Overlap::all);
  EXPECT_EQ(shape.overlap({0, 0, 10, 10}), Overlap::some);
  EXPECT_EQ(shape.overlap({4.5, 4.5, 5.5, 5.5}), Overlap::none);
  EXPECT_EQ(shape.overlap({10, 0, 11, 1}), Overlap::some);  // touching counts
  EXPECT_EQ(shape.overlap({20, 0, 21, 1}), Overlap::none);
  EXPECT_EQ(PreparedGeometry(Geometry()).overlap({0, 0, 1, 1}), Overlap::none);
}

}  // namespace
}  // namespace geoloom::gdal
