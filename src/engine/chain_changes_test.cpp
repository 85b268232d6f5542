// SPDX-License-Identifier: Apache-2.0
#include "engine/chain_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace geoloom::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using workflow::Json;

Json chain(const std::string& parameters, const std::string& last = "save") {
  return Json::array({{{"op", "reclass"},
                       {"version", 1},
                       {"inputs", {{0, 0}}},
                       {"parameters", Json::parse(parameters)}},
                      {{"op", last},
                       {"version", 2},
                       {"inputs", {{1, 0}}},
                       {"parameters", {{"nodata", nullptr}}}}});
}

TEST(ChainChanges, NamesParametersWithBothValues) {
  EXPECT_THAT(chain_changes(chain(R"({"a": 1})"), chain(R"({"a": 1})")), IsEmpty());
  EXPECT_THAT(chain_changes(chain(R"({"a": 1, "rules": [{"to": 100}, {"to": 7}]})"),
                            chain(R"({"a": 2, "rules": [{"to": 150}, {"to": 7}]})")),
              ElementsAre("reclass.a: 1 -> 2", "reclass.rules[0].to: 100 -> 150"));
  EXPECT_THAT(chain_changes(chain(R"({"bands": ["red"]})"), chain(R"({"bands": ["red", "nir"]})")),
              ElementsAre(R"(reclass.bands: ["red"] -> ["red","nir"])"));
  EXPECT_THAT(chain_changes(chain(R"({})"), chain(R"({"a": "x"})")),
              ElementsAre(R"(reclass.a: nothing -> "x")"));
}

TEST(ChainChanges, NamesOtherOps) {
  EXPECT_THAT(chain_changes(chain("{}"), chain("{}", "store")),
              ElementsAre("other ops: reclass > save -> reclass > store"));
}

TEST(ChainChanges, AreBounded) {
  Json then = Json::object(), now = Json::object();
  for (int i = 0; i < 20; ++i) {
    then[std::to_string(i)] = std::string(200, 'a');
    now[std::to_string(i)] = std::string(59, 'b') + "äöü" + std::string(200, 'b');
  }
  const auto changes = chain_changes(chain(then.dump()), chain(now.dump()));
  ASSERT_EQ(changes.size(), 9);
  EXPECT_EQ(changes.back(), "and 12 parameters more");
  EXPECT_LT(changes[0].size(), 160);
  EXPECT_NO_THROW((void)Json(changes[0]).dump()) << "whole letters";
}

TEST(ChainChanges, NamesVersions) {
  EXPECT_THAT(version_changes("load@1 > save@2", "load@1 > save@2"), IsEmpty());
  EXPECT_THAT(version_changes("load@1 > save@2", "load@3 > save@2"),
              ElementsAre("load is version 3, was 1"));
  EXPECT_THAT(version_changes("load@1 > save@2", "load@3 > reduce@1 > save@2"), IsEmpty());
  EXPECT_THAT(version_changes("", "load@3"), IsEmpty());
}

}  // namespace
}  // namespace geoloom::engine
