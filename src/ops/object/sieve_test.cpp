// SPDX-License-Identifier: Apache-2.0
#include "ops/map_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_sieve();

namespace {

using testing::HasSubstr;

constexpr double n = kInvalid;

class SieveTest : public MapTest {
 protected:
  SieveTest() : MapTest(grid_of(6, 4)) {}
  const Numbers map_{1, 1, 1, 1, 2, 2,  //
                     1, 3, 1, 1, 2, 2,  //
                     1, 1, 1, n, 4, 2,  //
                     5, 1, 1, n, 2, 2};
};

TEST_F(SieveTest, SmallAreasGoToTheirLargestNeighbour) {
  const Numbers expected{1, 1, 1, 1, 2, 2,  //
                         1, 1, 1, 1, 2, 2,  //
                         1, 1, 1, n, 2, 2,  //
                         1, 1, 1, n, 2, 2};
  for (const int64_t tile : {100, 3, 1}) {
    SCOPED_TRACE(tile);
    add_layer("map", classes_band(), map_, tile);
    const auto product = run(make_sieve(), "{layer: map, smallest: 2}");
    EXPECT_THAT(read(product), numbers_are(expected));
    EXPECT_EQ(product.layer, "map_sieve");
    EXPECT_EQ(product.schema->bands[0].kind, raster::BandKind::category);
  }
}

TEST_F(SieveTest, UnitsAreThoseOfTheGround) {
  add_layer("map", classes_band(), map_);
  // Pixels of 10 m: 100 m2 each.
  EXPECT_THAT(read(run(make_sieve(), "{layer: map, smallest: 100, unit: m2}")), numbers_are(map_));
  const auto pixels = read(run(make_sieve(), "{layer: map, smallest: 2}"));
  EXPECT_THAT(read(run(make_sieve(), "{layer: map, smallest: 101, unit: m2}")),
              numbers_are(pixels));
  EXPECT_THAT(read(run(make_sieve(), "{layer: map, smallest: 0.02, unit: ha}")),
              numbers_are(pixels));
}

TEST_F(SieveTest, SelectionsAreMapsOfTheirOwn) {
  add_layer("map", classes_band(), map_, 2);
  context_.selected = {4, 0, 2, 4};
  const auto product = run(make_sieve(), "{layer: map, smallest: 2}");
  EXPECT_THAT(read(product), numbers_are({2, 2, 2, 2, 2, 2, 2, 2}));
}

TEST_F(SieveTest, RefusesWhatAreNoClasses) {
  add_layer("heights", {.name = "height", .type = raster::PixelType::float32}, map_);
  EXPECT_THAT(error_of([&] { run(make_sieve(), "{layer: heights, smallest: 2}"); }),
              HasSubstr("float32"));
  EXPECT_THAT(error_of([&] { run(make_sieve(), "{layer: heights, smallest: -2}"); }),
              HasSubstr("smallest"));
}

}  // namespace
}  // namespace geoloom::ops
