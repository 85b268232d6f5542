// SPDX-License-Identifier: Apache-2.0
#include "workflow/value.h"

#include <gtest/gtest.h>

#include <cmath>

namespace geoloom::workflow {
namespace {

using Kind = Value::Kind;

Value parsed(const std::string& text) {
  return parse_yaml(text, "a.yaml");
}
Value scalar(const std::string& text) {
  return parsed("k: " + text).map.at(0).second;
}

std::string refusal(const std::string& text) {
  try {
    parsed(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid);
    return e.what();
  }
  return "accepted";
}

TEST(Value, TypesPlainScalarsByTheCoreRules) {
  for (const char* text : {"on", "yes", "No", "2018-05-01", "1_000", "0b1", "0x", "0xZ", "1..12",
                           "1e", ".", "+", "inf", "1:30", "tRue", "1e999", "0x-1", "+-1"})
    EXPECT_EQ(scalar(text).kind, Kind::string) << text;
  for (const char* text : {"", "~", "null", "Null", "NULL"})
    EXPECT_EQ(scalar(text).kind, Kind::null) << text;
  EXPECT_TRUE(scalar("true").boolean);
  EXPECT_EQ(scalar("False").kind, Kind::boolean);
  EXPECT_FALSE(scalar("False").boolean);
}

TEST(Value, ReadsWholeNumbers) {
  const std::vector<std::pair<std::string, int64_t>> cases{
      {"010", 10},  {"-7", -7},   {"+7", 7},
      {"0x1F", 31}, {"0o17", 15}, {"9223372036854775807", INT64_MAX},
      {"0", 0},     {"-0", 0},    {"-9223372036854775808", INT64_MIN}};
  for (const auto& [text, number] : cases) {
    const Value value = scalar(text);
    EXPECT_EQ(value.kind, Kind::integer) << text;
    EXPECT_EQ(value.integer, number) << text;
    EXPECT_EQ(value.number, static_cast<double>(number)) << text;
    EXPECT_EQ(value.text, text);
  }
}

TEST(Value, ReadsNumbers) {
  const std::vector<std::pair<std::string, double>> cases{
      {"1.5", 1.5},     {".5", 0.5},        {"-2.", -2},          {"1e3", 1000},
      {"+.5E-1", 0.05}, {".inf", INFINITY}, {"-.Inf", -INFINITY}, {"9223372036854775808", 0x1p63}};
  for (const auto& [text, number] : cases) {
    EXPECT_EQ(scalar(text).kind, Kind::number) << text;
    EXPECT_EQ(scalar(text).number, number) << text;
  }
  EXPECT_TRUE(std::isnan(scalar(".nan").number));
}

TEST(Value, KeepsQuotedScalarsAsTexts) {
  for (const char* text : {"\"12\"", "'true'", "\"\"", "'~'", "|\n  12", ">\n  12"}) {
    EXPECT_EQ(scalar(text).kind, Kind::string) << text;
    EXPECT_TRUE(scalar(text).quoted) << text;
  }
}

TEST(Value, KnowsPlaces) {
  const Value root = parsed("# c\na:\n  b:\n    - x\n    - {c: 1,\n       d: [2, 3]}\ne: 5\n");
  const Value& b = *root.find("a")->find("b");
  EXPECT_EQ(b.line, 3);  // the key's, though the list begins below it
  EXPECT_EQ(b.column, 3);
  EXPECT_EQ(b.list[1].path, "a.b[1]");
  EXPECT_EQ(b.list[1].line, 5);
  const Value& d = *b.list[1].find("d");
  EXPECT_EQ(d.place().text(), "a.yaml:6:8, a.b[1].d");
  EXPECT_EQ(d.list[1].place().text(), "a.yaml:6:15, a.b[1].d[1]");
  EXPECT_EQ(root.find("e")->line, 7);
  EXPECT_EQ(root.find("f"), nullptr);
  EXPECT_EQ(root.keys(), (std::vector<std::string>{"a", "e"}));
}

TEST(Value, ReadsJson) {
  const Value root =
      parsed("{\n\t\"a\": [1, 2.5, null, true],\n\t\"b\":{\"c\":\"x\\n\\u00e9\\/\"}\n}");
  EXPECT_EQ(root.find("a")->list.size(), 4u);
  EXPECT_EQ(root.find("a")->line, 2);
  EXPECT_EQ(root.find("b")->find("c")->text, "x\n\u00e9/");
}

TEST(Value, ReadsEmptyDocumentsAndByteOrderMarks) {
  EXPECT_TRUE(parsed("").is_null());
  EXPECT_TRUE(parsed("# nothing\n").is_null());
  EXPECT_TRUE(parsed("---\n...\n").is_null());
  EXPECT_EQ(parsed("\xEF\xBB\xBFk: 1").find("k")->column, 1);
  EXPECT_EQ(parsed("a: 1\r\nb: 2\r\n").find("b")->line, 2);
}

TEST(Value, TakesKeysAsWritten) {
  const Value root = parsed("1: a\n0x1: b\ntrue: c\n'1 ': d\n");
  EXPECT_EQ(root.keys(), (std::vector<std::string>{"1", "0x1", "true", "1 "}));
}

struct Refusal {
  const char* document;
  const char* says;
};

TEST(Value, RefusesWhatYamlWouldHide) {
  const Refusal cases[] = {
      {"a: 1\nb:\n  x: 1\n  y: 2\n  x: 3\n",
       "a.yaml:5:3, b.x: the key 'x' is given twice, first on line 3"},
      {"a: &x 1\nb: 2\n", "a.yaml:1:4, a: an anchor"},
      {"a: 1\nb: *x\n", "a.yaml:2"},
      {"a: &x {b: 1}\n", "an anchor"},
      {"<<: {a: 1}\n", "a.yaml:1:1, <<: a merge key"},
      {"a: !!str 1\n", "a tag"},
      {"a: !x {b: 1}\n", "a tag"},
      {"a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document begins here"},
      {"- a\nb: 1\n", "a.yaml:2:1: this does not belong to what stands before it"},
      {"a: \"\\ud83d\\ude00\"\n", "write the character itself"},
      {"a:b\nc: 1\n", "a ':' after a key needs a space"},
      {"a:\n\tb: 1\n", "a.yaml:2:1: a tab in the indentation"},
      {"a: x\ty\n", "a tab inside an unquoted text"},
      {"a: 1\n: 2\n", "an empty key"},
      {"'': 2\n", "an empty key"},
      {"~: 2\n", "an empty key"},
      {"? [a]\n: 2\n", "a list or map as a key"},
      {"{a: 1}: 2\n", "a list or map as a key"},
      {"a: {b: ${c}}\n", "a.yaml:1:8, a.b: an unquoted ${...}"},
      {"x: 1\na: [b, ${c}]\n", "a.yaml:2:8, a[1]: an unquoted ${...}"},
      {"a: [d/${c}_x.tif, b]\n", "Hint: quote it: \"d/${c}_x.tif\""},
      {"a: {${c}: 1}\n", "quote it: \"${c}\""},
      {"a: \x01\n", "a control character"},
      {"a: \xC3\x28\n", "a.yaml:1:4: not a text in UTF-8"},
      {"a: \xED\xA0\x80\n", "not a text in UTF-8"},
      {"a: \xF5\x80\x80\x80\n", "not a text in UTF-8"},
      {"a: \xE2\x82", "not a text in UTF-8"},
      {"{\"a\": 1,\n \"b\": [1, 2]\n",
       "a.yaml:1:1: a list or map as a key, or one that is never closed"},
      {"a: [1, 2\nb: 3\n", "not valid YAML"},
      {"a: b: c\n", "a text that contains ': ' needs quotes"},
      {"a: \"x\n", "a.yaml:1:4, a: a quoted text without its closing quote"},
      {"a: \"x\\\"\n", "closing quote"},
      {"a: @x\n", "needs quotes"},
      {"a: %x\n", "needs quotes"},
      {"a: 1\n b: 2\n", "not valid YAML"},
      {"a:\n    - x\n  - y\n", "check the indentation"},
  };
  for (const auto& c : cases)
    EXPECT_NE(refusal(c.document).find(c.says), std::string::npos)
        << c.document << "\n  says: " << refusal(c.document);
}

TEST(Value, AllowsDollarsElsewhere) {
  EXPECT_EQ(scalar("${a}/b").text, "${a}/b");
  EXPECT_EQ(scalar("[\"${a}\", $b]").list[1].text, "$b");
  EXPECT_EQ(scalar("cost$").text, "cost$");
}

TEST(Value, BoundsDepthAndSize) {
  const std::string levels(kMaxNesting, '[');
  EXPECT_EQ(parsed(levels + std::string(kMaxNesting, ']')).kind, Kind::list);
  EXPECT_NE(refusal(levels + "[" + std::string(kMaxNesting + 1, ']')).find("nested deeper"),
            std::string::npos);
  for (const char* unit : {"[", "{", "{a: ", "[{", "- ", "? ", "a: [", "[[a]: "}) {
    std::string deep;
    while (deep.size() < 300000) deep += unit;
    EXPECT_NE(refusal(deep), "accepted") << unit;
  }
  std::string indented;
  for (size_t i = 0; i < 500; ++i) indented += std::string(i, ' ') + "a:\n";
  EXPECT_NE(refusal(indented).find("nested deeper"), std::string::npos);
  EXPECT_NE(refusal("a: " + std::string(kMaxDocumentBytes, 'x')).find("larger than the 1 MiB"),
            std::string::npos);
}

TEST(Value, BoundsTheNumberOfValuesAndTheirPaths) {
  std::string list = "[1";
  while (list.size() < 2 * kMaxValues) list += ",1";
  EXPECT_NE(refusal(list + "]").find("more than the 100000 values"), std::string::npos);
  EXPECT_NE(refusal("? " + std::string(1001, 'k') + "\n: 1").find("1000 bytes"), std::string::npos);
  std::string deep;
  for (int i = 0; i < 30; ++i) deep += std::string(i, ' ') + std::string(50, 'k') + ":\n";
  EXPECT_NE(refusal(deep).find("1000 bytes"), std::string::npos);
}

TEST(Value, ReadsCommandLineValues) {
  EXPECT_EQ(parse_yaml_scalar("2018", "-p").kind, Kind::integer);
  EXPECT_EQ(parse_yaml_scalar("\"2018\"", "-p").kind, Kind::string);
  EXPECT_EQ(parse_yaml_scalar("*_B04.tif", "-p").text, "*_B04.tif");
  EXPECT_EQ(parse_yaml_scalar("a: b # c", "-p").text, "a: b # c");
  EXPECT_EQ(parse_yaml_scalar("", "-p").kind, Kind::null);
  const Value list = parse_yaml_scalar("[red, 3]", "-p");
  EXPECT_EQ(list.list.at(1).integer, 3);
  EXPECT_EQ(list.place().text(), "-p");
  EXPECT_THROW(parse_yaml_scalar("[red", "-p"), Error);
  EXPECT_THROW(parse_yaml_scalar("a\x02", "-p"), Error);
}

TEST(Value, DescribesItself) {
  EXPECT_EQ(scalar("many").described(), "a text ('many')");
  EXPECT_EQ(scalar("3").described(), "a whole number (3)");
  EXPECT_EQ(scalar("2.50").described(), "a number (2.50)");
  EXPECT_EQ(scalar("[1]").described(), "a list");
  EXPECT_EQ(scalar("~").described(), "nothing");
  EXPECT_EQ(scalar("True").described(), "true");
  // Shortened between characters, never inside one.
  EXPECT_EQ(scalar(std::string(39, 'x') + "\u00e9\u00e9").described(),
            "a text ('" + std::string(39, 'x') + "...')");
}

TEST(Value, MovesWithAllItContains) {
  Value value = scalar("{a: [1, {b: 2}]}");
  Place place;
  place.file = "other.yaml";
  place.line = 9;
  place.key = "steps.x";
  value.move_to(place);
  EXPECT_EQ(value.find("a")->list[1].find("b")->place().text(), "other.yaml:9, steps.x.a[1].b");
}

}  // namespace
}  // namespace geoloom::workflow
