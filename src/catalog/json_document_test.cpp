// SPDX-License-Identifier: Apache-2.0
#include "catalog/json_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "error/error.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::Pair;

TEST(JsonDocument, GivesTheTreeOfAnyDocument) {
  for (const std::string text :
       {R"({"type": "Catalog", "links": [{"rel": "child", "href": "a"}], "geometry": [1, 2]})",
        R"([1, -1, 18446744073709551615, 1.5, true, null, "a\u00e9\n", {"a": {"a": {}}}])",
        R"({"twice": 1, "twice": 2})", R"("text")", "12", "null"})
    EXPECT_EQ(JsonDocument(text, "f").root().tree(), json::parse(text)) << text;
}

TEST(JsonDocument, WhatOnlyTheSlowerReaderTakes) {
  const JsonDocument large("[123456789012345678901234567890]", "f");
  EXPECT_EQ(large.root().elements().at(0).number(), 123456789012345678901234567890.0);
  const JsonDocument marked("\xEF\xBB\xBF{\"a\": 1}", "f");
  EXPECT_EQ(marked.root()["a"].number(), 1);
  // As deep as may be, in either reader.
  const std::string open(kDeepestJson, '['), close(kDeepestJson, ']');
  EXPECT_NO_THROW(JsonDocument(open + close, "f"));
  EXPECT_NO_THROW(JsonDocument(open + "123456789012345678901234567890" + close, "f"));
}

TEST(JsonDocument, ReadsAnotherTextWithTheSameMemory) {
  JsonDocument document(R"({"a": "first"})", "f");
  std::string longer = R"({"a": "second", "b": [)";
  for (int i = 0; i < 10'000; ++i) longer += "1, ";
  document.read(longer + "2]}", "f");
  EXPECT_EQ(document.root()["a"].text(), "second");
  EXPECT_EQ(document.root()["b"].elements().size(), 10'001U);
  document.read(R"({"a": "third"})", "f");
  EXPECT_EQ(document.root().tree(), json({{"a", "third"}}));
  JsonDocument other = std::move(document);
  EXPECT_EQ(other.root()["a"].text(), "third");
}

TEST(JsonView, WhatIsNotThereIsNothing) {
  const JsonDocument document(R"({"n": null, "t": "x", "i": 3, "l": [1, null], "o": {}})", "f");
  const JsonView root = document.root();
  for (const JsonView& nothing : {JsonView(), root["n"], root["none"], root["t"]["x"],
                                  root["l"]["x"], root["o"]["x"], root["l"].elements()[1]}) {
    EXPECT_FALSE(nothing);
    EXPECT_FALSE(nothing.is_object() || nothing.is_array() || nothing.is_text());
    EXPECT_FALSE(nothing.is_number() || nothing.is_primitive() || nothing.is_true());
    EXPECT_EQ(nothing.text(), "");
    EXPECT_FALSE(nothing.number());
    EXPECT_TRUE(nothing.elements().empty() && nothing.members().empty());
    EXPECT_EQ(nothing.tree(), json());
  }
  EXPECT_TRUE(root["o"]);
  EXPECT_EQ(root["i"].text(), "");
  EXPECT_TRUE(root["t"].elements().empty());
  EXPECT_TRUE(root["i"].is_primitive());
  EXPECT_FALSE(root["l"].is_primitive());
}

TEST(JsonView, NumbersMayBeWords) {
  const JsonDocument document(R"({"a": "nan", "b": "-inf", "c": "10", "d": -2, "e": 1.5})", "f");
  const JsonView root = document.root();
  EXPECT_TRUE(std::isnan(root["a"].number().value()));
  EXPECT_FALSE(root["a"].is_number());
  EXPECT_EQ(root["b"].number(), -std::numeric_limits<double>::infinity());
  EXPECT_FALSE(root["c"].number());
  EXPECT_EQ(first_number({{root, "none"}, {JsonView(), "d"}, {root, "d"}, {root, "e"}}), -2);
}

TEST(JsonView, MembersAreInOrderAndTheLastOfANameCounts) {
  const JsonDocument document(R"({"b": 1, "a": 2, "b": 3, "c": 4, "c": null})", "f");
  std::vector<std::pair<std::string, json>> members;
  for (const auto& [name, value] : document.root().members())
    members.emplace_back(name, value.tree());
  EXPECT_THAT(members, ElementsAre(Pair("a", 2), Pair("b", 3), Pair("c", nullptr)));
  EXPECT_EQ(document.root()["b"].number(), 3);
  EXPECT_FALSE(document.root()["c"]);
}

Error error_of(const std::string& text) {
  try {
    JsonDocument(text, "f.json");
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("no error");
}

TEST(JsonDocument, TellsWhereItIsWrong) {
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
