// SPDX-License-Identifier: Apache-2.0
#include "ops/load/shape_placement.h"

#include "gdal/vector_file.h"
#include "ops/load/shape_burning.h"
#include "ops/op_test.h"

namespace geoloom::ops {
namespace {

using gdal::Geometry;
using testing::HasSubstr;

const geo::Crs kDegrees = geo::Crs::parse("EPSG:4326");
const geo::Crs kUtm = geo::Crs::parse("EPSG:32631");

// Pixels of 100 m around 3 degrees east, 50 degrees north.
geo::Grid grid() {
  const auto middle = geo::from_lon_lat(kUtm, 3, 50);
  return {kUtm, std::round(middle.x) - 5000, std::round(middle.y) + 5000, 100, 100, 100, 100};
}

// A parallel is no straight line in UTM: between 1.5 and 4.5 degrees east it sags, by 1.1 km in the
// middle, below the line between its ends.
TEST(ShapePlacementTest, ALongEdgeBends) {
  const auto north_of_50 =
      Geometry::polygon({{1.5, 50}, {4.5, 50}, {4.5, 50.2}, {1.5, 50.2}, {1.5, 50}});
  const ShapePlacement placement(kDegrees, grid(), 0);
  const auto here = placement.placed(north_of_50);
  const auto first_row = [&](const Geometry& shape) {
    const BurnedShape burned{shape, 1, {}};
    const auto window = grid().window();
    std::vector<double> values(10000);
    std::vector<uint8_t> covered(10000);
    burn_shapes({&burned}, {}, grid(), window, values, covered);
    int64_t rows = 0;
    for (size_t row = 0; row < 100; ++row) rows += covered[row * 100 + 50];
    return rows;
  };
  // Row 50 begins at 50 degrees: the rows above it are north of that.
  EXPECT_EQ(first_row(here), 50);
  const auto by_vertices = north_of_50.transformed(placement.operation());
  EXPECT_NEAR(static_cast<double>(first_row(by_vertices)), 50 - 11, 1);
  // Cutting it first, as masks do for their record, leaves the same pixels.
  EXPECT_EQ(first_row(placement.placed(placement.cut(north_of_50))), 50);
}

TEST(ShapePlacementTest, ShapesElsewhereAreToldApart) {
  const ShapePlacement placement(kDegrees, grid(), 0), grown(kDegrees, grid(), 3000),
      wide(kDegrees, grid(), 0, 3000);
  const auto near = Geometry::box({3.09, 50, 3.1, 50.01});  // 1.4 km east of the grid
  EXPECT_TRUE(placement.may_touch(Geometry::box({3, 50, 3.01, 50.01})));
  EXPECT_FALSE(placement.may_touch(near));
  EXPECT_TRUE(grown.may_touch(near));
  EXPECT_TRUE(wide.may_touch(near));
  EXPECT_EQ(wide.placed(near).bounds().max_x, placement.placed(near).bounds().max_x);
  EXPECT_GT(grown.placed(near).bounds().max_x, placement.placed(near).bounds().max_x + 2999);
}

TEST(ShapePlacementTest, AtTheAntimeridianNothingIsCutAway) {
  const geo::Crs fiji = geo::Crs::parse("EPSG:32760");  // UTM 60S ends at 180 degrees
  const auto edge = geo::from_lon_lat(fiji, 179.999, -17);
  const geo::Grid over{fiji, edge.x - 5000, edge.y + 5000, 100, 100, 100, 100};
  const ShapePlacement placement(kDegrees, over, 0);
  const auto island = Geometry::box({179.98, -17.01, 179.99, -17});
  EXPECT_TRUE(placement.may_touch(island));
  EXPECT_EQ(placement.cut(island).wkt(), island.wkt());
}

TEST(ShapePlacementTest, OfTheGridsOwnCrsNothingChanges) {
  const auto box = grid().box();
  const auto shape = Geometry::box({box.min_x, box.min_y, box.max_x + 1e6, box.max_y});
  EXPECT_EQ(ShapePlacement(kUtm, grid(), 0).placed(shape).wkt(), shape.wkt());
}

TEST(ShapePlacementTest, AFileHasToTellItsCrs) {
  gdal::VectorLayer layer;
  EXPECT_THAT(error_of([&] { gdal::crs_of(layer, "", "roads.csv", "mask: {crs: EPSG:4326}"); }),
              testing::AllOf(HasSubstr("roads.csv does not tell its coordinate reference system"),
                             HasSubstr("mask: {crs: EPSG:4326}")));
  EXPECT_TRUE(gdal::crs_of(layer, "EPSG:32631", "roads.csv", "") == kUtm);
}

}  // namespace
}  // namespace geoloom::ops
