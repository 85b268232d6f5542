// SPDX-License-Identifier: Apache-2.0
#include "learn/table_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "error/error.h"

namespace geoloom::learn {
namespace {

using Json = nlohmann::json;

constexpr std::array kLabelTypes{LabelType::none, LabelType::classes, LabelType::number};
// Far above any block that makes sense, far below what overflows.
constexpr size_t kMostBlockSide = 1 << 15;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid, "the table is not one: " + what);
}

LabelType label_type_of(const std::string& text) {
  for (const auto type : kLabelTypes)
    if (name(type) == text) return type;
  throw Error(ErrorCode::corrupt, fmt::format("'{}' is no type of labels", text));
}

void check_features(const TableSchema& schema) {
  if (schema.features.empty()) refuse("it has no features");
  std::set<std::string> names;
  for (const auto& feature : schema.features) {
    if (feature.name.empty()) refuse("a feature has no name");
    if (!names.insert(feature.name).second)
      refuse(fmt::format("two features are called '{}'", feature.name));
  }
}

// The first difference of two lists of features, for people.
std::string difference(const std::vector<FeatureColumn>& ours,
                       const std::vector<FeatureColumn>& theirs) {
  if (ours.size() != theirs.size())
    return fmt::format("it has {} features instead of {}", theirs.size(), ours.size());
  for (size_t i = 0; i < ours.size(); ++i)
    if (ours[i].name != theirs[i].name)
      return fmt::format("its feature {} is '{}' instead of '{}'", i + 1, theirs[i].name,
                         ours[i].name);
  return "";
}

std::vector<LabelClass> united(const std::vector<LabelClass>& ours,
                               const std::vector<LabelClass>& theirs) {
  std::map<int64_t, std::string> names;
  for (const auto* classes : {&ours, &theirs})
    for (const auto& [code, class_name] : *classes) {
      auto& kept = names[code];
      if (kept.empty()) kept = class_name;
    }
  std::vector<LabelClass> all;
  for (const auto& [code, class_name] : names) all.push_back({code, class_name});
  return all;
}

}  // namespace

std::optional<int64_t> code_of(double value) {
  if (!(std::fabs(value) < 0x1p53) || std::trunc(value) != value) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::string_view name(LabelType type) {
  switch (type) {
    case LabelType::none:
      return "none";
    case LabelType::classes:
      return "classes";
    case LabelType::number:
      return "number";
  }
  return "none";
}

std::vector<std::string> TableSchema::feature_recipes() const {
  std::vector<std::string> recipes;
  for (const auto& feature : features) recipes.push_back(feature.recipe);
  return recipes;
}

std::vector<std::string> TableSchema::feature_names() const {
  std::vector<std::string> names;
  for (const auto& feature : features) names.push_back(feature.name);
  return names;
}

void check(const TableSchema& schema) {
  check_features(schema);
  for (const size_t side : {schema.block_height, schema.block_width})
    if (side == 0 || side > kMostBlockSide)
      refuse(fmt::format("blocks of {} x {} pixels", schema.block_height, schema.block_width));
  if (schema.label_type != LabelType::classes && !schema.classes.empty())
    refuse("it lists classes and its labels are none");
  const auto& classes = schema.classes;
  if (!std::is_sorted(classes.begin(), classes.end(),
                      [](const auto& a, const auto& b) { return a.code <= b.code; }))
    refuse("its classes do not rise");
}

std::string why_not_mergeable(const TableSchema& schema, const TableSchema& other) {
  if (const auto why = difference(schema.features, other.features); !why.empty()) return why;
  if (schema.block_height != other.block_height || schema.block_width != other.block_width)
    return fmt::format("its samples have {} x {} pixels instead of {} x {}", other.block_height,
                       other.block_width, schema.block_height, schema.block_width);
  if (schema.label_type != other.label_type)
    return fmt::format("its labels are of the type '{}' instead of '{}'", name(other.label_type),
                       name(schema.label_type));
  if (schema.label != other.label)
    return fmt::format("its label is '{}' instead of '{}'", other.label, schema.label);
  return "";
}

TableSchema merged(const TableSchema& schema, const TableSchema& other) {
  auto both = schema;
  both.classes = united(schema.classes, other.classes);
  for (size_t f = 0; f < both.features.size() && f < other.features.size(); ++f)
    if (both.features[f].recipe != other.features[f].recipe)
      both.features[f].recipe = kMixedRecipes;
  both.located = schema.located && other.located;
  both.dated = schema.dated && other.dated;
  both.grouped = schema.grouped && other.grouped;
  both.weighted = schema.weighted && other.weighted;
  both.folded = false;
  if (!both.located || schema.crs != other.crs) both.crs = both.located ? kMixedCrs : "";
  return both;
}

Json to_json(const TableSchema& schema) {
  Json features = Json::array(), classes = Json::array();
  for (const auto& feature : schema.features)
    features.push_back(
        {{"name", feature.name}, {"unit", feature.unit}, {"recipe", feature.recipe}});
  for (const auto& [code, class_name] : schema.classes)
    classes.push_back({{"code", code}, {"name", class_name}});
  return {{"features", features},
          {"block", {schema.block_height, schema.block_width}},
          {"label",
           {{"name", schema.label},
            {"type", name(schema.label_type)},
            {"unit", schema.label_unit},
            {"classes", classes}}},
          {"located", schema.located},
          {"dated", schema.dated},
          {"grouped", schema.grouped},
          {"weighted", schema.weighted},
          {"folded", schema.folded},
          {"crs", schema.crs}};
}

TableSchema table_schema_from_json(const Json& json) try {
  TableSchema schema;
  for (const auto& feature : json.at("features"))
    schema.features.push_back(
        {feature.at("name"), feature.at("unit"), feature.value("recipe", "")});
  const auto& block = json.at("block");
  schema.block_height = block.at(0);
  schema.block_width = block.at(1);
  const auto& label = json.at("label");
  schema.label = label.at("name");
  schema.label_type = label_type_of(label.at("type"));
  schema.label_unit = label.at("unit");
  for (const auto& one : label.at("classes"))
    schema.classes.push_back({one.at("code"), one.at("name")});
  schema.located = json.at("located");
  schema.dated = json.at("dated");
  schema.grouped = json.at("grouped");
  schema.weighted = json.at("weighted");
  schema.folded = json.at("folded");
  schema.crs = json.at("crs");
  check(schema);
  return schema;
} catch (const Json::exception& error) {
  throw Error(ErrorCode::corrupt, "the description of the table is damaged").cause(error.what());
} catch (const Error& error) {
  throw Error(ErrorCode::corrupt, error.message());
}

}  // namespace geoloom::learn
