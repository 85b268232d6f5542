// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_interpolate();

namespace {

using raster::PixelType;
using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> interpolate(const std::string& yaml) {
  return bound(make_interpolate(), yaml);
}

// Stored values are physical ones times two. The columns have four, two, one and no valid samples.
Cube series() {
  Cube cube;
  cube.schema.bands = {
      {.name = "ndvi", .type = PixelType::int16, .scale = 0.5, .unit = "1", .nodata = -1}};
  cube.schema.slices = {day("2018-01-01"), day("2018-01-11"), day("2018-01-21"), day("2018-02-10")};
  cube.values = {{{2, 4, kInvalid, kInvalid}},
                 {{6, kInvalid, kInvalid, kInvalid}},
                 {{4, kInvalid, 8, kInvalid}},
                 {{8, 12, kInvalid, kInvalid}}};
  return cube;
}

raster::CubeSchema planned(const std::string& yaml, const raster::CubeSchema& schema) {
  const raster::CubeSchema* input = &schema;
  return interpolate(yaml)->plan({&input, 1}).outputs[0];
}

TEST(Interpolate, FillsTheGapsOfItsOwnDates) {
  const auto result = run(*interpolate("linear"), series());
  EXPECT_THAT(result.at("ndvi", 0), numbers_are({1, 2, kInvalid, kInvalid}));
  EXPECT_THAT(result.at("ndvi", 1), numbers_are({3, 3, kInvalid, kInvalid}));
  EXPECT_THAT(result.at("ndvi", 2), numbers_are({2, 4, 4, kInvalid}));
  EXPECT_THAT(result.at("ndvi", 3), numbers_are({4, 6, kInvalid, kInvalid}));
  const auto& band = result.schema.bands[0];
  EXPECT_EQ(band.type, PixelType::float32);
  EXPECT_EQ(band.scale, 1);
  EXPECT_EQ(band.unit, "1");
  EXPECT_TRUE(std::isnan(*band.nodata));
  EXPECT_EQ(result.schema.slices, series().schema.slices);
}

TEST(Interpolate, ToGivenDates) {
  const auto result =
      run(*interpolate(
              "{method: linear, dates: [2018-01-06, 2018-01-31, 2018-03-01], extend: nearest}"),
          series());
  EXPECT_EQ(result.schema.slices[1].label, "2018-01-31");
  EXPECT_THAT(result.at("ndvi", 0), numbers_are({2, 2.5, 4, kInvalid}));
  EXPECT_THAT(result.at("ndvi", 1), numbers_are({3, 5, 4, kInvalid}));
  EXPECT_THAT(result.at("ndvi", 2), numbers_are({4, 6, 4, kInvalid}));
}

TEST(Interpolate, ToTheStartsOfPeriods) {
  const auto schema = planned("{every: month, within: 2018-01..2018-03}", series().schema);
  ASSERT_EQ(schema.slices.size(), 3U);
  EXPECT_EQ(schema.slices[2].label, "2018-03-01");
  EXPECT_EQ(schema.slices[2].period.start, schema.slices[2].period.end);
}

TEST(Interpolate, MethodsAndGaps) {
  const auto filled = [](const std::string& yaml) {
    return run(*interpolate(yaml), series()).at("ndvi", 2)[1];
  };
  EXPECT_EQ(filled("previous"), 2);
  EXPECT_EQ(filled("next"), 6);
  EXPECT_EQ(filled("nearest"), 2);  // 20 days from both
  EXPECT_EQ(filled("cubic"), 4);    // of two samples their line
  EXPECT_TRUE(std::isnan(filled("{max_gap: 39 days}")));
  EXPECT_EQ(filled("{max_gap: 40 days}"), 4);
  EXPECT_TRUE(std::isnan(filled("{method: next, max_gap: 19 days}")));
}

TEST(Interpolate, SlicesOfOneInstantAreAveraged) {
  auto cube = series();
  cube.schema.slices[1] = cube.schema.slices[0];
  const auto result = run(*interpolate("linear"), cube);
  ASSERT_EQ(result.schema.slices.size(), 3U);
  EXPECT_THAT(result.at("ndvi", 0), numbers_are({2, 2, kInvalid, kInvalid}));
}

TEST(Interpolate, InfiniteSamplesAreInvalid) {
  auto cube = series();
  cube.schema.bands[0].type = PixelType::float32;
  cube.values[1][0][0] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(run(*interpolate("linear"), cube).at("ndvi", 1)[0], 1.5);
}

TEST(Interpolate, RefusesWhatMakesNoSense) {
  const auto failing = [](const std::string& yaml) { return error_of([&] { interpolate(yaml); }); };
  EXPECT_THAT(failing("linaer"), HasSubstr("linear"));
  EXPECT_THAT(failing("{max_gap: 2 months}"), HasSubstr("60 days"));
  EXPECT_THAT(failing("{every: month, dates: [2018-01-01]}"), HasSubstr("keep one"));
  EXPECT_THAT(failing("{dates: [2018-02-01, 2018-01-01]}"), HasSubstr("does not come after"));
  EXPECT_THAT(failing("{within: 2018}"), HasSubstr("within"));
  auto schema = series().schema;
  schema.slices[1].timed = false;
  EXPECT_THAT(error_of([&] { planned("linear", schema); }), HasSubstr("has no time"));
  schema = series().schema;
  std::swap(schema.slices[0], schema.slices[3]);
  EXPECT_THAT(error_of([&] { planned("linear", schema); }), HasSubstr("earlier than"));
  schema = series().schema;
  schema.bands[0].kind = raster::BandKind::category;
  EXPECT_THAT(error_of([&] { planned("linear", schema); }), HasSubstr("classes"));
}

}  // namespace
}  // namespace geoloom::ops
