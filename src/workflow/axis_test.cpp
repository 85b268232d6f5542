// SPDX-License-Identifier: Apache-2.0
#include "workflow/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workflow/item.h"

namespace geoloom::workflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> labels(const std::string& name, const std::string& yaml) {
  std::vector<std::string> out;
  for (const auto& value : axis_from(name, parse_yaml(yaml, "a.yaml")).values)
    out.push_back(value.label);
  return out;
}

std::vector<std::string> values(const std::string& name, const std::string& yaml) {
  std::vector<std::string> out;
  for (const auto& value : axis_from(name, parse_yaml(yaml, "a.yaml")).values)
    out.push_back(value.value.text);
  return out;
}

std::string refusal(const std::string& name, const std::string& yaml) {
  try {
    axis_from(name, parse_yaml(yaml, "a.yaml"));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(Axis, CalendarAxesAreCellsOfPeriods) {
  EXPECT_THAT(labels("month", "2018-11..2019-01"), ElementsAre("2018-11", "2018-12", "2019-01"));
  EXPECT_THAT(labels("year", "2018..2020"), ElementsAre("2018", "2019", "2020"));
  EXPECT_THAT(labels("year", "[2015, 2020]"), ElementsAre("2015", "2020"));
  EXPECT_THAT(labels("quarter", "2018-01..2018-06").size(), 2U);
  EXPECT_THAT(labels("dekad", "2018-01"),
              testing::ElementsAre("2018-01-D1", "2018-01-D2", "2018-01-D3"));
  EXPECT_THAT(labels("season", "2018-01"), testing::ElementsAre("2017-12--P3M"));
  EXPECT_THAT(labels("period", "{every: {wet: 2018-01..2018-05, dry: 2018-06..2018-10}}"),
              testing::ElementsAre("wet", "dry"));
  EXPECT_THAT(labels("period", "{of: 2018, every: {length: 5 months, step: year, from: 2017-11}}"),
              testing::ElementsAre("2017-11--P5M", "2018-11--P5M"));
  // What $item.quarter stands for reads as a period.
  EXPECT_THAT(values("quarter", "2018-01..2018-06"),
              ElementsAre("2018-01-01..2018-03-31", "2018-04-01..2018-06-30"));
  EXPECT_EQ(labels("period", "{of: 2018, every: 10 days}").size(), 37U);
}

TEST(Axis, OtherAxesAreLists) {
  EXPECT_THAT(labels("crop", "[maize, wheat]"), ElementsAre("maize", "wheat"));
  EXPECT_THAT(labels("fold", "0..3"), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(labels("month_of_year", "[1, 12]"), ElementsAre("1", "12"));
  const auto axis = axis_from("fold", parse_yaml("0..3", "a.yaml"));
  EXPECT_EQ(axis.values[2].value.kind, Value::Kind::integer);
  EXPECT_EQ(axis.values[2].value.integer, 2);
}

TEST(Axis, RefusesWhatCannotBeAnAxis) {
  EXPECT_THAT(refusal("month", "tomorrow"), HasSubstr("the axis 'month'"));
  EXPECT_THAT(refusal("month", "{of: 2018}"), HasSubstr("needs a period"));
  EXPECT_THAT(refusal("crop", "[a, a]"), HasSubstr("has 'a' twice"));
  EXPECT_THAT(refusal("crop", "[\"a/b\"]"), HasSubstr("values name files"));
  EXPECT_THAT(refusal("crop", "[..]"), HasSubstr("values name files"));
  EXPECT_THAT(refusal("crop", "[]"), HasSubstr("has no values"));
  EXPECT_THAT(refusal("month_of_year", "0..3"), HasSubstr("from 1 to 12, not 0"));
  EXPECT_THAT(refusal("fold", "5..1"), HasSubstr("goes up"));
  EXPECT_THAT(refusal("fold", "0..99999999"), HasSubstr("at most"));
  EXPECT_THAT(refusal("tiles", "[1]"), HasSubstr("takes no values"));
  EXPECT_THAT(refusal("period", "{of: 2018}"), HasSubstr("needs `of` and `every`"));
}

TEST(Axis, ItemsOfAProductCarryTheirLabels) {
  const std::vector<Zone> zones{{"all", {.width = 20, .height = 10}}};
  const auto tiles = tile_items(zones, {10, 10}, 1);
  const auto items = times_chains(tiles, {{{"month", "2018-05"}}, {{"month", "2018-06"}}});
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[1].name, "10_0.2018-05");
  EXPECT_EQ(items[1].tile(), "10_0");
  EXPECT_EQ(items[3].chain, 1U);
  EXPECT_EQ(*find_label(items[3].at(), "month"), "2018-06");
  EXPECT_EQ(find_label(items[3].at(), "year"), nullptr);
  // The whole area has no name of its own.
  EXPECT_EQ(times_chains(zone_items(zones), {{{"month", "2018-05"}}})[0].name, "2018-05");
  EXPECT_EQ(times_chains(tiles, {{}})[1].name, "10_0");
}

}  // namespace
}  // namespace geoloom::workflow
