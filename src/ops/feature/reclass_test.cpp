// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_reclass();

namespace {

using raster::PixelType;
using testing::HasSubstr;

Cube values(PixelType type, const Numbers& row) {
  Cube cube;
  cube.schema.bands = {{.name = "scl", .type = type, .nodata = 0}};
  cube.schema.slices = {day("2018-01-05")};
  cube.values = {{row}};
  return cube;
}

Numbers by_table(const std::string& csv, const Cube& cube, const std::string& more = "") {
  const auto op = bound(make_reclass(), "{table: classes.csv" + more + "}");
  return run(*op, cube, 0, {csv}).at("scl");
}
Numbers by_rules(const std::string& rules, const Cube& cube) {
  return run(*bound(make_reclass(), "{rules: " + rules + "}"), cube).at("scl");
}

TEST(Reclass, RangesBeginWithFromAndEndBelowTo) {
  const std::string rules = "[{to: 2, value: 1}, {from: 2, to: 4, value: 2}, {from: 4, value: 3}]";
  for (const auto type :
       {PixelType::uint8, PixelType::uint16, PixelType::int16, PixelType::float32})
    EXPECT_THAT(by_rules(rules, values(type, {0, 1, 2, 3, 4, 100, kInvalid})),
                numbers_are({1, 1, 2, 2, 3, 3, kInvalid}))
        << raster::name(type);
  EXPECT_THAT(by_rules("[{from: -0.5, to: 0.25, value: 7}]",
                       values(PixelType::float32, {-0.6, -0.5, 0.2, 0.25})),
              numbers_are({kInvalid, 7, 7, kInvalid}));
}

TEST(Reclass, NamesOfNewClasses) {
  auto cube = values(PixelType::uint8, {3});
  cube.schema.bands[0].class_names = {{3, "old"}};
  const raster::CubeSchema* inputs[] = {&cube.schema};
  const auto names = [&](const std::string& more) {
    return bound(make_reclass(), "{rules: [{to: 9, value: 1}]" + more + "}")
        ->plan(inputs)
        .outputs[0]
        .bands[0]
        .class_names;
  };
  EXPECT_EQ(names(", classes: {1: low}"), (std::map<int64_t, std::string>{{1, "low"}}));
  EXPECT_THAT(names(""), testing::IsEmpty());
  EXPECT_THAT(error_of([&] { names(", type: uint8, classes: {256: far}"); }), HasSubstr("256"));
  EXPECT_THAT(error_of([&] { names(", kind: measure, classes: {1: low}"); }),
              HasSubstr("no classes"));
}

TEST(Reclass, ExactValuesAndDefault) {
  const auto cube = values(PixelType::uint8, {3, 4, 5, 6, kInvalid});
  EXPECT_THAT(by_rules("[{is: [4, 5], value: 1}]", cube),
              numbers_are({kInvalid, 1, 1, kInvalid, kInvalid}));
  EXPECT_THAT(by_table("4,1\n5,1\n", cube, ", default: 9"), numbers_are({9, 1, 1, 9, kInvalid}));
  EXPECT_THAT(by_table("4,1\n5,1\n", cube, ", default: invalid"),
              numbers_are({kInvalid, 1, 1, kInvalid, kInvalid}));
}

TEST(Reclass, Tables) {
  const auto cube = values(PixelType::int16, {-5, 0, 4, 9, 10});
  const Numbers expected{1, 2, 2, 2, kInvalid};
  EXPECT_THAT(by_table("-5,0,1\n0,10,2\n", cube), numbers_are(expected));
  EXPECT_THAT(
      by_table("\xEF\xBB\xBF# classes\r\nname;from;to;value\r\nlow;;0;1\r\n\r\nmid;0;10;2\r\n",
               cube),
      numbers_are(expected));
  EXPECT_THAT(by_table("value\tis\n1\t-5\n2\t4\n", cube),
              numbers_are({1, kInvalid, 2, kInvalid, kInvalid}));
}

TEST(Reclass, ComparesPhysicalValues) {
  auto cube = values(PixelType::uint16, {1999, 2000, 2001, 7000});
  cube.schema.bands[0].scale = 0.0001;
  EXPECT_THAT(by_rules("[{from: 0.2, to: 0.7, value: 1}]", cube),
              numbers_are({kInvalid, 1, 1, kInvalid}));
  EXPECT_THAT(by_rules("[{is: 0.2, value: 1}]", cube),
              numbers_are({kInvalid, 1, kInvalid, kInvalid}));
}

TEST(Reclass, SchemaOfTheResult) {
  auto input = values(PixelType::uint16, {1}).schema;
  input.bands.push_back({.name = "other"});
  const raster::CubeSchema* schema = &input;
  const auto plan = [&](const std::string& more) {
    return bound(make_reclass(), "{rules: [{is: 1, value: 300}], type: uint16" + more + "}")
        ->plan({&schema, 1});
  };
  const auto one = plan(", band: scl").outputs[0];
  ASSERT_EQ(one.bands.size(), 1U);
  EXPECT_EQ(one.bands[0].name, "scl");
  EXPECT_EQ(one.bands[0].type, PixelType::uint16);
  EXPECT_EQ(one.bands[0].kind, raster::BandKind::category);
  EXPECT_FALSE(one.bands[0].nodata);
  EXPECT_EQ(one.slices, input.slices);
  EXPECT_TRUE(plan(", band: [scl, other]").outputs[0].validity_per_band);
  EXPECT_THAT(error_of([&] { plan(""); }), HasSubstr("known: scl, other"));
  EXPECT_THAT(error_of([&] { plan(", band: slc"); }), HasSubstr("did you mean 'scl'?"));
}

TEST(Reclass, TheTableIsAnInputFile) {
  const auto op = bound(make_reclass(), "classes.csv");
  ASSERT_EQ(op->files().size(), 1U);
  EXPECT_EQ(op->files()[0].path, "classes.csv");
}

TEST(Reclass, BadRulesAndTables) {
  const auto rules = [](const std::string& text) {
    return error_of([&] { bound(make_reclass(), "{rules: " + text + "}"); });
  };
  EXPECT_THAT(rules("[{from: 1, to: 5, value: 1}, {from: 4, to: 6, value: 2}]"),
              HasSubstr("rules[0] (1..5) and rules[1] (4..6)"));
  EXPECT_THAT(rules("[{is: [3, 3], value: 1}]"), HasSubstr("two things for one value"));
  EXPECT_THAT(rules("[{from: 1, to: 5, value: 1}, {is: 1, value: 2}]"), HasSubstr("two things"));
  EXPECT_THAT(rules("[{from: 5, to: 5, value: 1}]"), HasSubstr("is empty"));
  EXPECT_THAT(rules("[{value: 1}]"), HasSubstr("needs either `is` or a range"));
  EXPECT_THAT(rules("[{is: 1, value: 256}]"), HasSubstr("256 is not a value of uint8"));
  EXPECT_THAT(rules("[{is: 1, value: 0.5}]"), HasSubstr("0.5 is not a value of uint8"));
  const auto table = [](const std::string& csv) {
    return error_of([&] {
      bound(make_reclass(), "t.csv")
          ->prepare(std::vector<workflow::FileContent>{{"t.csv", "", csv}});
    });
  };
  EXPECT_THAT(table("1,5,1\n# note\n4,6,2\n"), HasSubstr("line 1 (1..5) and line 3 (4..6)"));
  EXPECT_THAT(table("1,1\n1,2\n"), HasSubstr("line 1 (1) and line 2 (1)"));
  EXPECT_THAT(table("1,5,1\n2,x,1\n"), HasSubstr("t.csv:2: reclass.table: 'x' is not a number"));
  EXPECT_THAT(table("1,5,1\n2,1\n"), HasSubstr("has 2 columns, lines before have 3"));
  EXPECT_THAT(table("1\n"), HasSubstr("has 1 columns"));
  EXPECT_THAT(table("class,colour\n1,2\n"), HasSubstr("heading names no columns"));
  EXPECT_THAT(table("\n# nothing\n"), HasSubstr("has no lines"));
  EXPECT_THAT(error_of([] { bound(make_reclass(), ""); }), HasSubstr("needs `table` or `rules`"));
  EXPECT_THAT(error_of([] { bound(make_reclass(), "{table: t.csv, default: none}"); }),
              HasSubstr("must be a number or `invalid`"));
  EXPECT_THAT(error_of([] { bound(make_reclass(), "{table: t.csv, default: -1}"); }),
              HasSubstr("-1 is not a value of uint8"));
}

}  // namespace
}  // namespace geoloom::ops
