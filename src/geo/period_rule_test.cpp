// SPDX-License-Identifier: Apache-2.0
#include "geo/period_rule.h"

#include <gmock/gmock.h>

#include "error/error.h"

namespace geoloom::geo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> drawn(const PeriodRule& rule, const std::string& range) {
  std::vector<std::string> out;
  const auto periods = rule.periods(parse_period(range));
  for (const auto& [label, period] : periods) out.push_back(label + " " + format_period(period));
  return out;
}
TimeMs day(const std::string& text) {
  return *parse_time(text);
}
Frequency frequency(const std::string& text) {
  return parse_frequency(text);
}

TEST(PeriodRule, CalendarCellsAreThoseOfSplit) {
  EXPECT_THAT(drawn(PeriodRule::parse("month"), "2018-01-31..2018-02-01"),
              ElementsAre("2018-01 2018-01-01..2018-01-31", "2018-02 2018-02-01..2018-02-28"));
  EXPECT_THAT(
      drawn(PeriodRule::parse("semester"), "2019"),
      ElementsAre("2019-01--P6M 2019-01-01..2019-06-30", "2019-07--P6M 2019-07-01..2019-12-31"));
  for (const char* text : {"month", "10 days", "quarter", "2 years", "P5M"}) {
    const auto cells = split(parse_period("2017-11..2019-02"), frequency(text));
    const auto periods = PeriodRule::parse(text).periods(parse_period("2017-11..2019-02"));
    ASSERT_EQ(cells.size(), periods.size()) << text;
    for (size_t i = 0; i < cells.size(); ++i) EXPECT_EQ(cells[i], periods[i].period) << text;
    EXPECT_EQ(PeriodRule::parse(text).text(), PeriodRule(frequency(text)).text());
  }
}

TEST(PeriodRule, SeasonsBeginInDecember) {
  EXPECT_THAT(
      drawn(PeriodRule::parse("season"), "2019-01..2019-06"),
      ElementsAre("2018-12--P3M 2018-12-01..2019-02-28", "2019-03--P3M 2019-03-01..2019-05-31",
                  "2019-06--P3M 2019-06-01..2019-08-31"));
}

TEST(PeriodRule, DekadsEndWithTheMonth) {
  EXPECT_THAT(drawn(PeriodRule::parse("dekad"), "2020-02-11..2020-03-01"),
              ElementsAre("2020-02-D2 2020-02-11..2020-02-20", "2020-02-D3 2020-02-21..2020-02-29",
                          "2020-03-D1 2020-03-01..2020-03-10"));
}

TEST(PeriodRule, RollingWindowsLieWhollyInTheRange) {
  const auto rule =
      PeriodRule::windows(frequency("3 months"), frequency("month"), day("2018-01-01"));
  EXPECT_THAT(
      drawn(rule, "2018-01-15..2018-05-02"),
      ElementsAre("2018-01--P3M 2018-01-01..2018-03-31", "2018-02--P3M 2018-02-01..2018-04-30",
                  "2018-03--P3M 2018-03-01..2018-05-31"));
}

TEST(PeriodRule, YearsFromJuly) {
  const auto rule = PeriodRule::windows(frequency("year"), frequency("year"), day("2018-07-01"));
  EXPECT_THAT(drawn(rule, "2016-06..2016-07"),
              ElementsAre("2015 2015-07-01..2016-06-30", "2016 2016-07-01..2017-06-30"));
}

TEST(PeriodRule, OneSeasonAYearLeavesTheRestOut) {
  const auto rule =
      PeriodRule::windows(frequency("5 months"), frequency("year"), day("2018-11-01"));
  EXPECT_THAT(drawn(rule, "2018-05..2020-01"), ElementsAre("2018-11--P5M 2018-11-01..2019-03-31",
                                                           "2019-11--P5M 2019-11-01..2020-03-31"));
}

TEST(PeriodRule, DaysCountFromTheOrigin) {
  const auto rule =
      PeriodRule::windows(frequency("16 days"), frequency("16 days"), day("2019-01-01"));
  EXPECT_THAT(drawn(rule, "2018-12-31..2019-01-17"),
              ElementsAre("2018-12-16--P16D 2018-12-16..2018-12-31",
                          "2019-01-01--P16D 2019-01-01..2019-01-16",
                          "2019-01-17--P16D 2019-01-17..2019-02-01"));
}

TEST(PeriodRule, AListIsTakenWhole) {
  const auto rule =
      PeriodRule::list({{"wet", parse_period("2019-01..2019-05")}, {"all", parse_period("2019")}});
  EXPECT_THAT(drawn(rule, "2025"),
              ElementsAre("wet 2019-01-01..2019-05-31", "all 2019-01-01..2019-12-31"));
  EXPECT_EQ(rule.text(), "wet: 2019-01-01..2019-05-31, all: 2019-01-01..2019-12-31");
}

TEST(PeriodRule, EqualRulesHaveOneText) {
  EXPECT_EQ(PeriodRule::parse("month").text(), "P1M");
  EXPECT_EQ(
      PeriodRule::windows(frequency("3 months"), frequency("month"), day("2018-01-01")).text(),
      PeriodRule::windows(frequency("3 months"), frequency("month"), day("1990-05-01")).text());
  EXPECT_NE(PeriodRule::parse("season").text(), PeriodRule::parse("quarter").text());
}

template <class F>
std::string refusal(F&& make) {
  try {
    make();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(PeriodRule, RefusesWhatMakesNoSense) {
  EXPECT_THAT(refusal([] { PeriodRule::parse("fortnight"); }), HasSubstr("dekad"));
  EXPECT_THAT(refusal([] {
                PeriodRule::windows(frequency("10 days"), frequency("month"), day("2018-01-01"));
              }),
              HasSubstr("do not go together"));
  EXPECT_THAT(refusal([] {
                PeriodRule::windows(frequency("month"), frequency("month"), day("2018-01-02"));
              }),
              HasSubstr("first day of a month"));
  EXPECT_THAT(refusal([] {
                PeriodRule::list({{"b", parse_period("2019")}, {"a", parse_period("2018")}});
              }),
              HasSubstr("starts before"));
  EXPECT_THAT(refusal([] {
                PeriodRule::list({{"a", parse_period("2018")}, {"a", parse_period("2019")}});
              }),
              HasSubstr("two periods"));
}

}  // namespace
}  // namespace geoloom::geo
