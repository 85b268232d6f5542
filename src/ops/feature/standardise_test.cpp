// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_standardise();

namespace {

using testing::HasSubstr;

Cube two_bands() {
  Cube cube;
  cube.schema.bands = {
      {.name = "red", .type = raster::PixelType::int16, .scale = 0.5, .offset = 1},
      {.name = "class", .type = raster::PixelType::uint8, .kind = raster::BandKind::category}};
  cube.schema.slices = {day("2023-01-01")};
  cube.schema.validity_per_band = true;
  cube.values = {{{2, 6, kInvalid}, {4, kInvalid, 5}}};
  return cube;
}

Cube one_band() {
  auto cube = two_bands();
  cube.schema.bands.resize(1);
  cube.values[0].resize(1);
  return cube;
}

TEST(Standardise, MinimumAndMaximum) {
  const auto result =
      run(*bound(make_standardise(), "{bands: {red: {minimum: 1, maximum: 3}}}"), one_band());
  EXPECT_THAT(result.at("red"), numbers_are({0.5, 1.5, kInvalid}));
  EXPECT_EQ(result.schema.bands[0].scale, 1);
}

TEST(Standardise, ClassesAreKeptOrRefused) {
  const std::string numbers = "bands: {red: {mean: 2, sd: 4}}, method: mean_sd";
  EXPECT_THAT(error_of([&] { run(*bound(make_standardise(), "{" + numbers + "}"), two_bands()); }),
              HasSubstr("class"));
  const auto kept = run(*bound(make_standardise(), "{" + numbers + ", others: keep}"), two_bands());
  EXPECT_THAT(kept.at("red"), numbers_are({0, 0.5, kInvalid}));
  EXPECT_THAT(kept.at("class"), numbers_are({4, kInvalid, 5}));
  EXPECT_EQ(kept.schema.bands[1], two_bands().schema.bands[1]);
}

TEST(Standardise, Tables) {
  const auto by_table = [](const std::string& content) {
    const auto op = bound(make_standardise(), "{table: numbers, clip: true}");
    return run(*op, one_band(), 0, {content}).at("red");
  };
  EXPECT_THAT(by_table("band;maximum;minimum\nred;3;1\n"), numbers_are({0.5, 1, kInvalid}));
  EXPECT_THAT(by_table(R"({"red": {"minimum": 1, "maximum": 3}})"),
              numbers_are({0.5, 1, kInvalid}));
  EXPECT_THAT(error_of([&] { by_table("band,min,max\nred,1,3\n"); }),
              HasSubstr("no column 'minimum'"));
  EXPECT_THAT(error_of([&] { by_table("band,minimum,maximum\nred,1,x\n"); }),
              HasSubstr("'x' is not a number"));
  EXPECT_THAT(error_of([&] { by_table("band,minimum,maximum\nred,1\n"); }), HasSubstr("2 columns"));
  EXPECT_THAT(error_of([&] { by_table("band,minimum,maximum\nred,1,2\nred,1,3\n"); }),
              HasSubstr("twice"));
  EXPECT_THAT(error_of([&] { by_table("band,minimum,maximum\nrde,1,2\n"); }),
              HasSubstr("no numbers for band 'red'"));
  EXPECT_THAT(error_of([&] { by_table("{\"red\": {\"minimum\": 1}}"); }), HasSubstr("lacks"));
  EXPECT_THAT(error_of([&] { by_table("{\"red\": 5"); }), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of([&] { by_table(""); }), HasSubstr("no lines"));
}

TEST(Standardise, WhatIsScaledHasNoUnit) {
  auto cube = one_band();
  cube.schema.bands[0].unit = "mm";
  const raster::CubeSchema* input = &cube.schema;
  const auto unit = [&](const std::string& yaml) {
    return bound(make_standardise(), yaml)->plan({&input, 1}).outputs.at(0).bands[0].unit;
  };
  EXPECT_EQ(unit("{table: numbers}"), "");
  EXPECT_EQ(unit("{table: numbers, others: keep}"), "");
  EXPECT_EQ(unit("{bands: {red: {minimum: 1, maximum: 3}}}"), "");
}

TEST(Standardise, TheTableIsAFileOfTheOp) {
  const auto files = bound(make_standardise(), "numbers.csv")->files();
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].path, "numbers.csv");
}

TEST(Standardise, RefusesWhatMakesNoSense) {
  const auto failing = [](const std::string& yaml) {
    return error_of([&] { bound(make_standardise(), yaml); });
  };
  EXPECT_THAT(failing(""), HasSubstr("needs `table` or `bands`"));
  EXPECT_THAT(failing("{bands: {a: {minimum: 1, maximum: 1}}}"), HasSubstr("above the minimum"));
  EXPECT_THAT(failing("{bands: {a: {mean: 1, sd: 1}}}"), HasSubstr("lacks its minimum"));
  EXPECT_THAT(failing("{method: mean_sd, bands: {a: {mean: 1, sd: -1}}}"), HasSubstr("above 0"));
  EXPECT_THAT(failing("{method: mean_sd, clip: true, bands: {a: {mean: 1, sd: 1}}}"),
              HasSubstr("clip_sd"));
  EXPECT_THAT(error_of([] {
                run(*bound(make_standardise(), "{bands: {rde: {minimum: 1, maximum: 2}}}"),
                    one_band());
              }),
              HasSubstr("no band 'rde'"));
}

}  // namespace
}  // namespace geoloom::ops
