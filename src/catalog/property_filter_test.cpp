// SPDX-License-Identifier: Apache-2.0
#include "catalog/property_filter.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;

Scene scene_with(const std::string& property, const json& value) {
  Scene scene;
  scene.time = geo::parse_time("2003-05-10");
  scene.properties[property] = value;
  return scene;
}

TEST(PropertyFilter, TextsAndOperators) {
  const auto cloudy = scene_with("eo:cloud_cover", 69.5);
  EXPECT_TRUE(property_condition("eo:cloud_cover", "< 70").holds(cloudy));
  EXPECT_FALSE(property_condition("eo:cloud_cover", "<69.5").holds(cloudy));
  EXPECT_TRUE(property_condition("eo:cloud_cover", "<= 69.5").holds(cloudy));
  EXPECT_TRUE(property_condition("eo:cloud_cover", "gte", json(69.5)).holds(cloudy));
  EXPECT_TRUE(property_condition("eo:cloud_cover", "!= 70").holds(cloudy));
  const auto landsat = scene_with("platform", "landsat-7");
  EXPECT_TRUE(property_condition("platform", "landsat-7").holds(landsat));
  EXPECT_FALSE(property_condition("platform", "landsat-8").holds(landsat));
  EXPECT_TRUE(
      property_condition("platform", "in", json({"landsat-5", "landsat-7"})).holds(landsat));
  EXPECT_EQ(property_condition("eo:cloud_cover", "<70").text(), "eo:cloud_cover < 70.0");
}

TEST(PropertyFilter, NumbersThatAreTexts) {
  const auto path = scene_with("landsat:wrs_path", "047");
  EXPECT_TRUE(property_condition("landsat:wrs_path", "eq", json(47)).holds(path));
  EXPECT_TRUE(property_condition("landsat:wrs_path", "047").holds(path));
  EXPECT_FALSE(property_condition("landsat:wrs_path", "47").holds(path));  // a text
  EXPECT_FALSE(property_condition("landsat:wrs_path", "lt", json(5)).holds(path));
}

TEST(PropertyFilter, WhatIsNotThereMeetsNothing) {
  const auto bare = scene_with("platform", "x");
  EXPECT_FALSE(property_condition("eo:cloud_cover", "< 70").holds(bare));
  EXPECT_FALSE(property_condition("eo:cloud_cover", "!= 70").holds(bare));
  EXPECT_FALSE(property_condition("platform", "< 70").holds(bare));
}

TEST(PropertyFilter, Times) {
  const auto scene = scene_with("platform", "landsat-7");
  EXPECT_TRUE(property_condition("datetime", "1999..2003-05-31").holds(scene));
  EXPECT_FALSE(property_condition("datetime", "2003-06..2005").holds(scene));
  EXPECT_THROW(property_condition("datetime", "summer"), Error);
}

TEST(PropertyFilter, Refusals) {
  EXPECT_THROW(property_condition("a", "lessthan", json(1)), Error);
  EXPECT_THROW(property_condition("a", "eq", json::object()), Error);
  EXPECT_THROW(property_condition("a", "in", json::array()), Error);
  EXPECT_THROW(property_condition("a", "<"), Error);
}

TEST(PropertyFilter, AsServersTakeIt) {
  const std::vector<PropertyCondition> both{property_condition("eo:cloud_cover", "< 20"),
                                            property_condition("platform", "o'k")};
  EXPECT_EQ(cql2_json(both).dump(),
            R"({"args":[{"args":[{"property":"eo:cloud_cover"},20.0],"op":"<"},)"
            R"({"args":[{"property":"platform"},"o'k"],"op":"="}],"op":"and"})");
  EXPECT_EQ(cql2_text(both), R"("eo:cloud_cover" < 20.0 AND "platform" = 'o''k')");
  EXPECT_EQ(query_json(both).dump(), R"({"eo:cloud_cover":{"lt":20.0},"platform":{"eq":"o'k"}})");
  EXPECT_TRUE(same_on_servers(both[0]));
  EXPECT_TRUE(same_on_servers(both[1]));
  // "047" or 47: servers do not agree.
  EXPECT_FALSE(same_on_servers(property_condition("landsat:wrs_path", "eq", json(47))));
  EXPECT_FALSE(same_on_servers(property_condition("platform", "!= x")));
}

}  // namespace
}  // namespace geoloom::catalog
