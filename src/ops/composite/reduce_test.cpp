// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_reduce();

namespace {

using raster::PixelType;
using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> reduce(const std::string& yaml) {
  return bound(make_reduce(), yaml);
}

// Four days in January and March; the columns have four, three, one and no valid samples.
Cube series(PixelType type = PixelType::uint16) {
  Cube cube;
  cube.schema.bands = {{.name = "red", .type = type, .scale = 0.5, .offset = -1, .nodata = 0}};
  cube.schema.slices = {day("2018-01-05"), day("2018-01-20"), day("2018-03-01"), day("2018-03-31")};
  cube.values = {{{8, 3, kInvalid, kInvalid}},
                 {{2, kInvalid, kInvalid, kInvalid}},
                 {{4, 1, 7, kInvalid}},
                 {{5, 9, kInvalid, kInvalid}}};
  return cube;
}

Numbers red(const std::string& yaml) {
  return run(*reduce(yaml), series()).at("red");
}

raster::CubeSchema planned(const std::string& yaml, const raster::CubeSchema& schema) {
  const raster::CubeSchema* input = &schema;
  return reduce(yaml)->plan({&input, 1}).outputs[0];
}

TEST(Reduce, StatisticsByHand) {
  EXPECT_THAT(red(""), numbers_are({4.5, 3, 7, kInvalid}));
  EXPECT_THAT(red("{stat: median, even: lower}"), numbers_are({4, 3, 7, kInvalid}));
  EXPECT_THAT(red("{stat: median, even: upper}"), numbers_are({5, 3, 7, kInvalid}));
  EXPECT_THAT(red("mean"), numbers_are({4.75, 13 / 3.0F, 7, kInvalid}));
  EXPECT_THAT(red("std"), numbers_are({std::sqrt(4.6875F), std::sqrt(104 / 9.0F), 0, kInvalid}));
  EXPECT_THAT(red("min"), numbers_are({2, 1, 7, kInvalid}));
  EXPECT_THAT(red("max"), numbers_are({8, 9, 7, kInvalid}));
  EXPECT_THAT(red("first"), numbers_are({8, 3, 7, kInvalid}));
  EXPECT_THAT(red("last"), numbers_are({5, 9, 7, kInvalid}));
  EXPECT_THAT(red("{stat: quantile, q: 0.5}"), numbers_are({4.5, 3, 7, kInvalid}));
  EXPECT_THAT(red("{stat: quantile, q: 0.25, method: nearest_rank}"),
              numbers_are({2, 1, 7, kInvalid}));
  EXPECT_THAT(red("{stat: quantile, q: 0.25}"), numbers_are({3.5, 2, 7, kInvalid}));
}

TEST(Reduce, CountIsValidEverywhereAndZeroWhereNothingIs) {
  const auto result = run(*reduce("count"), series());
  EXPECT_THAT(result.at("count"), numbers_are({4, 3, 1, 0}));
  EXPECT_EQ(result.schema.bands[0].type, PixelType::uint16);
  EXPECT_EQ(result.schema.bands[0].kind, raster::BandKind::count);
  EXPECT_EQ(result.schema.bands[0].scale, 1);
  EXPECT_FALSE(result.schema.bands[0].nodata);
}

TEST(Reduce, MinCount) {
  EXPECT_THAT(red("{stat: mean, min_count: 3}"),
              numbers_are({4.75, 13 / 3.0F, kInvalid, kInvalid}));
  EXPECT_THAT(red("{stat: median, min_count: 4}"),
              numbers_are({4.5, kInvalid, kInvalid, kInvalid}));
  const auto both = run(*reduce("{stat: [max, count], min_count: 3}"), series());
  EXPECT_THAT(both.at("red_max"), numbers_are({8, 9, kInvalid, kInvalid}));
  EXPECT_THAT(both.at("count"), numbers_are({4, 3, kInvalid, kInvalid}));
}

TEST(Reduce, TypesAndAttributes) {
  const auto schema = series().schema;
  const auto mean = planned("mean", schema).bands[0];
  EXPECT_EQ(mean.type, PixelType::float32);
  EXPECT_TRUE(std::isnan(*mean.nodata));
  EXPECT_EQ(mean.scale, 0.5);
  EXPECT_EQ(mean.offset, -1);
  const auto deviation = planned("std", schema).bands[0];
  EXPECT_EQ(deviation.type, PixelType::float32);
  EXPECT_EQ(deviation.scale, 0.5);
  EXPECT_EQ(deviation.offset, 0);  // of a difference
  for (const char* kept : {"max", "first", "{stat: median, even: lower}",
                           "{stat: quantile, q: 0, method: nearest_rank}"}) {
    const auto band = planned(kept, schema).bands[0];
    EXPECT_EQ(band.type, PixelType::uint16) << kept;
    EXPECT_EQ(band.nodata, 0) << kept;
  }
}

TEST(Reduce, NamesOfBands) {
  auto schema = series().schema;
  schema.bands.push_back({.name = "nir"});
  using Names = std::vector<std::string>;
  EXPECT_EQ(planned("max", schema).band_names(), (Names{"red", "nir"}));
  EXPECT_EQ(planned("[mean, max]", schema).band_names(),
            (Names{"red_mean", "red_max", "nir_mean", "nir_max"}));
  EXPECT_EQ(planned("[max, count]", schema).band_names(), (Names{"red_max", "nir_max", "count"}));
  EXPECT_EQ(planned("{bands: {nir: [mean, count], red: max}}", schema).band_names(),
            (Names{"red_max", "nir_mean", "nir_count"}));
  schema.validity_per_band = true;
  EXPECT_EQ(planned("count", schema).band_names(), (Names{"red_count", "nir_count"}));
}

TEST(Reduce, ValidityPerBand) {
  Cube cube;
  cube.schema.bands = {{.name = "a"}, {.name = "b"}};
  cube.schema.slices = {day("2018-01-05"), day("2018-01-06"), day("2018-01-07")};
  cube.schema.validity_per_band = true;
  cube.values = {{{1, 1}, {kInvalid, 5}}, {{3, kInvalid}, {kInvalid, 7}}, {{5, 6}, {9, kInvalid}}};
  for (const char* yaml : {"[median, mean, count]", "[mean, count]"}) {
    const auto result = run(*reduce(yaml), cube);
    EXPECT_THAT(result.at("a_mean"), numbers_are({3, 3.5}));
    EXPECT_THAT(result.at("b_mean"), numbers_are({9, 6}));
    EXPECT_THAT(result.at("a_count"), numbers_are({3, 2}));
    EXPECT_THAT(result.at("b_count"), numbers_are({1, 2}));
  }
  EXPECT_THAT(run(*reduce("median"), cube).at("b"), numbers_are({9, 6}));
}

TEST(Reduce, EveryMonthIncludesTheMonthWithoutScenes) {
  for (const char* stat : {"mean", "median"}) {
    const auto result = run(*reduce(std::string("{stat: ") + stat + ", every: month}"), series());
    ASSERT_EQ(result.schema.slices.size(), 3U);
    EXPECT_EQ(result.schema.slices[1].label, "2018-02");
    EXPECT_EQ(geo::format_date(result.schema.slices[2].period.start), "2018-03-01");
    EXPECT_THAT(result.at("red", 0), numbers_are({5, 3, kInvalid, kInvalid}));
    EXPECT_THAT(result.at("red", 1), numbers_are({kInvalid, kInvalid, kInvalid, kInvalid}));
    EXPECT_THAT(result.at("red", 2), numbers_are({4.5, 5, 7, kInvalid}));
  }
}

TEST(Reduce, CountsPerMonth) {
  const auto result = run(*reduce("{stat: count, every: month}"), series());
  EXPECT_THAT(result.at("count", 0), numbers_are({2, 1, 0, 0}));
  EXPECT_THAT(result.at("count", 1), numbers_are({0, 0, 0, 0}));
}

TEST(Reduce, StreamingInAnyBatchesGivesTheSameBytes) {
  for (const char* yaml :
       {"mean", "[std, mean]", "[min, max, count]", "first", "{stat: last, every: month}",
        "{stat: [mean, count], every: 10 days, min_count: 2}"}) {
    for (const auto type : {PixelType::uint8, PixelType::int16, PixelType::float32}) {
      const auto cube = series(type);
      const auto whole = run(*reduce(yaml), cube);
      for (const size_t batch : {1U, 2U, 3U, 4U}) {
        const auto parts = run(*reduce(yaml), cube, batch);
        for (size_t s = 0; s < whole.schema.slices.size(); ++s)
          for (const auto& band : whole.schema.band_names())
            EXPECT_THAT(parts.at(band, s), numbers_are(whole.at(band, s))) << yaml << batch;
      }
    }
  }
}

TEST(Reduce, MediansNeedAllSlices) {
  const auto schema = series().schema;
  const raster::CubeSchema* input = &schema;
  EXPECT_EQ(reduce("[mean, median]")->plan({&input, 1}).time_need, workflow::TimeNeed::whole_axis);
  EXPECT_EQ(reduce("[mean, max]")->plan({&input, 1}).time_need, workflow::TimeNeed::streaming);
}

TEST(Reduce, RefusesWhatMakesNoSense) {
  const auto failing = [](const std::string& yaml) { return error_of([&] { reduce(yaml); }); };
  EXPECT_THAT(failing("medain"), HasSubstr("median"));
  EXPECT_THAT(failing("quantile"), HasSubstr("reduce.q"));
  EXPECT_THAT(failing("{stat: mean, q: 0.5}"), HasSubstr("only for stat: quantile"));
  EXPECT_THAT(failing("{stat: quantile, q: 1.5}"), HasSubstr("reduce.q"));
  EXPECT_THAT(failing("{stat: mean, min_count: 0}"), HasSubstr("min_count"));
  EXPECT_THAT(failing("[mean, mean]"), HasSubstr("named twice"));
  EXPECT_THAT(failing("{every: fortnight}"), HasSubstr("every"));
  auto schema = series().schema;
  EXPECT_THAT(error_of([&] { planned("{bands: {rde: mean}}", schema); }),
              HasSubstr("did you mean 'red'?"));
  schema.slices[1].timed = false;
  EXPECT_THAT(error_of([&] { planned("{every: month}", schema); }), HasSubstr("has no time"));
  schema = series().schema;
  std::swap(schema.slices[0], schema.slices[3]);
  EXPECT_THAT(error_of([&] { planned("{every: month}", schema); }), HasSubstr("earlier than"));
  schema.bands[0].unit = "dB";
  for (const char* stat : {"[max, mean]", "sd", "variance", "std", "sum", "product"})
    EXPECT_THAT(error_of([&] { planned(stat, schema); }), HasSubstr("in decibels")) << stat;
  EXPECT_NO_THROW(planned("[median, max]", schema));
  schema.bands[0].kind = raster::BandKind::category;
  EXPECT_THAT(error_of([&] { planned("median", schema); }), HasSubstr("holds classes"));
  EXPECT_NO_THROW(planned("{stat: [median, count], even: lower}", schema));
}

}  // namespace
}  // namespace geoloom::ops
