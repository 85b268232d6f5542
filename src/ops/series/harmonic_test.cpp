// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_harmonic();

namespace {

using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> harmonic(const std::string& yaml) {
  return bound(make_harmonic(), yaml);
}

// 5 + 3 cos(w) + 4 sin(w), and a trend of 2 per year in the second pixel; two years of months. The
// third pixel has samples in Januaries only.
Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = raster::PixelType::float32, .unit = "m"}};
  for (int year = 2019; year < 2021; ++year) {
    for (int month = 1; month <= 12; ++month) {
      const auto slice =
          day(std::to_string(year) + (month < 10 ? "-0" : "-") + std::to_string(month) + "-01");
      const double length = year == 2020 ? 366 : 365;
      const auto start = geo::parse_time(std::to_string(year)).value();
      const double w =
          static_cast<double>(slice.period.start - start) / 86400000 / length * 2 * std::acos(-1.0);
      const double since_2019 =
          static_cast<double>(slice.period.start - geo::parse_time("2019").value()) / 86400000 /
          365.25;
      const double wave = 5 + 3 * std::cos(w) + 4 * std::sin(w);
      cube.schema.slices.push_back(slice);
      cube.values.push_back({{wave, wave + 2 * since_2019, month == 1 ? 1 : kInvalid}});
    }
  }
  return cube;
}

TEST(Harmonic, FindsTheWaveAndTheTrend) {
  const auto result =
      run(*harmonic("{harmonics: 1, trend: true, reference: 2019-01-01}"), series());
  EXPECT_THAT(result.schema.band_names(),
              testing::ElementsAre("ndvi_c0", "ndvi_slope", "ndvi_cos1", "ndvi_sin1",
                                   "ndvi_amplitude1", "ndvi_phase1", "ndvi_rmse", "ndvi_count"));
  EXPECT_EQ(result.schema.bands[1].unit, "m/year");
  for (size_t p = 0; p < 2; ++p) {
    EXPECT_NEAR(result.at("ndvi_c0")[p], 5, 1e-5);
    EXPECT_NEAR(result.at("ndvi_slope")[p], p == 0 ? 0 : 2, 1e-5);
    EXPECT_NEAR(result.at("ndvi_cos1")[p], 3, 1e-5);
    EXPECT_NEAR(result.at("ndvi_sin1")[p], 4, 1e-5);
    EXPECT_NEAR(result.at("ndvi_amplitude1")[p], 5, 1e-5);
    EXPECT_NEAR(result.at("ndvi_phase1")[p], std::atan2(4, 3), 1e-5);
    EXPECT_NEAR(result.at("ndvi_rmse")[p], 0, 1e-5);
    EXPECT_EQ(result.at("ndvi_count")[p], 24);
  }
  EXPECT_TRUE(std::isnan(result.at("ndvi_c0")[2]));
}

TEST(Harmonic, TheCurveAtAnyDate) {
  const auto own = run(*harmonic("{harmonics: 2, predict: true}"), series());
  EXPECT_EQ(own.schema.slices, series().schema.slices);
  EXPECT_NEAR(own.at("ndvi", 7)[0], series().values[7][0][0], 1e-5);
  const auto later =
      run(*harmonic("{harmonics: 1, trend: true, predict: true, dates: [2019-01-01, 2023-01-01]}"),
          series());
  EXPECT_NEAR(later.at("ndvi", 0)[1], 8, 1e-5);
  EXPECT_NEAR(later.at("ndvi", 1)[1], 8 + 2 * 1461 / 365.25, 1e-4);
  EXPECT_TRUE(std::isnan(later.at("ndvi", 1)[2]));
}

TEST(Harmonic, SamplesThatDoNotTellTheWavesApart) {
  // Twelve Januaries are enough samples, but not of a wave.
  Cube cube;
  cube.schema.bands = {{.name = "ndvi"}};
  for (int year = 2001; year < 2013; ++year) {
    cube.schema.slices.push_back(day(std::to_string(year) + "-01-01"));
    cube.values.push_back({{7}});
  }
  const auto result = run(*harmonic("{harmonics: 1}"), cube);
  EXPECT_TRUE(std::isnan(result.at("ndvi_c0")[0]));
}

TEST(Harmonic, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_of([] { harmonic("{harmonics: 7}"); }), HasSubstr("harmonics"));
  for (const char* yaml : {"{harmonics: 2, min_count: 4}", "{harmonics: 2, min_count: 5}"}) {
    EXPECT_THAT(error_of([&] { harmonic(yaml); }), HasSubstr("5 coefficients"));
    EXPECT_THAT(error_of([&] { harmonic(yaml); }), HasSubstr("min_count: 8"));
  }
  EXPECT_NO_THROW(harmonic("{harmonics: 2, min_count: 6}"));
  EXPECT_THAT(error_of([] { harmonic("{period: month}"); }), HasSubstr("so many days"));
  EXPECT_THAT(error_of([] { harmonic("{dates: [2020-01-01]}"); }), HasSubstr("predict: true"));
}

}  // namespace
}  // namespace geoloom::ops
