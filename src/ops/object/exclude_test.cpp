// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_exclude();

namespace {

using testing::HasSubstr;

raster::CubeSchema cube(const std::vector<std::string>& bands, size_t slices) {
  raster::CubeSchema schema;
  for (const auto& name : bands)
    schema.bands.push_back({.name = name, .type = raster::PixelType::uint8});
  schema.slices.resize(slices);
  return schema;
}

std::string plan_error(const std::string& yaml, const std::vector<raster::CubeSchema>& cubes) {
  const auto op = bound(make_exclude(), yaml);
  std::vector<const raster::CubeSchema*> inputs;
  for (const auto& each : cubes) inputs.push_back(&each);
  return error_of([&] { op->plan(inputs); });
}

TEST(Exclude, RefusesCubesOfOtherSlices) {
  EXPECT_THAT(plan_error("[{when: b > 1}]", {cube({"a"}, 2), cube({"b"}, 3)}),
              HasSubstr("cube 2 has 3 slices, the map 2"));
}

TEST(Exclude, RefusesNamesThatMeanTwoBands) {
  EXPECT_THAT(plan_error("[{when: b > 1}]", {cube({"a"}, 1), cube({"b"}, 1), cube({"b"}, 1)}),
              HasSubstr("the cubes 2 and 3 of `from` both have a band 'b'"));
}

TEST(Exclude, ReasonsAreNamesOfClasses) {
  const auto op = bound(make_exclude(), "[{when: a > 1, reason: steep}, {when: a == 0}]");
  const auto map = cube({"a"}, 1);
  const std::vector<const raster::CubeSchema*> inputs{&map};
  const std::map<int64_t, std::string> names{{0, "kept"}, {1, "steep"}, {2, "a == 0"}};
  EXPECT_EQ(op->plan(inputs).outputs[0].bands[1].class_names, names);
}

TEST(Exclude, RefusesASecondBandOfReasons) {
  EXPECT_THAT(plan_error("[{when: a > 1}]", {cube({"a", "reason"}, 1)}),
              HasSubstr("'reason' already"));
}

TEST(Exclude, RefusesRulesThatAreNone) {
  EXPECT_THAT(error_of([] { bound(make_exclude(), "{rules: []}"); }), HasSubstr("no rule"));
  EXPECT_THAT(error_of([] { bound(make_exclude(), "[{when: 'a > > 1'}]"); }),
              HasSubstr("rules[0].when"));
}

TEST(Exclude, CubesOfOneSliceHoldForAllSlices) {
  const auto op = bound(make_exclude(), "[{when: b > 1}]");
  const auto map = cube({"a"}, 3), other = cube({"b"}, 1);
  const std::vector<const raster::CubeSchema*> inputs{&map, &other};
  const auto plan = op->plan(inputs);
  EXPECT_EQ(plan.time_need, workflow::TimeNeed::whole_axis);
  EXPECT_EQ(plan.outputs[0].slices.size(), 3U);
}

}  // namespace
}  // namespace geoloom::ops
