// SPDX-License-Identifier: Apache-2.0
#include "workflow/late_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workflow/document.h"

namespace geoloom::workflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kText = R"(geoloom: 1
name: late
params: {factor: 2, least: 3}
store: out
components:
  limited:
    params: {limit: {type: number}}
    do:
      - reduce: {stat: median, min_count: $limit}
  made:
    params: {limit: {type: number}}
    steps:
      quality: {do: [{statistics: {layer: a, as: seen}}]}
      own: {do: [{reduce: {stat: median, min_count: $quality.seen.count}}]}
      given: {do: [{reduce: {stat: median, min_count: $limit}}]}
    outputs: {count: $quality.seen.count}
steps:
  quality: {do: [{statistics: {layer: a, as: measured}}]}
  plain: {do: [{reduce: {stat: median, min_count: $quality.measured.count}}]}
  formula: {do: [{reduce: {stat: median, min_count: "= round($quality.measured.mean * $factor) + $least"}}]}
  listed: {over: {class: $quality.measured.values}, do: [{reduce: {stat: $item.class}}]}
  within: {do: [{use: {component: limited, with: {limit: $quality.measured.mean}}}]}
  part: {use: {component: made, with: {limit: $quality.measured.mean}}}
  after: {do: [{reduce: {stat: median, min_count: $part.count}}]}
)";

Document resolved(const LateValuesByStep& late = {}) {
  auto document = parse_document(kText, "late.yaml");
  resolve(document, {}, late);
  return document;
}

const StepDeclaration& step_of(const Document& document, const std::string& name) {
  for (const auto& step : document.steps)
    if (step.name == name) return step;
  throw std::runtime_error("no step " + name);
}

std::vector<std::string> references_of(const StepDeclaration& step) {
  std::vector<std::string> out;
  for (const auto& late : step.late) out.push_back(late.reference.text());
  return out;
}

const Value& min_count_of(const StepDeclaration& step) {
  return *step.ops.front().arguments.find("min_count");
}

TEST(LateValues, AreLeftWithTheirReferences) {
  const auto document = resolved();
  EXPECT_FALSE(step_of(document, "quality").waits);
  EXPECT_TRUE(step_of(document, "plain").waits);
  EXPECT_THAT(references_of(step_of(document, "plain")), ElementsAre("quality.measured.count"));
  EXPECT_THAT(references_of(step_of(document, "formula")), ElementsAre("quality.measured.mean"));
  EXPECT_THAT(references_of(step_of(document, "listed")), ElementsAre("quality.measured.values"));
  EXPECT_THAT(references_of(step_of(document, "within")), ElementsAre("quality.measured.mean"));
}

TEST(LateValues, OfComponentsAreThoseOfTheirOwnStepsOrOfWhatTheyAreGiven) {
  const auto document = resolved();
  EXPECT_THAT(references_of(step_of(document, "part-own")), ElementsAre("part-quality.seen.count"));
  EXPECT_THAT(references_of(step_of(document, "part-given")), ElementsAre("quality.measured.mean"));
  EXPECT_THAT(references_of(step_of(document, "after")), ElementsAre("part-quality.seen.count"));
}

TEST(LateValues, TakeTheirPlace) {
  const auto document =
      resolved({{"formula", {{"quality.measured.mean", {ScalarType::number, {2.25}}}}},
                {"listed",
                 {{"quality.measured.values",
                   {ScalarType::list, {Scalar::List{{int64_t{1}}, {int64_t{4}}}}}}}}});
  const auto& formula = step_of(document, "formula");
  EXPECT_FALSE(formula.waits);
  EXPECT_EQ(min_count_of(formula).integer, 7) << "round(2.25 * 2) + 3, halves to even";
  EXPECT_THAT(references_of(formula), ElementsAre("quality.measured.mean"))
      << "it still has to come after that step";
  const auto& listed = step_of(document, "listed");
  EXPECT_FALSE(listed.waits);
  const auto* const values = listed.over.find("class");
  ASSERT_EQ(values->list.size(), 2u);
  EXPECT_EQ(values->list[1].integer, 4);
  EXPECT_TRUE(step_of(document, "plain").waits);
}

TEST(LateValues, ThatAreAbsentLeaveTheStepWithAReason) {
  const auto document =
      resolved({{"plain", {{"quality.measured.count", {ScalarType::integer, {}}}}}});
  const auto& plain = step_of(document, "plain");
  EXPECT_TRUE(plain.waits);
  EXPECT_THAT(plain.absent, HasSubstr("$quality.measured.count"));
}

TEST(LateValues, AreReadBackAsTheyWere) {
  const LateValues values{{"a.b", {ScalarType::number, {0.1}}},
                          {"a.c", {ScalarType::list, {Scalar::List{{std::string("x")}}}}},
                          {"a.d", {ScalarType::boolean, {}}}};
  const auto back = late_values_from_json(Json::parse(to_json(values).dump()));
  ASSERT_EQ(back.size(), values.size());
  for (const auto& [reference, late] : values) {
    EXPECT_EQ(back.at(reference).type, late.type);
    EXPECT_EQ(back.at(reference).value, late.value);
  }
  EXPECT_THROW(late_values_from_json({{"a", {{"type", "map"}, {"value", 1}}}}), Error);
}

}  // namespace
}  // namespace geoloom::workflow
