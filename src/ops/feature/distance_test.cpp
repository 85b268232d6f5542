// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_distance();

namespace {

using testing::HasSubstr;

workflow::BlockPlan planned(const std::string& yaml, const geo::Grid& grid) {
  raster::CubeSchema schema;
  schema.bands = {{.name = "classes", .kind = raster::BandKind::category}};
  schema.slices = {day("2023-01-01")};
  const raster::CubeSchema* input = &schema;
  return bound(make_distance(), yaml)->plan_at({.grid = &grid}, {&input, 1});
}

TEST(Distance, TheHaloIsTheMaximumInPixels) {
  EXPECT_EQ(planned("{is: 1, maximum: 100}", grid_of(5, 5, 20)).halo_pixels, 5);
  EXPECT_EQ(planned("{is: 1, maximum: 101}", grid_of(5, 5, 20)).halo_pixels, 6);
  EXPECT_EQ(planned("{is: 1, maximum: 7, unit: pixels}", grid_of(5, 5, 20)).halo_pixels, 7);
  auto flat = grid_of(5, 5, 20);
  flat.pixel_height = 10;
  EXPECT_EQ(planned("{is: 1, maximum: 100}", flat).halo_pixels, 10);
}

TEST(Distance, RefusesWhatMakesNoSense) {
  const auto grid = grid_of(5, 5, 10);
  EXPECT_THAT(error_of([&] { planned("{maximum: 5}", grid); }), HasSubstr("needs either"));
  EXPECT_THAT(error_of([&] { planned("{is: 1, at_least: 3, maximum: 5}", grid); }),
              HasSubstr("needs either"));
  EXPECT_THAT(error_of([&] { planned("{at_least: 3, below: 3, maximum: 5}", grid); }),
              HasSubstr("is empty"));
  EXPECT_THAT(error_of([&] { planned("{is: 1}", grid); }), HasSubstr("maximum"));
  EXPECT_THAT(error_of([&] { planned("{is: 1, maximum: 30000}", grid); }),
              HasSubstr("3000 pixels"));
  auto degrees = grid;
  degrees.crs = geo::Crs::parse("EPSG:4326");
  EXPECT_THAT(error_of([&] { planned("{is: 1, maximum: 5}", degrees); }),
              HasSubstr("unit: pixels"));
  EXPECT_NO_THROW(planned("{is: 1, maximum: 5, unit: pixels}", degrees));
}

}  // namespace
}  // namespace geoloom::ops
