// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_difference();

namespace {

using raster::PixelType;
using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> difference(const std::string& yaml) {
  return bound(make_difference(), yaml);
}

Cube cube_of(const Numbers& values, double scale = 1, PixelType type = PixelType::int16) {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = type, .scale = scale}};
  cube.schema.slices = {day("2020-01-01")};
  cube.values = {{values}};
  return cube;
}

Result compared(const std::string& yaml, const Cube& before, const Cube& after) {
  const auto op = difference(yaml);
  const raster::CubeSchema* inputs[] = {&before.schema, &after.schema};
  Result result{op->plan(inputs).outputs.at(0), {}};
  const auto block = [](const Cube& cube) {
    return cube.values.empty() ? raster::Block(cube.schema, {0, 0, 6, 1}, 0, 0)
                               : block_of(cube, 0, cube.schema.slices.size());
  };
  const auto first = block(before), second = block(after);
  result.block = raster::Block(result.schema, first.window(), 0, result.schema.slices.size());
  const raster::CubeSchema* output = &result.schema;
  const raster::Block* in[] = {&first, &second};
  raster::Block* out = &result.block;
  op->run({inputs, {&output, 1}, nullptr, in, {&out, 1}});
  return result;
}

const Cube kBefore = cube_of({4, 4, 0, -2, kInvalid, 1});
const Cube kAfter = cube_of({12, 4, 4, 2, 2, kInvalid}, 0.5);  // 6, 2, 2, 1, 1

TEST(Difference, ByHand) {
  EXPECT_THAT(compared("", kBefore, kAfter).at("ndvi"),
              numbers_are({2, -2, 2, 3, kInvalid, kInvalid}));
  const auto all = compared("[difference, ratio, relative]", kBefore, kAfter);
  EXPECT_THAT(all.at("ndvi_ratio"), numbers_are({1.5, 0.5, kInvalid, -0.5, kInvalid, kInvalid}));
  EXPECT_THAT(all.at("ndvi_relative"), numbers_are({0.5, -0.5, kInvalid, 1.5, kInvalid, kInvalid}));
  EXPECT_THAT(all.at("ndvi_difference"), numbers_are({2, -2, 2, 3, kInvalid, kInvalid}));
}

TEST(Difference, Classes) {
  EXPECT_THAT(compared("{outputs: class, threshold: 2}", kBefore, kAfter).at("ndvi"),
              numbers_are({3, 1, 3, 3, kInvalid, kInvalid}));
  EXPECT_THAT(compared("{outputs: class, threshold: [-3, 3]}", kBefore, kAfter).at("ndvi"),
              numbers_are({2, 2, 2, 3, kInvalid, kInvalid}));
  const auto ratio =
      compared("{outputs: [class], threshold: [0.5, 1.5], threshold_of: ratio}", kBefore, kAfter);
  EXPECT_THAT(ratio.at("ndvi"), numbers_are({3, 1, kInvalid, 1, kInvalid, kInvalid}));
  EXPECT_EQ(ratio.schema.bands[0].kind, raster::BandKind::category);
}

// No scene of one date touches the tile.
TEST(Difference, WithoutSlicesOfOneAllIsInvalid) {
  auto nothing = kBefore;
  nothing.schema.slices.clear();
  nothing.values.clear();
  const auto all_invalid = numbers_are(Numbers(6, kInvalid));
  for (const auto& [before, after] : {std::pair(nothing, kAfter), std::pair(kBefore, nothing)}) {
    const auto result = compared("[difference, ratio]", before, after);
    ASSERT_EQ(result.schema.slices, kBefore.schema.slices);
    EXPECT_THAT(result.at("ndvi_difference"), all_invalid);
    EXPECT_THAT(result.at("ndvi_ratio"), all_invalid);
    const raster::CubeSchema* inputs[] = {&before.schema, &after.schema};
    EXPECT_EQ(difference("")->plan(inputs).time_need, workflow::TimeNeed::whole_axis);
  }
  EXPECT_TRUE(compared("", nothing, nothing).schema.slices.empty());
}

TEST(Difference, InfiniteValuesAreInvalid) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_THAT(compared("", cube_of({inf, 1}, 1, PixelType::float32), cube_of({1, 1})).at("ndvi"),
              numbers_are({kInvalid, 0}));
}

TEST(Difference, RefusesWhatMakesNoSense) {
  const auto failing = [](const std::string& yaml) { return error_of([&] { difference(yaml); }); };
  EXPECT_THAT(failing("{threshold: 1}"), HasSubstr("outputs: class"));
  EXPECT_THAT(failing("class"), HasSubstr("threshold: 0.1"));
  EXPECT_THAT(failing("{outputs: class, threshold: [2, 1]}"), HasSubstr("two that ascend"));
  EXPECT_THAT(failing("{outputs: class, threshold: 2, threshold_of: ratio}"),
              HasSubstr("[0.8, 1.25]"));
  auto other = kAfter;
  other.schema.slices.push_back(day("2021-01-01"));
  other.values.push_back(other.values[0]);
  EXPECT_THAT(error_of([&] { compared("", kBefore, other); }), HasSubstr("1 slices"));
  other = kAfter;
  other.schema.bands[0].kind = raster::BandKind::category;
  EXPECT_THAT(error_of([&] { compared("", kBefore, other); }), HasSubstr("classes"));
}

}  // namespace
}  // namespace geoloom::ops
