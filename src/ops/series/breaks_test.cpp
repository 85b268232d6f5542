// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_breaks();

namespace {

using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> breaks(const std::string& yaml) {
  return bound(make_breaks(), yaml);
}

// Three years of months with a wave and some scatter. The second pixel falls by 4 in July 2020, the
// third has a single outlier then, the fourth no history, the fifth no scatter.
Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = raster::PixelType::float32}};
  const double scatter[] = {0.3, -0.5, 0.1, 0.4, -0.2, 0.2, -0.4};
  size_t i = 0;
  for (int year = 2018; year < 2021; ++year) {
    for (int month = 1; month <= 12; ++month, ++i) {
      cube.schema.slices.push_back(
          day(std::to_string(year) + (month < 10 ? "-0" : "-") + std::to_string(month) + "-01"));
      const double usual = 5 + 3 * std::cos(month * 0.5235988) + scatter[i % 7];
      const bool after = year == 2020 && month >= 7;
      cube.values.push_back(
          {{usual, after ? usual - 4 : usual, after && month == 7 ? usual - 30 : usual,
            year < 2020 ? kInvalid : usual, after ? 9.0 : 2.0}});
    }
  }
  return cube;
}

constexpr const char* kModel = "history: 2018..2019, harmonics: 1, trend: false";

Result found(const std::string& rest) {
  return run(*breaks(std::string("{") + kModel + ", " + rest + "}"), series());
}

TEST(Breaks, FindsTheDateAndTheMagnitude) {
  for (const std::string method : {"cusum", "mosum"}) {
    const auto result = found("method: " + method);
    const auto july = static_cast<double>(geo::parse_time("2020-07-01").value() / 86400000);
    EXPECT_TRUE(std::isnan(result.at("ndvi_date")[0]));
    EXPECT_GE(result.at("ndvi_date")[1], july);
    EXPECT_LE(result.at("ndvi_date")[1], july + 31);
    EXPECT_NEAR(result.at("ndvi_magnitude")[1], -4, 0.6);
    EXPECT_LT(result.at("ndvi_statistic")[0], 1);
    EXPECT_GE(result.at("ndvi_statistic")[1], 1);
    EXPECT_NEAR(result.at("ndvi_rmse")[0], 0.33, 0.1);
    EXPECT_THAT(result.at("ndvi_count"), numbers_are({24, 24, 24, 0, 24}));
    for (const char* band : {"ndvi_date", "ndvi_statistic", "ndvi_rmse"})
      for (const size_t p : {3U, 4U}) EXPECT_TRUE(std::isnan(result.at(band)[p])) << band << p;
  }
}

TEST(Breaks, OneOutlierIsNotConfirmed) {
  EXPECT_FALSE(std::isnan(found("confirmations: 3").at("ndvi_date")[2]));  // the window holds it
  EXPECT_TRUE(std::isnan(found("confirmations: 7").at("ndvi_date")[2]));
}

TEST(Breaks, WatchesOnlyWhatItIsToldTo) {
  const auto result = found("monitor: 2020-01..2020-06");
  EXPECT_TRUE(std::isnan(result.at("ndvi_date")[1]));
  EXPECT_EQ(geo::format_period(result.schema.slices[0].period), "2020-01-01..2020-06-30");
}

TEST(Breaks, AShortHistoryIsInvalid) {
  const auto too_few = found("min_count: 25");
  const auto none = run(*breaks("{history: 2017, harmonics: 1}"), series());
  EXPECT_THAT(too_few.at("ndvi_count"), numbers_are({24, 24, 24, 0, 24}));
  EXPECT_THAT(none.at("ndvi_count"), numbers_are({0, 0, 0, 0, 0}));
  for (const auto* result : {&too_few, &none})
    for (const char* band : {"ndvi_date", "ndvi_magnitude", "ndvi_statistic", "ndvi_rmse"})
      EXPECT_THAT(result->at(band), numbers_are(Numbers(5, kInvalid))) << band;
}

TEST(Breaks, DatesAreOnesThatABandOfDatesHolds) {
  const auto moved = [](const char* first, const std::string& rest) {
    auto cube = series();
    const auto by = geo::parse_time(first).value() - cube.schema.slices[0].period.start;
    for (auto& slice : cube.schema.slices) {
      slice.period.start += by;
      slice.period.end += by;
    }
    return run(*breaks("{harmonics: 1, trend: false, " + rest + "}"), cube);
  };
  EXPECT_THAT(error_of([&] { moved("1960-01-01", "history: 1960..1961"); }),
              HasSubstr("1970-01-02 to 2149"));
  EXPECT_NO_THROW(moved("1960-01-01", "history: 1960..1961, outputs: [magnitude]"));
  EXPECT_THAT(error_of([&] { moved("2147-01-01", "history: 2147..2148"); }), HasSubstr("2149"));
  // Only what is watched can be the date of a break.
  EXPECT_NO_THROW(moved("1968-01-03", "history: 1968..1969"));
  const auto band = found("method: cusum").schema.bands[0];
  EXPECT_EQ(band.kind, raster::BandKind::count);
  EXPECT_EQ(band.unit, "days since 1970-01-01");
  EXPECT_EQ(band.nodata, 0);
}

TEST(Breaks, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_of([] { breaks("mosum"); }), HasSubstr("history"));
  const auto failing = [](const std::string& rest) { return error_of([&] { found(rest); }); };
  EXPECT_THAT(failing("window: 0.3"), HasSubstr("0.25, 0.5 or 1"));
  EXPECT_THAT(failing("method: cusum, window: 0.5"), HasSubstr("mosum"));
  EXPECT_THAT(failing("level: 0.1"), HasSubstr("method: cusum"));
  EXPECT_THAT(failing("monitor: 2019-06..2020"), HasSubstr("before the history ends"));
  EXPECT_THAT(failing("min_count: 3"), HasSubstr("min_count: 5"));
  EXPECT_THAT(failing("min_count: 3"), HasSubstr("no residuals"));
}

}  // namespace
}  // namespace geoloom::ops
