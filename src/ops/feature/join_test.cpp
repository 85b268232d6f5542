// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_join();

namespace {

using raster::PixelType;
using testing::HasSubstr;

raster::Slice month(const std::string& first, const std::string& after, const std::string& label) {
  return {.period = {geo::parse_time(first).value(), geo::parse_time(after).value()},
          .timed = true,
          .label = label};
}

Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = PixelType::int16, .scale = 0.01}};
  cube.schema.slices = {month("2023-01-01", "2023-02-01", "2023-01"),
                        month("2023-02-01", "2023-03-01", "2023-02")};
  cube.values = {{{1, 2, kInvalid}}, {{4, kInvalid, 6}}};
  return cube;
}

Cube still() {
  Cube cube;
  cube.schema.bands = {
      {.name = "height", .type = PixelType::float32, .unit = "m"},
      {.name = "class", .type = PixelType::uint8, .kind = raster::BandKind::category}};
  cube.schema.slices = {{.period = {}, .timed = false, .label = "dem"}};
  cube.schema.validity_per_band = true;
  cube.values = {{{10.5, 11.5, 12.5}, {kInvalid, 3, 4}}};
  return cube;
}

Result joined(const std::string& yaml, const std::vector<Cube>& cubes) {
  const auto op = bound(make_join(), yaml);
  std::vector<const raster::CubeSchema*> schemas;
  std::vector<raster::Block> blocks;
  std::vector<const raster::Block*> in;
  for (const auto& cube : cubes) {
    schemas.push_back(&cube.schema);
    if (cube.schema.slices.empty())
      blocks.emplace_back(cube.schema, geo::Window{0, 0, 3, 1}, 0, 0);
    else
      blocks.push_back(block_of(cube, 0, cube.schema.slices.size()));
  }
  for (const auto& block : blocks) in.push_back(&block);
  Result result{op->plan(schemas).outputs.at(0), {}};
  const raster::CubeSchema* output = &result.schema;
  result.block = raster::Block(result.schema, {0, 0, 3, 1}, 0, result.schema.slices.size());
  raster::Block* out = &result.block;
  op->run({schemas, {&output, 1}, nullptr, in, {&out, 1}});
  return result;
}

TEST(Join, RepeatsWhatHasOneSlice) {
  const auto result = joined("", {still(), series()});
  EXPECT_EQ(result.schema.band_names(), (std::vector<std::string>{"height", "class", "ndvi"}));
  EXPECT_EQ(result.schema.slices, series().schema.slices);
  for (const size_t slice : {0U, 1U}) {
    EXPECT_THAT(result.at("height", slice), numbers_are({10.5, 11.5, 12.5}));
    EXPECT_THAT(result.at("class", slice), numbers_are({kInvalid, 3, 4}));
  }
  EXPECT_THAT(result.at("ndvi", 0), numbers_are({1, 2, kInvalid}));
  EXPECT_THAT(result.at("ndvi", 1), numbers_are({4, kInvalid, 6}));
}

TEST(Join, BandsKeepWhatTheyAre) {
  const auto schema = joined("", {series(), still()}).schema;
  EXPECT_EQ(schema.bands[0], series().schema.bands[0]);
  EXPECT_EQ(schema.bands[1], still().schema.bands[0]);
  EXPECT_EQ(schema.bands[2], still().schema.bands[1]);
}

TEST(Join, RequireAllBands) {
  const auto result = joined("{require: all}", {series(), still()});
  EXPECT_FALSE(result.schema.validity_per_band);
  EXPECT_THAT(result.at("height", 0), numbers_are({kInvalid, 11.5, kInvalid}));
  EXPECT_THAT(result.at("height", 1), numbers_are({kInvalid, kInvalid, 12.5}));
}

TEST(Join, AloneTheTimedSliceCounts) {
  auto once = series();
  once.schema.slices.resize(1);
  once.values.resize(1);
  const auto result = joined("", {still(), once});
  EXPECT_EQ(result.schema.slices, once.schema.slices);
}

TEST(Join, NothingLoadedIsInvalidEverywhere) {
  auto nothing = series();
  nothing.schema.slices.clear();
  nothing.values.clear();
  const auto result = joined("", {nothing, still()});
  ASSERT_EQ(result.schema.slices.size(), 1U);
  EXPECT_THAT(result.at("ndvi"), numbers_are({kInvalid, kInvalid, kInvalid}));
  EXPECT_THAT(result.at("height"), numbers_are({10.5, 11.5, 12.5}));
}

TEST(Join, ByLabelInAnyOrder) {
  auto other = series();
  std::swap(other.schema.slices[0], other.schema.slices[1]);
  for (auto& slice : other.schema.slices) slice.timed = false;
  other.schema.bands[0].name = "rain";
  EXPECT_THAT(error_of([&] { joined("", {series(), other}); }), HasSubstr("match: label"));
  const auto result = joined("{match: label}", {series(), other});
  EXPECT_THAT(result.at("rain", 0), numbers_are({4, kInvalid, 6}));
  EXPECT_THAT(result.at("rain", 1), numbers_are({1, 2, kInvalid}));
}

TEST(Join, Names) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(joined("{prefix: [a_, b_]}", {series(), series()}).schema.band_names(),
            (Names{"a_ndvi", "b_ndvi"}));
  EXPECT_EQ(joined("{names: [x, y]}", {series(), series()}).schema.band_names(), (Names{"x", "y"}));
  EXPECT_THAT(error_of([&] {
                joined("", {series(), series()});
              }),
              HasSubstr("two bands are called 'ndvi'"));
  EXPECT_THAT(error_of([&] {
                joined("{names: [x]}", {series(), series()});
              }),
              HasSubstr("1 names for 2 bands"));
  EXPECT_THAT(error_of([&] {
                joined("{prefix: [x]}", {series(), series()});
              }),
              HasSubstr("1 texts for 2 cubes"));
  EXPECT_THAT(error_of([&] { bound(make_join(), "{prefix: [a], names: [b]}"); }),
              HasSubstr("exclude each other"));
  EXPECT_THAT(error_of([&] { joined("", {series()}); }), HasSubstr("nothing to join"));
}

// A cube of one date or period that a series may be by chance on some tile.
Cube once(const raster::Slice& slice) {
  Cube cube;
  cube.schema.bands = {{.name = "rain", .type = PixelType::uint8}};
  cube.schema.slices = {slice};
  cube.values = {{{7, 8, 9}}};
  return cube;
}

TEST(Join, OneDateOfASeriesIsNotRepeated) {
  const auto error = error_of([] { joined("", {series(), once(day("2023-01-05"))}); });
  EXPECT_THAT(error, HasSubstr("cube 2 has other slices"));
  EXPECT_THAT(error, HasSubstr("repeat: [2]"));
  const auto january = once(month("2023-01-01", "2023-02-01", "2023-01"));
  EXPECT_THAT(error_of([&] { joined("", {january, series()}); }), HasSubstr("cube 1"));
  EXPECT_THAT(error_of([&] {
                joined("{match: label}", {january, series()});
              }),
              HasSubstr("cube 1"));
  auto other = once(day("2023-01-06"));
  other.schema.bands[0].name = "snow";
  EXPECT_THAT(error_of([&] { joined("", {once(day("2023-01-05")), other}); }), HasSubstr("cube 2"));
  // Of the same date they belong together.
  other.schema.slices[0].period = day("2023-01-05").period;
  EXPECT_THAT(joined("", {once(day("2023-01-05")), other}).at("snow"), numbers_are({7, 8, 9}));
}

TEST(Join, RepeatsWhatHoldsAtAllTimes) {
  auto summary = once(day("2023-01-05"));
  summary.schema.slices[0].label.clear();
  const auto year = once(month("2023-01-01", "2024-01-01", "2023"));
  for (const auto& cube : {summary, year}) {
    const auto result = joined("", {cube, series()});
    EXPECT_EQ(result.schema.slices, series().schema.slices);
    for (const size_t slice : {0U, 1U})
      EXPECT_THAT(result.at("rain", slice), numbers_are({7, 8, 9}));
  }
  const auto named = joined("{repeat: [2]}", {series(), once(day("2023-01-05"))});
  EXPECT_THAT(named.at("rain", 1), numbers_are({7, 8, 9}));
  EXPECT_THAT(error_of([] {
                joined("{repeat: 3}", {series(), still()});
              }),
              HasSubstr("no number 3"));
}

TEST(Join, WhatIsRepeatedDoesNotLead) {
  auto summary = once(day("2020-01-05"));
  summary.schema.slices[0].label.clear();
  auto first = series();
  first.schema.slices.resize(1);
  first.values.resize(1);
  EXPECT_EQ(joined("", {summary, first}).schema.slices, first.schema.slices);
  const auto old = once(day("2020-01-05"));
  EXPECT_EQ(joined("{repeat: 1}", {old, first}).schema.slices, first.schema.slices);
}

TEST(Join, BatchesWhereNothingIsRepeated) {
  const auto a = series(), b = still();
  const std::vector<const raster::CubeSchema*> alike = {&a.schema, &a.schema},
                                               mixed = {&a.schema, &b.schema};
  const auto op = bound(make_join(), "{prefix: [a_, b_]}");
  EXPECT_EQ(op->plan(alike).time_need, workflow::TimeNeed::pointwise);
  EXPECT_EQ(op->plan(mixed).time_need, workflow::TimeNeed::whole_axis);
}

}  // namespace
}  // namespace geoloom::ops
