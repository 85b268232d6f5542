// SPDX-License-Identifier: Apache-2.0
#include "learn/sample_table.h"

#include <gtest/gtest.h>

#include <cmath>

#include "error/error.h"

namespace geoloom::learn {
namespace {

TableSchema crops() {
  TableSchema schema;
  schema.features = {{"red", "1"}, {"nir", "1"}};
  schema.label = "crop";
  schema.label_type = LabelType::classes;
  schema.classes = {{1, "wheat"}, {3, "maize"}};
  schema.located = true;
  schema.crs = "EPSG:32633";
  return schema;
}

std::string refusal_of(const TableSchema& schema) {
  try {
    check(schema);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(TableSchema, SurvivesJson) {
  const auto schema = crops();
  EXPECT_EQ(table_schema_from_json(to_json(schema)), schema);
  auto damaged = to_json(schema);
  damaged["block"] = {0, 1};
  EXPECT_THROW(table_schema_from_json(damaged), Error);
  damaged = to_json(schema);
  damaged.erase("label");
  EXPECT_THROW(table_schema_from_json(damaged), Error);
}

TEST(TableSchema, RefusesWhatIsNone) {
  auto schema = crops();
  EXPECT_EQ(refusal_of(schema), "");
  schema.features[1].name = "red";
  EXPECT_EQ(refusal_of(schema), "the table is not one: two features are called 'red'");
  schema = crops();
  std::swap(schema.classes[0], schema.classes[1]);
  EXPECT_EQ(refusal_of(schema), "the table is not one: its classes do not rise");
  schema = crops();
  schema.classes[1] = schema.classes[0];
  EXPECT_EQ(refusal_of(schema), "the table is not one: its classes do not rise");
  schema = crops();
  schema.features.clear();
  EXPECT_EQ(refusal_of(schema), "the table is not one: it has no features");
}

TEST(TableSchema, MergesWhatFits) {
  const auto schema = crops();
  auto other = crops();
  other.classes = {{2, "rape"}};
  other.located = false;
  EXPECT_EQ(why_not_mergeable(schema, other), "");
  const auto both = merged(schema, other);
  EXPECT_EQ(both.classes, (std::vector<LabelClass>{{1, "wheat"}, {2, "rape"}, {3, "maize"}}));
  EXPECT_FALSE(both.located);
  EXPECT_EQ(both.crs, "");
  std::swap(other.features[0], other.features[1]);
  EXPECT_EQ(why_not_mergeable(schema, other), "its feature 1 is 'nir' instead of 'red'");
}

TEST(SampleTable, ChecksLengthsItemsAndClasses) {
  auto table = empty_table(crops(), 2);
  table.items = {"a"};
  table.class_labels = {1, kNoClass};
  EXPECT_NO_THROW(check(table));
  table.class_labels[1] = 2;
  EXPECT_THROW(check(table), Error);
  table.class_labels[1] = 3;
  table.item[1] = 1;
  EXPECT_THROW(check(table), Error);
  table.item[1] = 0;
  table.x.pop_back();
  EXPECT_THROW(check(table), Error);
}

TEST(SampleTable, TakesRows) {
  auto table = empty_table(crops(), 3);
  table.items = {"a", "b"};
  table.features = {1, 2, 3, 4, 5, 6};
  table.class_labels = {1, 3, kNoClass};
  table.item = {0, 1, 1};
  const auto part = rows_of(table, {2, 0});
  EXPECT_EQ(part.features, (std::vector<float>{5, 6, 1, 2}));
  EXPECT_EQ(part.class_labels, (std::vector<int64_t>{kNoClass, 1}));
  EXPECT_EQ(part.item, (std::vector<uint32_t>{1, 0}));
  EXPECT_EQ(codes_in(table), (std::vector<int64_t>{1, 3}));
  EXPECT_NO_THROW(check(part));
}

TEST(SamplingRecord, AddsRatesAndCorrectsPriors) {
  SamplingRecord record{7, "classes", {{0, 900, 100}, {1, 100, 100}}, geo::Period{10, 20}};
  const auto weights = prior_weights(record);
  EXPECT_DOUBLE_EQ(weights[0], 1.8);
  EXPECT_DOUBLE_EQ(weights[1], 0.2);
  const auto corrected = prior_corrected(record, {0.5, 0.5});
  EXPECT_DOUBLE_EQ(corrected[0], 0.9);
  EXPECT_THROW(prior_corrected(record, {1.0}), Error);
  add_rates(record, {7, "classes", {{1, 50, 0}, {2, 5, 5}}, geo::Period{5, 12}});
  EXPECT_EQ(record.period, (geo::Period{5, 20}));
  EXPECT_EQ(record.rates, (std::vector<ClassRate>{{0, 900, 100}, {1, 150, 100}, {2, 5, 5}}));
  EXPECT_EQ(record.method, "classes");
  add_rates(record, {7, "classes", {}, std::nullopt});
  EXPECT_EQ(record.period, std::nullopt);
}

TEST(CodeOf, TakesWholeNumbersThatADoubleHolds) {
  EXPECT_EQ(code_of(3), 3);
  EXPECT_EQ(code_of(-2), -2);
  EXPECT_EQ(code_of(0x1p53 - 1), 9007199254740991);
  for (const double none : {0.5, 0x1p53, -0x1p60, 1e300, HUGE_VAL, std::nan("")})
    EXPECT_EQ(code_of(none), std::nullopt) << none;
}

}  // namespace
}  // namespace geoloom::learn
