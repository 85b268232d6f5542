// SPDX-License-Identifier: Apache-2.0
#include "http/query.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom::http {
namespace {

using Pairs = std::map<std::string, std::string>;

TEST(Query, IsTakenApart) {
  EXPECT_EQ(parse_query(""), Pairs{});
  EXPECT_EQ(parse_query("a=1&b=x%20y+z&c&d="),
            (Pairs{{"a", "1"}, {"b", "x y z"}, {"c", ""}, {"d", ""}}));
  EXPECT_EQ(parse_query("&&a=1&a=2&"), (Pairs{{"a", "2"}}));
  EXPECT_EQ(parse_query("a=b=c"), (Pairs{{"a", "b=c"}}));
}

TEST(Query, CodesThatAreNoneStay) {
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode("%zz%2C"), "%zz,");
  EXPECT_EQ(percent_decode("%-1"), "%-1");
}

TEST(Query, ControlCharactersAreRefused) {
  EXPECT_THROW(percent_decode("a%00b"), Error);
  EXPECT_THROW(parse_query("a=%0d%0aX: y"), Error);
}

}  // namespace
}  // namespace geoloom::http
