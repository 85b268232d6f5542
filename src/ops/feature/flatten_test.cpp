// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_flatten();

namespace {

using testing::HasSubstr;
using Names = std::vector<std::string>;

raster::Slice semester(const std::string& first, const std::string& after,
                       const std::string& label) {
  return {.period = {geo::parse_time(first).value(), geo::parse_time(after).value()},
          .timed = true,
          .label = label};
}

Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "blue", .scale = 0.5, .nodata = 0},
                       {.name = "rain", .type = raster::PixelType::float32, .unit = "mm"}};
  cube.schema.slices = {semester("2019-01-01", "2019-07-01", "S1"),
                        semester("2019-07-01", "2020-01-01", "S2")};
  cube.schema.validity_per_band = true;
  cube.values = {{{1, 2}, {0.5, kInvalid}}, {{kInvalid, 4}, {1.5, 2.5}}};
  return cube;
}

Result flattened(const std::string& yaml, const Cube& cube = series()) {
  return run(*bound(make_flatten(), yaml), cube);
}

TEST(Flatten, PeriodsBecomeBands) {
  const auto result = flattened("");
  EXPECT_EQ(result.schema.band_names(), (Names{"blue_S1", "rain_S1", "blue_S2", "rain_S2"}));
  EXPECT_THAT(result.at("blue_S1"), numbers_are({1, 2}));
  EXPECT_THAT(result.at("blue_S2"), numbers_are({kInvalid, 4}));
  EXPECT_THAT(result.at("rain_S1"), numbers_are({0.5, kInvalid}));
  EXPECT_THAT(result.at("rain_S2"), numbers_are({1.5, 2.5}));
  ASSERT_EQ(result.schema.slices.size(), 1U);
  EXPECT_EQ(geo::format_period(result.schema.slices[0].period), "2019-01-01..2019-12-31");
  auto band = series().schema.bands[0];
  band.name = "blue_S2";
  EXPECT_EQ(result.schema.bands[2], band);
}

TEST(Flatten, OrderAndNames) {
  EXPECT_EQ(flattened("{order: band}").schema.band_names(),
            (Names{"blue_S1", "blue_S2", "rain_S1", "rain_S2"}));
  EXPECT_EQ(flattened("'{period}.{band}'").schema.band_names(),
            (Names{"S1.blue", "S1.rain", "S2.blue", "S2.rain"}));
  EXPECT_THAT(error_of([] { flattened("{names: '{period}'}"); }),
              HasSubstr("calls two bands 'S1'"));
  EXPECT_THAT(error_of([] { flattened("{names: '{band}'}"); }),
              HasSubstr("does not tell 2 slices apart"));
  EXPECT_THAT(error_of([] { flattened("{names: '{band}_{month}'}"); }), HasSubstr("other braces"));
}

TEST(Flatten, AListOfPeriods) {
  const auto result = flattened("{periods: [S2, S3, S1], order: band}");
  EXPECT_EQ(result.schema.band_names(),
            (Names{"blue_S2", "blue_S3", "blue_S1", "rain_S2", "rain_S3", "rain_S1"}));
  EXPECT_THAT(result.at("blue_S1"), numbers_are({1, 2}));
  EXPECT_THAT(result.at("blue_S3"), numbers_are({kInvalid, kInvalid}));
  EXPECT_THAT(error_of([] { flattened("{periods: [S1, S3]}"); }), HasSubstr("'S2'"));
  EXPECT_THAT(error_of([] { flattened("{periods: [S1, S1]}"); }), HasSubstr("named twice"));
}

TEST(Flatten, NothingToFlattenLeavesTheListInvalid) {
  auto cube = series();
  cube.schema.slices = {{.period = {}, .timed = false, .label = ""}};
  cube.values.resize(1);
  const auto result = flattened("{periods: [S1, S2]}", cube);
  EXPECT_THAT(result.at("blue_S1"), numbers_are({kInvalid, kInvalid}));
}

TEST(Flatten, OneSliceNeedsNoPeriod) {
  auto cube = series();
  cube.schema.slices = {day("2019-01-01")};
  cube.values.resize(1);
  const auto result = flattened("'{band}_S1'", cube);
  EXPECT_EQ(result.schema.band_names(), (Names{"blue_S1", "rain_S1"}));
  EXPECT_THAT(result.at("blue_S1"), numbers_are({1, 2}));
  EXPECT_THAT(error_of([] { flattened("{names: '{band}', periods: [S1]}"); }),
              HasSubstr("needs {period}"));
}

TEST(Flatten, RefusesScenesAndEqualLabels) {
  auto cube = series();
  cube.schema.slices[1] = day("2019-07-01");
  EXPECT_THAT(error_of([&] { flattened("", cube); }), HasSubstr("is a scene"));
  cube.schema.slices[1] = cube.schema.slices[0];
  EXPECT_THAT(error_of([&] { flattened("", cube); }), HasSubstr("two periods are called 'S1'"));
}

}  // namespace
}  // namespace geoloom::ops
