// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_trend();

namespace {

using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> trend(const std::string& yaml) {
  return bound(make_trend(), yaml);
}

// January and July of four years; the second pixel has two samples of different months, the third
// is constant.
Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = raster::PixelType::uint8, .unit = "m"}};
  for (const char* date : {"2000-01-01", "2000-07-01", "2001-01-01", "2001-07-01", "2002-01-01",
                           "2002-07-01", "2003-01-01", "2003-07-01"})
    cube.schema.slices.push_back(day(date));
  for (int i = 0; i < 8; ++i) {
    const double course = i % 2 == 0 ? 0 : 100;
    cube.values.push_back({{course + 3 * (i / 2), i == 2 || i == 5 ? 7 : kInvalid, 5}});
  }
  return cube;
}

TEST(TrendOp, SeasonalTrendOfAStrongSeason) {
  const auto result =
      run(*trend("{test: seasonal, outputs: [slope, intercept, s, tau, count], min_count: 2}"),
          series());
  EXPECT_THAT(result.at("ndvi_slope"), numbers_are({3, kInvalid, 0}));
  EXPECT_THAT(result.at("ndvi_s"), numbers_are({12, kInvalid, 0}));
  EXPECT_THAT(result.at("ndvi_tau"), numbers_are({1, kInvalid, 0}));
  EXPECT_THAT(result.at("ndvi_count"), numbers_are({8, kInvalid, 8}));
  // Median of the values 54.5 less 3 times that of the years, 1.75.
  EXPECT_NEAR(result.at("ndvi_intercept")[0], 54.5 - 3 * 1.75, 1e-5);
  EXPECT_EQ(result.schema.bands[0].unit, "m/year");
  EXPECT_EQ(geo::format_date(result.schema.slices[0].period.end), "2003-07-01");
}

TEST(TrendOp, MannKendallPerYear) {
  Cube cube = series();
  for (size_t i = 0; i < 8; ++i) cube.values[i][0][0] = static_cast<double>(10 * i);
  const auto result =
      run(*trend("{outputs: [slope, s, p, z], min_count: 8, reference: 2001-01-01}"), cube);
  EXPECT_NEAR(result.at("ndvi_slope")[0], 20, 0.5);
  EXPECT_EQ(result.at("ndvi_s")[0], 28);
  EXPECT_NEAR(result.at("ndvi_z")[0], 27 / std::sqrt(8 * 7 * 21 / 18.0), 1e-6);
  EXPECT_THAT(result.at("ndvi_p"),
              testing::ElementsAre(testing::Lt(0.001), testing::IsNan(), testing::DoubleEq(1)));
}

TEST(TrendOp, SeveralSamplesOfASeasonAreOne) {
  Cube cube = series();
  auto more = cube.schema.slices[0];
  more.period.start = more.period.end = geo::parse_time("2000-01-20").value();
  cube.schema.slices.insert(cube.schema.slices.begin() + 1, more);
  auto values = cube.values[0];
  cube.values[0][0][0] = -0;
  values[0][0] = 4;  // the mean of January 2000 becomes 2
  cube.values.insert(cube.values.begin() + 1, values);
  const auto result = run(*trend("{test: seasonal, outputs: [s, count]}"), cube);
  EXPECT_EQ(result.at("ndvi_count")[0], 8);
  EXPECT_EQ(result.at("ndvi_s")[0], 12);
  cube.schema.bands[0].unit = "dB";
  EXPECT_THAT(error_of([&] { run(*trend("seasonal"), cube); }), HasSubstr("in decibels"));
  EXPECT_NO_THROW(run(*trend("mann_kendall"), cube));
}

TEST(TrendOp, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_of([] { trend("{season: month}"); }), HasSubstr("test: seasonal"));
  EXPECT_THAT(error_of([] { trend("{outputs: [p, p]}"); }), HasSubstr("named twice"));
  EXPECT_THAT(error_of([] { trend("{outputs: slop}"); }), HasSubstr("slope"));
  auto cube = series();
  std::swap(cube.schema.slices[0], cube.schema.slices[3]);
  EXPECT_THAT(error_of([&] { run(*trend(""), cube); }), HasSubstr("earlier than"));
}

}  // namespace
}  // namespace geoloom::ops
