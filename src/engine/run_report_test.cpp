// SPDX-License-Identifier: Apache-2.0
#include "engine/run_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace geoloom::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(ItemPlaces, NumbersBecomeRunsOfDifferences) {
  EXPECT_THAT(run_lengths_of_differences({}), ElementsAre());
  EXPECT_THAT(run_lengths_of_differences({0, 1, 2, 3}), ElementsAre(0, 1, 1, 3));
  EXPECT_THAT(run_lengths_of_differences({5, 5, 5, -1}), ElementsAre(5, 1, 0, 2, -6, 1));
  // The rows of a grid of tiles: x goes up and falls back.
  EXPECT_THAT(run_lengths_of_differences({0, 64, 128, 0, 64, 128}),
              ElementsAre(0, 1, 64, 2, -128, 1, 64, 2));
}

TEST(ItemPlaces, LettersBecomeRuns) {
  EXPECT_EQ(run_lengths_of_letters(""), "");
  EXPECT_EQ(run_lengths_of_letters("d"), "d");
  EXPECT_EQ(run_lengths_of_letters("ddddddddddddfww"), "d12fw2");
}

TEST(RunReportPage, NoTextEndsTheElementOfTheData) {
  const auto page = run_report_page({{"run", {{"document", "</script><script>alert(1)</script>"}}},
                                     {"note", "<!-- <script "},
                                     {"broken", "\xff\xfe"}});
  EXPECT_THAT(page, HasSubstr("\\u003c/script>\\u003cscript>alert(1)"));
  EXPECT_THAT(page, HasSubstr("\\u003c!-- \\u003cscript "));
  EXPECT_THAT(page, Not(HasSubstr("<!-- <script")));
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(page, Not(HasSubstr("the run report goes here")));
}

TEST(RunReportPage, LoadsNothing) {
  const auto page = run_report_page(workflow::OrderedJson::object());
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("src=\"http")));
  EXPECT_THAT(page, Not(HasSubstr("@SCRIPT@")));
  EXPECT_THAT(page, Not(HasSubstr("@STYLE@")));
  EXPECT_LT(page.size(), 300'000U);
}

}  // namespace
}  // namespace geoloom::engine
