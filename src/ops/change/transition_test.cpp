// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_transition();

namespace {

using raster::PixelType;
using testing::HasSubstr;

Cube classes(const Numbers& values, PixelType type = PixelType::uint8) {
  Cube cube;
  cube.schema.bands = {{.name = "class", .type = type, .kind = raster::BandKind::category}};
  cube.schema.slices = {day("2020-01-01")};
  cube.values = {{values}};
  return cube;
}

Numbers codes(const std::string& yaml, const Cube& before, const Cube& after) {
  const auto op = bound(make_transition(), yaml);
  const raster::CubeSchema* inputs[] = {&before.schema, &after.schema};
  Result result{op->plan(inputs).outputs.at(0), {}};
  const auto block = [](const Cube& cube) {
    return cube.values.empty() ? raster::Block(cube.schema, {0, 0, 2, 1}, 0, 0)
                               : block_of(cube, 0, 1);
  };
  const auto first = block(before), second = block(after);
  result.block = raster::Block(result.schema, first.window(), 0, 1);
  const raster::CubeSchema* output = &result.schema;
  const raster::Block* in[] = {&first, &second};
  raster::Block* out = &result.block;
  op->run({inputs, {&output, 1}, nullptr, in, {&out, 1}});
  return result.at("transition");
}

TEST(Transition, NamesOfChanges) {
  auto before = classes({1}), after = classes({2});
  before.schema.bands[0].class_names = {{1, "crop"}, {2, "water"}};
  after.schema.bands[0].class_names = {{1, "crop"}, {40, "built-up"}};
  const raster::CubeSchema* inputs[] = {&before.schema, &after.schema};
  const auto names = [&](const std::string& yaml) {
    return bound(make_transition(), yaml)->plan(inputs).outputs[0].bands[0].class_names;
  };
  EXPECT_EQ(names("{}"), (std::map<int64_t, std::string>{{101, "crop"},
                                                         {140, "crop to built-up"},
                                                         {201, "water to crop"},
                                                         {240, "water to built-up"}}));
  EXPECT_EQ(names("{unchanged: invalid, factor: 30}"),
            (std::map<int64_t, std::string>{{61, "water to crop"}}));
}

TEST(Transition, Codes) {
  const auto before = classes({1, 3, 0, 5, kInvalid, 7});
  const auto after = classes({2, 12, 0, 5, 1, kInvalid}, PixelType::uint16);
  EXPECT_THAT(codes("", before, after), numbers_are({102, 312, 0, 505, kInvalid, kInvalid}));
  EXPECT_THAT(codes("{unchanged: invalid}", before, after),
              numbers_are({102, 312, kInvalid, kInvalid, kInvalid, kInvalid}));
  EXPECT_THAT(codes("{factor: 256}", classes({255}), classes({255})), numbers_are({65535}));
}

// No scene of one date touches the tile.
TEST(Transition, WithoutSlicesOfOneAllIsInvalid) {
  const auto known = classes({1, 2});
  auto nothing = known;
  nothing.schema.slices.clear();
  nothing.values.clear();
  EXPECT_THAT(codes("", nothing, known), numbers_are({kInvalid, kInvalid}));
  EXPECT_THAT(codes("", known, nothing), numbers_are({kInvalid, kInvalid}));
}

TEST(Transition, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_of([] { codes("", classes({1}), classes({100})); }), HasSubstr("factor"));
  EXPECT_THAT(error_of([] { codes("{factor: 300}", classes({255}), classes({1})); }),
              HasSubstr("class 255 that became 1"));
  auto measures = classes({1}, PixelType::float32);
  EXPECT_THAT(error_of([&] { codes("", measures, classes({1})); }), HasSubstr("not classes"));
  auto two = classes({1});
  two.schema.bands.push_back(two.schema.bands[0]);
  two.schema.bands[1].name = "other";
  EXPECT_THAT(error_of([&] { codes("", classes({1}), two); }), HasSubstr("2 bands"));
}

}  // namespace
}  // namespace geoloom::ops
