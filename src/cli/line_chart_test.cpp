// SPDX-License-Identifier: Apache-2.0
#include "cli/line_chart.h"

#include <gmock/gmock.h>

#include <cmath>

namespace geoloom::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

LineChart chart() {
  const auto at = [](const char* date) { return geo::parse_time(date).value(); };
  return {.title = "ndvi at <25.1, 45.2>",
          .lines = {{"ndvi", {{at("2020-01-15"), 0.2, 0}, {at("2020-06-15"), 0.8, 0.1}}},
                    {"nothing", {}}},
          .width = 400,
          .height = 200};
}

TEST(LineChart, TicksAreRound) {
  EXPECT_THAT(round_ticks(0.13, 0.78, 5),
              ElementsAre(0, 0.2, testing::DoubleEq(0.4), testing::DoubleEq(0.6), 0.8));
  EXPECT_THAT(round_ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(round_ticks(-3, 3, 3), ElementsAre(-4, -2, 0, 2, 4));
}

TEST(LineChart, TicksOfAnyRangeAreFiniteAndAscend) {
  const double inf = HUGE_VAL, huge = 1.7e308, large = 0x1p60;
  const std::pair<double, double> ranges[] = {
      {large, large},   {-large - 1, -large}, {0, 0},    {0, 5e-324},
      {-huge, huge},    {1e300, 2e300},       {-inf, 3}, {0, inf},
      {std::nan(""), 1}};
  for (const auto& [low, high] : ranges) {
    const auto ticks = round_ticks(low, high, 5);
    ASSERT_THAT(ticks.size(), testing::AllOf(testing::Ge(2U), testing::Le(12U)))
        << low << " " << high;
    for (size_t i = 0; i < ticks.size(); ++i) {
      EXPECT_TRUE(std::isfinite(ticks[i]) || std::fabs(low) == huge) << low << " " << high;
      if (i == 0) continue;
      EXPECT_LT(ticks[i - 1], ticks[i]) << low << " " << high;
    }
  }
}

TEST(LineChart, AConstantBeyondTheDigitsOfADoubleCanBeDrawn) {
  const LineChart chart{.title = "large", .lines = {{"a", {{0, 0x1p60, 0}}}}};
  EXPECT_THAT(svg_of(chart), Not(HasSubstr("nan")));
}

TEST(LineChart, SvgHoldsLinesDotsAndTexts) {
  const auto svg = svg_of(chart());
  EXPECT_THAT(svg, HasSubstr("ndvi at &lt;25.1, 45.2&gt;"));
  EXPECT_THAT(svg, HasSubstr("<circle cx=\"64.00\""));   // the first date is at the left edge
  EXPECT_THAT(svg, HasSubstr("<circle cx=\"384.00\""));  // the last one at the right
  EXPECT_THAT(svg, HasSubstr(">2020-02</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(LineChart, PixelsShowTheSame) {
  const auto picture = picture_of(chart());
  EXPECT_EQ(picture.width, 400);
  ASSERT_EQ(picture.planes.size(), 3U);
  size_t blue = 0;
  for (size_t i = 0; i < picture.planes[0].size(); ++i)
    blue += picture.planes[0][i] == 0 && picture.planes[1][i] == 114 && picture.planes[2][i] == 178;
  EXPECT_GT(blue, 200U);  // most of a line of 320 columns
}

TEST(LineChart, NothingAndOneValueCanBeDrawn) {
  LineChart empty{.title = "nothing", .lines = {{"a", {}}}};
  EXPECT_THAT(svg_of(empty), HasSubstr("</svg>"));
  empty.lines[0].points = {{0, 5, 0}};
  EXPECT_THAT(svg_of(empty), Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace geoloom::cli
