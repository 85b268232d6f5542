// SPDX-License-Identifier: Apache-2.0
#include "workflow/scalar_expression.h"

#include <gmock/gmock.h>

#include <limits>
#include <map>

namespace geoloom::workflow {
namespace {

using testing::HasSubstr;

const Scalar kAbsent{};

// Parameters and steps that the tests refer to.
const std::map<std::string, std::pair<ScalarType, Scalar>>& known() {
  static const std::map<std::string, std::pair<ScalarType, Scalar>> kKnown{
      {"yes", {ScalarType::boolean, {true}}},
      {"no", {ScalarType::boolean, {false}}},
      {"maybe", {ScalarType::boolean, {}}},
      {"year", {ScalarType::integer, {int64_t{2021}}}},
      {"share", {ScalarType::number, {0.75}}},
      {"lost", {ScalarType::number, {}}},
      {"region", {ScalarType::text, {std::string("centre")}}},
      {"regions",
       {ScalarType::list, {Scalar::List{{std::string("centre")}, {std::string("north")}}}}},
      {"train.metrics.accuracy", {ScalarType::number, {0.9}}}};
  return kKnown;
}

ScalarType type_of(const ScalarReference& reference) {
  const auto found = known().find(reference.text());
  if (found == known().end())
    throw Error(ErrorCode::invalid, "unknown reference '$" + reference.text() + "'");
  return found->second.first;
}

Scalar result_of(const std::string& text) {
  const ScalarExpression expression(text);
  (void)expression.check(type_of);
  return expression.evaluate(
      [](const ScalarReference& reference) { return known().at(reference.text()).second; });
}

bool truth(const std::string& text) {
  const auto result = result_of(text);
  return std::get<bool>(result.value);
}

std::string error_of(const std::string& text) {
  try {
    (void)ScalarExpression(text).check(type_of);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    return error.message();
  }
  return "no error";
}

// Every combination of true, false and absent.
TEST(ScalarExpression, FullTruthTable) {
  const std::vector<std::pair<std::string, Scalar>> values{
      {"$yes", {true}}, {"$no", {false}}, {"$maybe", kAbsent}};
  const Scalar kTrue{true}, kFalse{false};
  const std::vector<std::vector<Scalar>> both{
      {kTrue, kFalse, kAbsent}, {kFalse, kFalse, kFalse}, {kAbsent, kFalse, kAbsent}};
  const std::vector<std::vector<Scalar>> either{
      {kTrue, kTrue, kTrue}, {kTrue, kFalse, kAbsent}, {kTrue, kAbsent, kAbsent}};
  const std::vector<std::vector<Scalar>> equal{
      {kTrue, kFalse, kAbsent}, {kFalse, kTrue, kAbsent}, {kAbsent, kAbsent, kAbsent}};
  const std::vector<std::vector<Scalar>> coalesce{
      {kTrue, kTrue, kTrue}, {kFalse, kFalse, kFalse}, {kTrue, kFalse, kAbsent}};
  for (size_t a = 0; a < values.size(); ++a) {
    for (size_t b = 0; b < values.size(); ++b) {
      const auto with = [&](const std::string& op) {
        return result_of(values[a].first + " " + op + " " + values[b].first);
      };
      SCOPED_TRACE(values[a].first + " " + values[b].first);
      EXPECT_EQ(with("and"), both[a][b]);
      EXPECT_EQ(with("or"), either[a][b]);
      EXPECT_EQ(with("=="), equal[a][b]);
      EXPECT_EQ(with("??"), coalesce[a][b]);
    }
  }
  EXPECT_EQ(result_of("not $yes"), kFalse);
  EXPECT_EQ(result_of("not $no"), kTrue);
  EXPECT_EQ(result_of("not $maybe"), kAbsent);
}

TEST(ScalarExpression, Precedence) {
  EXPECT_TRUE(truth("true or false and false"));
  EXPECT_TRUE(truth("not false and true"));
  EXPECT_TRUE(truth("not 1 == 2"));
  EXPECT_EQ(result_of("1 + 2 * 3"), Scalar{int64_t{7}});
  EXPECT_EQ(result_of("(1 + 2) * 3"), Scalar{int64_t{9}});
  EXPECT_EQ(result_of("10 - 3 - 2"), Scalar{int64_t{5}});
  EXPECT_EQ(result_of("-2 * -3"), Scalar{int64_t{6}});
  EXPECT_EQ(result_of("$lost ?? 1.5 + 1"), Scalar{2.5}) << "?? is the weakest";
  EXPECT_EQ(result_of("($lost ?? 1.5) + 1"), Scalar{2.5});
}

TEST(ScalarExpression, Arithmetic) {
  EXPECT_EQ(result_of("$year - 1"), Scalar{int64_t{2020}});
  EXPECT_EQ(result_of("7 / 2"), Scalar{3.5}) << "/ always gives a number";
  EXPECT_EQ(result_of("-7 % 3"), Scalar{int64_t{2}}) << "the sign of the divisor";
  EXPECT_EQ(result_of("7 % -3"), Scalar{int64_t{-2}});
  EXPECT_EQ(result_of("1 + 0.5"), Scalar{1.5});
  EXPECT_EQ(result_of("round(2.5)"), Scalar{int64_t{2}});
  EXPECT_EQ(result_of("round(-3.5)"), Scalar{int64_t{-4}});
  EXPECT_EQ(result_of("abs(-4)"), Scalar{int64_t{4}});
  EXPECT_EQ(result_of("abs(0.25 - 1)"), Scalar{0.75});
  EXPECT_EQ(result_of("max(1, 2.5, 2)"), Scalar{2.5});
  EXPECT_EQ(result_of("min($year, 2030)"), Scalar{int64_t{2021}});
}

TEST(ScalarExpression, WhatHasNoValueIsAbsent) {
  for (const char* text :
       {"$lost + 1", "1 / 0", "5 % 0", "9223372036854775807 + 1", "-9223372036854775807 - 2",
        "3037000500 * 3037000500 * 2", "1e308 * 10", "round(1e300)", "$lost > 0", "max($lost, 1)",
        "length([$lost])", "$lost in [1]"})
    EXPECT_EQ(result_of(text), kAbsent) << text;
  EXPECT_EQ(result_of("1 / 0 ?? 7"), Scalar{int64_t{7}});
  EXPECT_EQ(result_of("-9223372036854775807 - 1 % -1"), Scalar{int64_t{-9223372036854775807}});
}

TEST(ScalarExpression, Comparisons) {
  EXPECT_TRUE(truth("$train.metrics.accuracy > 0.6"));
  EXPECT_TRUE(truth("$share >= 0.75"));
  EXPECT_FALSE(truth("$share < 0.75"));
  EXPECT_TRUE(truth("1 == 1.0"));
  EXPECT_TRUE(truth("'2018-05' < '2018-10'"));
  EXPECT_TRUE(truth("$region == \"centre\""));
  EXPECT_TRUE(truth("$region in ['north', 'centre']"));
  EXPECT_TRUE(truth("$region in $regions"));
  EXPECT_FALSE(truth("'south' in $regions"));
  EXPECT_TRUE(truth("2 in [1, 2.0]"));
  EXPECT_TRUE(truth("[1, 2] == [1.0, 2]"));
  EXPECT_EQ(result_of("length($regions)"), Scalar{int64_t{2}});
  EXPECT_EQ(result_of("length('Ljubljana à')"), Scalar{int64_t{11}});
}

TEST(ScalarExpression, TypesMustFit) {
  EXPECT_THAT(error_of("$share > 'high'"),
              HasSubstr("column 8: '>' compares a number with a text"));
  EXPECT_THAT(error_of("$share and $yes"), HasSubstr("'and' needs true or false, not a number"));
  EXPECT_THAT(error_of("not $year"), HasSubstr("needs true or false"));
  EXPECT_THAT(error_of("$yes < $no"), HasSubstr("compares numbers or texts"));
  EXPECT_THAT(error_of("$region + 1"), HasSubstr("needs numbers, not a text"));
  EXPECT_THAT(error_of("1.5 % 2"), HasSubstr("whole numbers"));
  EXPECT_THAT(error_of("$region in 'centre'"), HasSubstr("needs a list"));
  EXPECT_THAT(error_of("[[1]]"), HasSubstr("a list cannot hold lists"));
  EXPECT_THAT(error_of("$lost ?? 'none'"), HasSubstr("'?"
                                                     "?' has a number with a text"));
  EXPECT_THAT(error_of("$train.metrics.acuracy > 0"), HasSubstr("unknown reference"));
  EXPECT_EQ(ScalarExpression("$share > 0.5").check(type_of), ScalarType::boolean);
  EXPECT_EQ(ScalarExpression("$year ?? 0.5").check(type_of), ScalarType::number);
  EXPECT_EQ(ScalarExpression("round($share)").check(type_of), ScalarType::integer);
}

TEST(ScalarExpression, WhatCannotBeReadSaysWhere) {
  EXPECT_THAT(error_of("$share = 1"), HasSubstr("column 8: '=' compares nothing: write =="));
  EXPECT_THAT(error_of("$yes && $no"), HasSubstr("write and"));
  EXPECT_THAT(error_of("!$yes"), HasSubstr("write not"));
  EXPECT_THAT(error_of("0 < $share < 1"), HasSubstr("do not chain"));
  EXPECT_THAT(error_of("1 +"), HasSubstr("ends where a value is missing"));
  EXPECT_THAT(error_of(""), HasSubstr("ends where a value is missing"));
  EXPECT_THAT(error_of("(1"), HasSubstr("')' is missing at the end"));
  EXPECT_THAT(error_of("1 2"), HasSubstr("does not belong here"));
  EXPECT_THAT(error_of("'open"), HasSubstr("a text without its end"));
  EXPECT_THAT(error_of("centre == $region"), HasSubstr("no function and no value"));
  EXPECT_THAT(error_of("$ 1"), HasSubstr("needs a name"));
  EXPECT_THAT(error_of("$step. > 1"), HasSubstr("needs a name"));
  EXPECT_THAT(error_of("1e999"), HasSubstr("cannot be represented"));
  EXPECT_THAT(error_of("2018-05 == 1e"), HasSubstr("goes on with a letter"));
  EXPECT_THAT(error_of("abs(1, 2)"), HasSubstr("takes one value, not 2"));
  EXPECT_THAT(error_of("min()"), HasSubstr("one value or more"));
  EXPECT_THAT(error_of(std::string(100, '(') + "1"), HasSubstr("deeper than"));
  std::string nots;
  for (int i = 0; i < 100; ++i) nots += "not ";
  EXPECT_THAT(error_of(nots + "true"), HasSubstr("deeper than"));
  EXPECT_THAT(error_of(std::string(5000, ' ') + "1"), HasSubstr("at most"));
}

TEST(ScalarExpression, TellsWhatItRefersTo) {
  const ScalarExpression expression("$train.metrics.accuracy > $share or $share > 0.9");
  ASSERT_EQ(expression.references().size(), 2U);
  EXPECT_EQ(expression.references()[0].name, "train");
  EXPECT_EQ(expression.references()[0].part, "metrics.accuracy");
  EXPECT_EQ(expression.references()[1].text(), "share");
}

}  // namespace
}  // namespace geoloom::workflow
