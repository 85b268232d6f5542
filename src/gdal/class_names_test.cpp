// SPDX-License-Identifier: Apache-2.0
#include "gdal/class_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace geoloom::gdal {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(ClassNames, AreATextInTheFile) {
  const ClassNamesByValue names{{-1, "none"}, {2, "Weizen & \"Öl\""}, {10, "crop"}};
  const auto text = class_names_text(names);
  EXPECT_EQ(text, R"({"-1":"none","2":"Weizen & \"Öl\"","10":"crop"})");
  EXPECT_EQ(class_names_of(text), names);
}

TEST(ClassNames, WhatIsNoneIsNone) {
  for (const char* text : {"", "crop,bare", "[1]", R"({"a":"b"})", R"({"1":2})", R"({"1 ":"b"})",
                           R"({"99999999999999999999":"b"})", "{\"1\":\"\xff\"}", R"({"1":"b")"})
    EXPECT_THAT(class_names_of(text), IsEmpty()) << text;
  EXPECT_THAT(class_names_of(std::string(size_t{2} << 20, '[')), IsEmpty());
}

TEST(ClassNames, ASecondFileForOtherPrograms) {
  const auto text = attributes_file({{1, {{1, "a < b & c\x01"}, {3, "d"}}, {{}, {1, 2, 3}}},
                                     {2, {}, {}},
                                     {3, {{300, "far"}}, {}}});
  EXPECT_THAT(text,
              HasSubstr("<Category></Category>\n      <Category>a &lt; b &amp; c</Category>"));
  EXPECT_THAT(text, HasSubstr("<F>1</F><F>a &lt; b &amp; c</F><F>1</F><F>2</F><F>3</F></Row>"));
  EXPECT_THAT(text, HasSubstr("<F>3</F><F>d</F><F>0</F><F>0</F><F>0</F></Row>"));
  EXPECT_THAT(text, Not(HasSubstr("band=\"2\"")));
  EXPECT_THAT(text, HasSubstr("<F>300</F><F>far</F></Row>"));
}

}  // namespace
}  // namespace geoloom::gdal
