// SPDX-License-Identifier: Apache-2.0
#include "ops/map_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_zonal_majority();

namespace {

using testing::HasSubstr;

constexpr double n = kInvalid;

class ZonalMajorityTest : public MapTest {
 protected:
  ZonalMajorityTest() : MapTest(grid_of(8, 1)) {
    add_layer("map", classes_band(), {1, 0, 0, 1, 1, n, 7, 1}, 3);
    add_layer("segments", {.name = "segment", .type = raster::PixelType::float32, .nodata = 0},
              {1, 1, 1, 2, 2, 2, 3, n}, 5);
  }
};

TEST_F(ZonalMajorityTest, TheMostFrequentClass) {
  EXPECT_THAT(read(run(make_zonal_majority(), "{layer: map, segments: segments}")),
              numbers_are({0, 0, 0, 1, 1, n, 7, n}));
  EXPECT_THAT(read(run(make_zonal_majority(), "{layer: map, segments: segments, invalid: fill}")),
              numbers_are({0, 0, 0, 1, 1, 1, 7, n}));
}

TEST_F(ZonalMajorityTest, StrictlyMoreThanHalfOfAllPixels) {
  const std::string rule = "{layer: map, segments: segments, rule: over_half, value: 1";
  EXPECT_THAT(read(run(make_zonal_majority(), rule + "}")), numbers_are({0, 0, 0, 1, 1, n, 0, n}));
  // Two of four: not more than half.
  add_layer("segments", {.name = "segment", .type = raster::PixelType::float32, .nodata = 0},
            {1, 1, 1, 1, 2, 2, 3, n});
  EXPECT_THAT(read(run(make_zonal_majority(), rule + ", otherwise: 9}")),
              numbers_are({9, 9, 9, 9, 9, n, 9, n}));
}

TEST_F(ZonalMajorityTest, RefusesWhatDoesNotFit) {
  add_layer("odd", {.name = "segment", .type = raster::PixelType::float32},
            {1.5, 1, 1, 1, 1, 1, 1, 1});
  EXPECT_THAT(error_of([&] { run(make_zonal_majority(), "{layer: map, segments: odd}"); }),
              HasSubstr("1.5"));
  EXPECT_THAT(error_of([&] {
                run(make_zonal_majority(),
                    "{layer: map, segments: segments, rule: over_half, value: 300}");
              }),
              HasSubstr("300"));
  EXPECT_THAT(error_of([&] { run(make_zonal_majority(), "{layer: segments, segments: map}"); }),
              HasSubstr("float32"));
}

}  // namespace
}  // namespace geoloom::ops
