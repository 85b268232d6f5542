// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_phenology();

namespace {

using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> phenology(const std::string& yaml) {
  return bound(make_phenology(), yaml);
}

// Two years; the first pixel has a season in 2021, the second one that the year cuts off, the third
// is constant, the fourth has too few samples.
Cube series() {
  Cube cube;
  cube.schema.bands = {
      {.name = "ndvi", .type = raster::PixelType::uint8, .scale = 0.1, .unit = "1"}};
  for (const char* date : {"2021-01-11", "2021-01-21", "2021-01-31", "2021-02-10", "2021-02-20",
                           "2021-03-02", "2022-01-11"})
    cube.schema.slices.push_back(day(date));
  const Numbers rows[] = {{10, 10, 5, 1},        {10, 20, 5, 9},        {60, 30, 5, 1},
                          {30, 40, 5, kInvalid}, {20, 50, 5, kInvalid}, {25, 60, 5, kInvalid},
                          {9, 9, 9, 9}};
  for (const auto& row : rows) cube.values.push_back({row});
  return cube;
}

TEST(Phenology, ByHand) {
  const auto result = run(*phenology("[start, peak, end, length, base, amplitude, large_integral, "
                                     "small_integral, count]"),
                          series());
  ASSERT_EQ(result.schema.slices.size(), 2U);
  EXPECT_EQ(result.schema.slices[0].label, "2021");
  const auto first = [&](const std::string& band) { return result.at("ndvi_" + band)[0]; };
  EXPECT_NEAR(first("start"), 22, 1e-5);  // 10 days of January, and 2 of 10 from 1 to 6
  EXPECT_EQ(first("peak"), 30);
  EXPECT_NEAR(first("end"), 42, 1e-5);
  EXPECT_NEAR(first("length"), 20, 1e-5);
  EXPECT_NEAR(first("base"), 1.5, 1e-6);
  EXPECT_NEAR(first("amplitude"), 4.5, 1e-6);
  EXPECT_NEAR(first("large_integral"), 82.8, 1e-4);
  EXPECT_NEAR(first("small_integral"), 52.8, 1e-4);
  for (const size_t p : {1U, 2U, 3U}) EXPECT_TRUE(std::isnan(result.at("ndvi_peak")[p])) << p;
  EXPECT_THAT(result.at("ndvi_count"), numbers_are({6, 6, 6, 3}));
  EXPECT_THAT(result.at("ndvi_count", 1), numbers_are({1, 1, 1, 1}));
  EXPECT_TRUE(std::isnan(result.at("ndvi_peak", 1)[0]));
}

TEST(Phenology, PeriodsCountsAndAmplitudes) {
  const auto few = run(*phenology("{outputs: peak, min_count: 3, every: {S: 2021-01}}"), series());
  ASSERT_EQ(few.schema.slices.size(), 1U);
  EXPECT_EQ(few.schema.slices[0].label, "S");
  EXPECT_EQ(few.at("ndvi_peak")[3], 20);
  EXPECT_TRUE(std::isnan(few.at("ndvi_peak")[0]));  // January ends with the peak
  EXPECT_TRUE(std::isnan(
      run(*phenology("{outputs: peak, min_amplitude: 4.6}"), series()).at("ndvi_peak")[0]));
  EXPECT_NEAR(run(*phenology("{outputs: start, share: 0.5}"), series()).at("ndvi_start")[0], 25,
              1e-5);
}

TEST(Phenology, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_of([] { phenology("{share: 1}"); }), HasSubstr("share"));
  EXPECT_THAT(error_of([] { phenology("[peak, peak]"); }), HasSubstr("named twice"));
  EXPECT_THAT(error_of([] { phenology("paek"); }), HasSubstr("peak"));
}

}  // namespace
}  // namespace geoloom::ops
