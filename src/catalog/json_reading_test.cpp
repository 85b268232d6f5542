// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "catalog/json_member.h"
#include "error/error.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;

TEST(ParseJson, GivesTheTreeOfAnyDocument) {
  for (const std::string text :
       {R"({"type": "Catalog", "links": [{"rel": "child", "href": "a"}], "geometry": [1, 2]})",
        R"([1, -1, 18446744073709551615, 1.5, true, null, "a\u00e9\n", {"a": {"a": {}}}])",
        R"({"twice": 1, "twice": 2})", R"("text")", "12"})
    EXPECT_EQ(parse_json(text, "f"), json::parse(text)) << text;
}

TEST(ParseJson, LeavesOutWhatNobodyReadsOfItems) {
  const std::string item = R"({"type": "Feature", "id": "i", "geometry": {"type": "Point"},
    "properties": {"title": "kept", "geometry": "kept"},
    "links": [{"rel": "self", "href": "s"}, {"rel": "root", "href": "r"}],
    "assets": {"geometry": {"href": "a", "title": "t", "description": "d", "alternate": {"s3": {}},
                            "classification:bitfields": [1],
                            "raster:bands": [{"scale": 2, "offset": 1, "statistics": {}}],
                            "eo:bands": [{"name": "b", "description": "long"}]}}})";
  const json kept = {{"type", "Feature"},
                     {"id", "i"},
                     {"properties", {{"title", "kept"}, {"geometry", "kept"}}},
                     {"links", json::array({{{"rel", "self"}, {"href", "s"}}})},
                     {"assets",
                      {{"geometry",
                        {{"href", "a"},
                         {"raster:bands", json::array({json{{"scale", 2}, {"offset", 1}}})},
                         {"eo:bands", json::array({json{{"name", "b"}}})}}}}}};
  EXPECT_EQ(parse_json(item, "f"), kept);
  const auto page = parse_json(R"({"type": "FeatureCollection", "links": [{"rel": "next"}],
                                   "features": [)" +
                                   item + "]}",
                               "f");
  EXPECT_EQ(page["features"], json::array({kept}));
  EXPECT_EQ(page["links"].size(), 1U);
}

Error error_of(const std::string& text) {
  try {
    parse_json(text, "f.json");
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("no error");
}

TEST(ParseJson, TellsWhereItIsWrong) {
  const auto wrong = error_of("{\n  \"a\": tru\n}");
  EXPECT_EQ(wrong.code(), ErrorCode::invalid);
  EXPECT_EQ(wrong.place().line, 2);
  EXPECT_EQ(wrong.place().file, "f.json");
  EXPECT_EQ(error_of("").code(), ErrorCode::invalid);
  EXPECT_EQ(error_of("[1e999]").code(), ErrorCode::invalid);
  EXPECT_EQ(error_of("[\"\xff\"]").code(), ErrorCode::invalid);
  std::string deep(1000, '[');
  EXPECT_EQ(error_of(deep + std::string(1000, ']')).message(), "JSON is nested too deeply");
}

}  // namespace
}  // namespace geoloom::catalog
