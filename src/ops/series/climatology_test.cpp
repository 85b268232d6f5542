// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_climatology();

namespace {

using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> climatology(const std::string& yaml) {
  return bound(make_climatology(), yaml);
}

Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = raster::PixelType::uint8, .scale = 0.5}};
  for (const char* date :
       {"2009-12-31", "2010-01-05", "2010-01-31", "2010-03-11", "2011-01-01", "2012-01-01"})
    cube.schema.slices.push_back(day(date));
  cube.values = {{{100, 100, 100}},  {{2, 8, kInvalid}},         {{4, kInvalid, kInvalid}},
                 {{6, 6, kInvalid}}, {{12, kInvalid, kInvalid}}, {{100, 100, 100}}};
  return cube;
}

TEST(Climatology, OfMonthsByHand) {
  const auto result = run(*climatology("{by: month, baseline: 2010..2011}"), series());
  ASSERT_EQ(result.schema.slices.size(), 12U);
  EXPECT_EQ(result.schema.slices[2].label, "03");
  EXPECT_EQ(geo::format_period(result.schema.slices[2].period), "2010-03-01..2010-03-31");
  EXPECT_THAT(result.schema.band_names(),
              testing::ElementsAre("ndvi_mean", "ndvi_sd", "ndvi_count"));
  EXPECT_THAT(result.at("ndvi_mean", 0), numbers_are({3, 4, kInvalid}));
  EXPECT_THAT(result.at("ndvi_sd", 0), numbers_are({std::sqrt(7.F), kInvalid, kInvalid}));
  EXPECT_THAT(result.at("ndvi_count", 0), numbers_are({3, 1, 0}));
  EXPECT_THAT(result.at("ndvi_mean", 2), numbers_are({3, 3, kInvalid}));
  EXPECT_THAT(result.at("ndvi_count", 11), numbers_are({0, 0, 0}));
}

TEST(Climatology, MinCount) {
  const auto result = run(*climatology("{baseline: 2010..2011, min_count: 2}"), series());
  EXPECT_THAT(result.at("ndvi_mean", 0), numbers_are({3, kInvalid, kInvalid}));
  EXPECT_THAT(result.at("ndvi_count", 0), numbers_are({3, 1, 0}));
}

TEST(Climatology, OfDekadsAndQuarters) {
  const auto dekads = run(*climatology("{by: dekad, baseline: 2010..2011}"), series());
  ASSERT_EQ(dekads.schema.slices.size(), 36U);
  EXPECT_THAT(dekads.at("ndvi_count", 0), numbers_are({2, 1, 0}));  // January 1 and 5
  EXPECT_THAT(dekads.at("ndvi_count", 2), numbers_are({1, 0, 0}));  // January 31
  EXPECT_THAT(dekads.at("ndvi_count", 7), numbers_are({1, 1, 0}));  // March 11
  EXPECT_EQ(geo::format_period(dekads.schema.slices[5].period), "2010-02-21..2010-02-28");
  const auto quarters = run(*climatology("{by: quarter, baseline: 2010}"), series());
  ASSERT_EQ(quarters.schema.slices.size(), 4U);
  EXPECT_EQ(quarters.schema.slices[3].label, "Q4");
  EXPECT_THAT(quarters.at("ndvi_count", 0), numbers_are({3, 2, 0}));
}

TEST(Climatology, StreamingInAnyBatchesGivesTheSame) {
  const auto op = climatology("{baseline: 2010..2011}");
  const auto whole = run(*op, series());
  for (const size_t batch : {1U, 2U, 4U}) {
    const auto parts = run(*op, series(), batch);
    for (size_t s = 0; s < 12; ++s)
      for (const auto& band : whole.schema.band_names())
        EXPECT_THAT(parts.at(band, s), numbers_are(whole.at(band, s)));
  }
}

TEST(Climatology, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_of([] { climatology("month"); }), HasSubstr("baseline"));
  EXPECT_THAT(error_of([] { climatology("{by: mnth, baseline: 2010}"); }), HasSubstr("month"));
  auto cube = series();
  cube.schema.bands[0].unit = "dB";
  EXPECT_THAT(error_of([&] { run(*climatology("{baseline: 2010}"), cube); }),
              HasSubstr("in decibels"));
  cube = series();
  cube.schema.slices[0].timed = false;
  const raster::CubeSchema* input = &cube.schema;
  EXPECT_THAT(error_of([&] {
                climatology("{baseline: 2010}")->plan({&input, 1});
              }),
              HasSubstr("has no time"));
}

}  // namespace
}  // namespace geoloom::ops
