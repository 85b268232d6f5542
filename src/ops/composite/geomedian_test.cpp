// SPDX-License-Identifier: Apache-2.0
// What drawings do not show; those are in geomedian.scene. The iteration itself is tested in
// src/kernels/geomedian_test.cpp.
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_geomedian();

namespace {

using raster::PixelType;
using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> geomedian(const std::string& yaml) {
  return bound(make_geomedian(), yaml);
}

// Two bands in four days of January and March. Columns: four, two, one and no observations.
Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "red", .type = PixelType::uint16, .scale = 0.5, .offset = -1},
                       {.name = "nir", .type = PixelType::int16, .unit = "reflectance"}};
  cube.schema.slices = {day("2018-01-05"), day("2018-01-20"), day("2018-03-01"), day("2018-03-31")};
  cube.values = {{{4, 4, 8, kInvalid}, {10, 10, 12, kInvalid}},
                 {{4, 8, kInvalid, kInvalid}, {10, 20, kInvalid, kInvalid}},
                 {{4, kInvalid, kInvalid, kInvalid}, {10, kInvalid, kInvalid, kInvalid}},
                 {{90, kInvalid, kInvalid, kInvalid}, {99, kInvalid, kInvalid, kInvalid}}};
  return cube;
}

raster::CubeSchema planned(const std::string& yaml, const raster::CubeSchema& schema) {
  const raster::CubeSchema* input = &schema;
  return geomedian(yaml)->plan({&input, 1}).outputs[0];
}

TEST(Geomedian, PhysicalValuesByHand) {
  const auto result = run(*geomedian("{eps: 1e-9, count: true}"), series());
  const auto red = result.at("red"), nir = result.at("nir");
  EXPECT_NEAR(red[0], 1, 1e-6);  // 4 * 0.5 - 1, of three of four
  EXPECT_NEAR(nir[0], 10, 1e-6);
  EXPECT_NEAR(red[1], 2, 1e-6);
  EXPECT_NEAR(nir[1], 15, 1e-6);
  EXPECT_EQ(red[2], 3);
  EXPECT_TRUE(std::isnan(red[3]));
  EXPECT_THAT(result.at("count"), numbers_are({4, 2, 1, kInvalid}));
}

TEST(Geomedian, AnObservationNeedsAllBands) {
  auto cube = series();
  cube.schema.validity_per_band = true;
  cube.values[1][1][1] = kInvalid;  // leaves the second pixel its first day
  const auto result = run(*geomedian("{mads: [bcmad, emad], count: true}"), cube);
  EXPECT_THAT(result.at("count"), numbers_are({4, 1, 1, kInvalid}));
  EXPECT_EQ(result.at("red")[1], 1);
  EXPECT_EQ(result.at("nir")[1], 10);
  EXPECT_EQ(result.at("emad")[1], 0);
}

TEST(Geomedian, TypeOfTheInput) {
  const auto result = run(*geomedian("{eps: 1e-9, type: input}"), series());
  EXPECT_THAT(result.at("red"), numbers_are({4, 6, 8, kInvalid}));
  EXPECT_THAT(result.at("nir"), numbers_are({10, 15, 12, kInvalid}));
  EXPECT_EQ(result.schema.bands, series().schema.bands);
}

TEST(Geomedian, BandsOfTheOutput) {
  const auto schema = planned("{mads: [bcmad, smad, emad], count: true}", series().schema);
  EXPECT_THAT(schema.band_names(), ElementsAre("red", "nir", "smad", "emad", "bcmad", "count"));
  EXPECT_EQ(schema.bands[0].type, PixelType::float32);
  EXPECT_EQ(schema.bands[0].scale, 1);
  EXPECT_EQ(schema.bands[1].unit, "reflectance");
  EXPECT_EQ(schema.bands[5].type, PixelType::uint16);
  EXPECT_EQ(schema.bands[5].kind, raster::BandKind::count);
  EXPECT_TRUE(schema.validity_per_band);
  EXPECT_FALSE(planned("{mads: emad}", series().schema).validity_per_band);
  EXPECT_THAT(planned("{bands: nir}", series().schema).band_names(), ElementsAre("nir"));
}

TEST(Geomedian, EveryMonthIncludesTheMonthWithoutScenes) {
  const auto result = run(*geomedian("{every: month, mads: [emad, smad]}"), series());
  ASSERT_EQ(result.schema.slices.size(), 3U);
  EXPECT_EQ(result.at("red", 0)[0], 1);
  EXPECT_EQ(result.at("emad", 0)[0], 0);
  EXPECT_THAT(result.at("red", 1), numbers_are({kInvalid, kInvalid, kInvalid, kInvalid}));
  EXPECT_THAT(result.at("smad", 1), numbers_are({kInvalid, kInvalid, kInvalid, kInvalid}));
  EXPECT_TRUE(std::isnan(result.at("red", 2)[1]));
}

TEST(Geomedian, RefusesWhatMakesNoSense) {
  const auto failing = [](const std::string& yaml) { return error_of([&] { geomedian(yaml); }); };
  EXPECT_THAT(failing("{mads: [smed]}"), HasSubstr("smad"));
  EXPECT_THAT(failing("{mads: [smad, smad]}"), HasSubstr("geomedian.mads"));
  EXPECT_THAT(failing("{eps: 0}"), HasSubstr("geomedian.eps"));
  EXPECT_THAT(failing("{max_iterations: 0}"), HasSubstr("max_iterations"));
  EXPECT_THAT(failing("{within: 2018}"), HasSubstr("every"));
  auto schema = series().schema;
  EXPECT_THAT(error_of([&] { planned("{bands: [nri]}", schema); }), HasSubstr("nir"));
  schema.bands[0].unit = "dB";
  EXPECT_THAT(error_of([&] { planned("", schema); }), HasSubstr("decibels"));
  EXPECT_NO_THROW(planned("{bands: nir}", schema));
  schema = series().schema;
  schema.bands[1].kind = raster::BandKind::category;
  EXPECT_THAT(error_of([&] { planned("", schema); }), HasSubstr("holds classes"));
  schema = series().schema;
  schema.bands[1].name = "count";
  EXPECT_THAT(error_of([&] { planned("{count: true}", schema); }), HasSubstr("two bands 'count'"));
}

}  // namespace
}  // namespace geoloom::ops
