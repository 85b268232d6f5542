// SPDX-License-Identifier: Apache-2.0
// What drawings do not show; those are in pick.scene.
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_pick();

namespace {

using raster::PixelType;
using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> pick(const std::string& yaml) {
  return bound(make_pick(), yaml);
}

// Columns: four, three, one and no observations.
Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "red", .type = PixelType::uint16, .scale = 0.5, .offset = -1},
                       {.name = "nir", .type = PixelType::float32}};
  cube.schema.slices = {day("2018-01-05"), day("2018-01-20"), day("2018-03-01"), day("2018-03-31")};
  cube.values = {{{8, 3, kInvalid, kInvalid}, {1, 2, kInvalid, kInvalid}},
                 {{2, 3, kInvalid, kInvalid}, {1, 2, kInvalid, kInvalid}},
                 {{4, 1, 7, kInvalid}, {2, 9, 3, kInvalid}},
                 {{5, kInvalid, kInvalid, kInvalid}, {2.5, kInvalid, kInvalid, kInvalid}}};
  return cube;
}

raster::CubeSchema planned(const std::string& yaml, const raster::CubeSchema& schema) {
  const raster::CubeSchema* input = &schema;
  return pick(yaml)->plan({&input, 1}).outputs[0];
}

Numbers red(const std::string& yaml) {
  return run(*pick(yaml), series()).at("red");
}

TEST(Pick, RulesByHand) {
  EXPECT_THAT(red("first"), numbers_are({8, 3, 7, kInvalid}));
  EXPECT_THAT(red("last"), numbers_are({5, 1, 7, kInvalid}));
  EXPECT_THAT(red("medoid"), numbers_are({4, 3, 7, kInvalid}));
  EXPECT_THAT(red("{nearest: 2018-02-09}"), numbers_are({2, 3, 7, kInvalid}));
  EXPECT_THAT(red("{nearest: 2018-02-10}"), numbers_are({4, 1, 7, kInvalid})) << "20 and 19 days";
  EXPECT_THAT(red("{highest: red}"), numbers_are({8, 3, 7, kInvalid}));
  EXPECT_THAT(red("{lowest: nir - red}"), numbers_are({8, 3, 7, kInvalid}));
  EXPECT_THAT(red("{highest: red, min_count: 3}"), numbers_are({8, 3, kInvalid, kInvalid}));
}

TEST(Pick, TellsTheDate) {
  const auto result = run(*pick("{highest: nir}"), series());
  EXPECT_THAT(result.at("date"), numbers_are({17621, 17591, 17591, kInvalid}));
  const auto& band = result.schema.bands.back();
  EXPECT_EQ(band.type, PixelType::uint16);
  EXPECT_EQ(band.unit, "days since 1970-01-01");
  EXPECT_EQ(band.kind, raster::BandKind::count);                // whose overviews are no means
  EXPECT_EQ(result.schema.bands[0], series().schema.bands[0]);  // as they are stored
}

TEST(Pick, StreamingInAnyBatchesGivesTheSameBytes) {
  for (const char* yaml : {"first", "last", "{nearest: 2018-01-30}", "{highest: nir / red}",
                           "{lowest: nir, every: month}", "{nearest: middle, every: month}"}) {
    const auto whole = run(*pick(yaml), series());
    for (const size_t batch : {1U, 2U, 3U, 4U}) {
      const auto parts = run(*pick(yaml), series(), batch);
      for (size_t s = 0; s < whole.schema.slices.size(); ++s)
        for (const auto& band : whole.schema.band_names())
          EXPECT_THAT(parts.at(band, s), numbers_are(whole.at(band, s))) << yaml << batch;
    }
  }
}

TEST(Pick, MedoidsOfPeriods) {
  const auto result = run(*pick("{rule: medoid, every: month}"), series());
  ASSERT_EQ(result.schema.slices.size(), 3U);
  EXPECT_THAT(result.at("date", 0), numbers_are({17536, 17536, kInvalid, kInvalid}));
  EXPECT_THAT(result.at("date", 1), numbers_are({kInvalid, kInvalid, kInvalid, kInvalid}));
  EXPECT_THAT(result.at("date", 2), numbers_are({17591, 17591, 17591, kInvalid}));
}

TEST(Pick, AnObservationNeedsAllBands) {
  auto cube = series();
  cube.schema.validity_per_band = true;
  cube.values[0][1][0] = kInvalid;
  for (const char* yaml : {"{rule: first, date: false}", "{rule: medoid, date: false}"}) {
    const auto result = run(*pick(yaml), cube);
    EXPECT_FALSE(result.schema.validity_per_band);
    EXPECT_NE(result.at("red")[0], 8) << yaml;
  }
}

TEST(Pick, RefusesWhatMakesNoSense) {
  const auto failing = [](const std::string& yaml) { return error_of([&] { pick(yaml); }); };
  EXPECT_THAT(failing(""), HasSubstr("needs a rule"));
  EXPECT_THAT(failing("{rule: first, highest: nir}"), HasSubstr("one rule only"));
  EXPECT_THAT(failing("medoit"), HasSubstr("medoid"));
  EXPECT_THAT(failing("{nearest: summer}"), HasSubstr("is no date"));
  EXPECT_THAT(failing("{highest: nir +}"), HasSubstr("pick.highest"));
  EXPECT_THAT(failing("{lowest: nir > 2}"), HasSubstr("is a condition"));
  auto schema = series().schema;
  EXPECT_THAT(error_of([&] { planned("{highest: nri}", schema); }), HasSubstr("'nir'"));
  schema.slices[1].timed = false;
  EXPECT_THAT(error_of([&] { planned("first", schema); }), HasSubstr("date: false"));
  EXPECT_NO_THROW(planned("{rule: first, date: false}", schema));
  EXPECT_THAT(error_of([&] { planned("{nearest: 2018-01, date: false}", schema); }),
              HasSubstr("has no time"));
  schema = series().schema;
  schema.slices[0] = day("1969-07-20");
  EXPECT_THAT(error_of([&] { planned("first", schema); }), HasSubstr("1970"));
  schema.slices[0] = day("2018-01-05");
  schema.slices[3] = day("2149-06-06");  // 65535
  EXPECT_THAT(error_of([&] { planned("first", schema); }), HasSubstr("2149"));
  schema.slices[3] = day("2149-06-05");
  EXPECT_NO_THROW(planned("first", schema));
  schema = series().schema;
  schema.bands[1].name = "date";
  EXPECT_THAT(error_of([&] { planned("first", schema); }), HasSubstr("two bands 'date'"));
  schema.bands[1].kind = raster::BandKind::category;
  EXPECT_THAT(error_of([&] { planned("{rule: medoid, date: false}", schema); }),
              HasSubstr("holds classes"));
}

}  // namespace
}  // namespace geoloom::ops
