// SPDX-License-Identifier: Apache-2.0
#include "geo/time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "error/error.h"

namespace geoloom::geo {
namespace {

constexpr TimeMs kDay = 24 * 3600 * TimeMs{1000};

TimeMs at(std::string_view text) {
  const auto time = parse_time(text);
  EXPECT_TRUE(time.has_value()) << text;
  return time.value_or(0);
}

TEST(ParseTime, Forms) {
  EXPECT_EQ(at("1970-01-01"), 0);
  EXPECT_EQ(at("2018"), at("2018-01-01T00:00:00Z"));
  EXPECT_EQ(at("2018-05"), at("2018-05-01T00:00:00Z"));
  EXPECT_EQ(at("20180501"), at("2018-05-01"));
  EXPECT_EQ(at("20180501T102030"), at("2018-05-01T10:20:30Z"));
  EXPECT_EQ(at("2018-05-01T10:20:30"), at("2018-05-01T10:20:30Z"));
  EXPECT_EQ(at("2018-05-01T10:20:30.123Z") - at("2018-05-01T10:20:30Z"), 123);
  EXPECT_EQ(at("2018-05-01T10:20:30.1Z") - at("2018-05-01T10:20:30Z"), 100);
  EXPECT_EQ(at("2018-05-01T10:20:30.123999Z") - at("2018-05-01T10:20:30Z"), 123);
  EXPECT_EQ(at("2018-05-01T01:00:00+02:00"), at("2018-04-30T23:00:00Z"));
  EXPECT_EQ(at("2018-05-01T01:00:00-0230"), at("2018-05-01T03:30:00Z"));
  EXPECT_EQ(at("2018-05-01 10:20:30z"), at("2018-05-01T10:20:30Z"));
  EXPECT_EQ(at("1969-12-31T23:59:59.999Z"), -1);
}

TEST(ParseTime, Refuses) {
  for (const char* text : {"",
                           "18",
                           "201805",
                           "2018-13",
                           "2018-00",
                           "2018-02-30",
                           "2019-02-29",
                           "2018-5-1",
                           "2018-05-01T",
                           "2018-05-01T25:00:00",
                           "2018-05-01T10:60:00",
                           "2018-05-01T10:20:30+",
                           "2018-05-01T10:20:30+2",
                           "2018-05-01T10:20:30+02:",
                           "2018-05-01T10:20:30.",
                           "2018-05-01T10:20:30Zx",
                           "1899-12-31",
                           "2201-01-01",
                           "2018-05-01x",
                           " 2018",
                           "2018-0501",
                           "201805-01",
                           "1900-01-01T00:00:00+01:00",
                           "2018T10:00:00",
                           "2018-05-01T10"})
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
}

TEST(FormatTime, MillisecondsOnlyWhenThereAreSome) {
  EXPECT_EQ(format_time(at("2018-05-01T10:20:30Z")), "2018-05-01T10:20:30Z");
  EXPECT_EQ(format_time(at("2018-05-01T10:20:30.007Z")), "2018-05-01T10:20:30.007Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_date(-1), "1969-12-31");
}

TEST(Calendar, EveryDayOfThreeCenturiesRoundTrips) {
  using namespace std::chrono;
  for (sys_days day = year{1900} / 1 / 1; day < sys_days{year{2201} / 1 / 1}; day += days{1}) {
    const TimeMs t = day.time_since_epoch().count() * kDay;
    const year_month_day ymd{day};
    const std::string text = format_date(t);
    ASSERT_EQ(parse_time(text), t);
    ASSERT_EQ(std::stoi(text.substr(0, 4)), static_cast<int>(ymd.year()));
    ASSERT_EQ(std::stoi(text.substr(8)), static_cast<int>(static_cast<unsigned>(ymd.day())));
  }
}

TEST(Calendar, RandomInstantsRoundTrip) {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<TimeMs> instants(at("1900"), at("2200"));
  for (int i = 0; i < 20000; ++i) {
    const TimeMs t = instants(random);
    ASSERT_EQ(parse_time(format_time(t)), t) << t;
  }
}

TEST(ParsePeriod, BothEndsIncludedAtTheirPrecision) {
  EXPECT_EQ(parse_period("2018"), (Period{at("2018"), at("2019")}));
  EXPECT_EQ(parse_period("2018-12"), (Period{at("2018-12"), at("2019")}));
  EXPECT_EQ(parse_period("2018-05-01"), (Period{at("2018-05-01"), at("2018-05-02")}));
  EXPECT_EQ(parse_period("2018-05..2018-08"), (Period{at("2018-05"), at("2018-09")}));
  EXPECT_EQ(parse_period("2017 .. 2018-02"), (Period{at("2017"), at("2018-03")}));
  EXPECT_EQ(parse_period("2018..2018"), parse_period("2018"));
  EXPECT_EQ(parse_period("2018-05-01T10:00:00Z..2018-05-01T11:00:00Z").end,
            at("2018-05-01T11:00:01Z"));
  EXPECT_EQ(parse_period("2200").end, at("2200-12-31") + kDay);
}

TEST(ParsePeriod, Refuses) {
  for (const char* text : {"", "..", "2018..", "..2018", "2019..2018", "2018/2019", "2018...2019",
                           "2018-05..x", "2018..2019..2020"})
    EXPECT_THROW(parse_period(text), Error) << text;
}

TEST(FormatPeriod, ReadsBack) {
  EXPECT_EQ(format_period(parse_period("2018-05..2018-09")), "2018-05-01..2018-09-30");
  EXPECT_EQ(format_period({0, 1500}), "1970-01-01T00:00:00Z..1970-01-01T00:00:01.499Z");
  EXPECT_EQ(format_period({0, 5000}), "1970-01-01T00:00:00Z..1970-01-01T00:00:04Z");
  EXPECT_EQ(format_period({0, 1001}), "1970-01-01T00:00:00Z..1970-01-01T00:00:01.000Z");
  std::mt19937_64 random(3);
  std::uniform_int_distribution<TimeMs> instants(at("1950"), at("2100"));
  for (int i = 0; i < 5000; ++i) {
    TimeMs start = instants(random);
    if (i % 5 == 0) start = at(format_date(start));
    const TimeMs length = i % 3 == 0 ? 1 + i : i * kDay + instants(random) % 7919 + 7920;
    const TimeMs end = start + length;
    ASSERT_EQ(parse_period(format_period({start, end})), (Period{start, end}));
  }
}

TEST(ParseFrequency, Forms) {
  const auto expect = [](const char* text, Frequency::Unit unit, int count) {
    const Frequency f = parse_frequency(text);
    EXPECT_EQ(f.unit, unit) << text;
    EXPECT_EQ(f.count, count) << text;
  };
  expect("day", Frequency::Unit::day, 1);
  expect("10 days", Frequency::Unit::day, 10);
  expect("P10D", Frequency::Unit::day, 10);
  expect("month", Frequency::Unit::month, 1);
  expect("3 months", Frequency::Unit::month, 3);
  expect("quarter", Frequency::Unit::month, 3);
  expect("P1M", Frequency::Unit::month, 1);
  expect("year", Frequency::Unit::year, 1);
  expect("2 years", Frequency::Unit::year, 2);
  expect("P1Y", Frequency::Unit::year, 1);
  for (const char* text : {"", "0 days", "-1 day", "week", "P", "PT1H", "PM", "P1W", "99999 years",
                           "999999999999 days", "3", "s", "months 3"})
    EXPECT_THROW(parse_frequency(text), Error) << text;
}

TEST(Split, CalendarCells) {
  const auto months = split(parse_period("2018-05-10..2018-07-01"), parse_frequency("month"));
  ASSERT_EQ(months.size(), 3u);
  EXPECT_EQ(months.front(), parse_period("2018-05"));
  EXPECT_EQ(months.back(), parse_period("2018-07"));
  const auto quarters = split(parse_period("2018-05"), parse_frequency("3 months"));
  ASSERT_EQ(quarters.size(), 1u);
  EXPECT_EQ(quarters[0], parse_period("2018-04..2018-06"));
  EXPECT_EQ(split(parse_period("2017..2019"), parse_frequency("2 years")).size(), 2u);
  EXPECT_EQ(split(parse_period("1970-01-05"), parse_frequency("10 days"))[0],
            parse_period("1970-01-01..1970-01-10"));
  EXPECT_EQ(split(parse_period("1969-12-31"), parse_frequency("10 days"))[0],
            parse_period("1969-12-22..1969-12-31"));
  EXPECT_TRUE(split({5, 5}, parse_frequency("day")).empty());
}

TEST(Split, CellsCoverThePeriodWithoutGaps) {
  std::mt19937_64 random(5);
  std::uniform_int_distribution<TimeMs> instants(at("1930"), at("2100"));
  for (const char* text : {"7 days", "month", "5 months", "quarter", "year", "10 years"}) {
    const Frequency frequency = parse_frequency(text);
    for (int i = 0; i < 50; ++i) {
      const TimeMs start = instants(random);
      const Period period{start, start + 1 + i * 40 * kDay};
      const auto cells = split(period, frequency);
      ASSERT_FALSE(cells.empty());
      EXPECT_TRUE(cells.front().contains(period.start));
      EXPECT_TRUE(cells.back().contains(period.end - 1));
      for (size_t c = 1; c < cells.size(); ++c) EXPECT_EQ(cells[c - 1].end, cells[c].start);
    }
  }
}

TEST(Label, OnePerFrequency) {
  const auto of = [](const char* period, const char* frequency) {
    const Frequency f = parse_frequency(frequency);
    return label(split(parse_period(period), f).front(), f);
  };
  EXPECT_EQ(of("2018-05", "month"), "2018-05");
  EXPECT_EQ(of("2018-05", "3 months"), "2018-04--P3M");
  EXPECT_EQ(of("2018-05", "year"), "2018");
  EXPECT_EQ(of("2018-05", "2 years"), "2018--P2Y");
  EXPECT_EQ(of("2018-05-01", "day"), "2018-05-01");
  EXPECT_EQ(of("1970-01-01", "10 days"), "1970-01-01--P10D");
}

TEST(TimeFromName, FindsThePattern) {
  const auto of = [](const char* name, const char* pattern) {
    const auto time = time_from_name(name, pattern);
    return time ? format_time(*time) : "none";
  };
  EXPECT_EQ(of("T31TCJ_20180501T105031_TCI.jp2", "%Y%m%dT%H%M%S"), "2018-05-01T10:50:31Z");
  EXPECT_EQ(of("T31TCJ_20180501T105031_TCI.jp2", "_%Y%m%d"), "2018-05-01T00:00:00Z");
  EXPECT_EQ(of("MOD13Q1.A2013273.h12v10.tif", "A%Y%j"), "2013-09-30T00:00:00Z");
  EXPECT_EQ(of("MOD13Q1.A2013366.h12v10.tif", "A%Y%j"), "none");
  EXPECT_EQ(of("S2A_a_b_2018-05-01.tif", "S2?_*_%Y-%m-%d"), "2018-05-01T00:00:00Z");
  EXPECT_EQ(of("100%_2018", "100%%_%Y"), "2018-01-01T00:00:00Z");
  EXPECT_EQ(of("20180230_20180301", "%Y%m%d"), "2018-03-01T00:00:00Z");
  EXPECT_EQ(of("99999999", "%Y%m%d"), "none");
  EXPECT_EQ(of("", "%Y"), "none");
}

TEST(TimeFromName, RefusesBadPatterns) {
  EXPECT_THROW(time_from_name("a", "%Q"), Error);
  EXPECT_THROW(time_from_name("a", "%Y%"), Error);
  EXPECT_THROW(time_from_name("a", "%m%d"), Error);
}

TEST(TimeFromName, ManyStarsStayFast) {
  std::string pattern;
  for (int i = 0; i < 40; ++i) pattern += "*a";
  EXPECT_EQ(time_from_name(std::string(4000, 'a'), pattern + "%Y"), std::nullopt);
}

}  // namespace
}  // namespace geoloom::geo
