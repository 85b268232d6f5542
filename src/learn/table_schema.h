// SPDX-License-Identifier: Apache-2.0
// What the columns of a table of samples are, without its rows: known when a workflow is planned,
// kept in the table, compared when tables are merged and when a model meets features.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom::learn {

inline constexpr int kTableVersion = 1;  // of meta.json in a table file

// What merged tables have instead of one CRS, and instead of one recipe.
inline constexpr const char* kMixedCrs = "mixed";
inline constexpr const char* kMixedRecipes = "mixed";

struct FeatureColumn {
  std::string name;  // "red", "2020-03-15/ndvi"; unique in a table
  std::string unit;  // "1", "dB", "mm"; empty: not known
  // Fingerprint of how it was made (workflow/recipe.h); kMixedRecipes of a table merged of several;
  // empty: not known, as of tables from outside.
  std::string recipe = {};
  bool operator==(const FeatureColumn&) const = default;
};

enum class LabelType {
  none,     // samples without an answer
  classes,  // codes of classes
  number,   // a quantity, for regression
};
std::string_view name(LabelType type);

// The code that a number from outside stands for: whole, and small enough (2^53) for a double to
// hold it exactly; nullopt for other numbers.
std::optional<int64_t> code_of(double value);

struct LabelClass {
  int64_t code = 0;
  std::string name;  // empty: not known
  bool operator==(const LabelClass&) const = default;
};

// A row is one sample: a block of block_height x block_width pixels, or one pixel, point or
// polygon, which is a block of 1 x 1.
struct TableSchema {
  std::vector<FeatureColumn> features;  // in the order of the columns
  size_t block_height = 1, block_width = 1;
  std::string label;  // name of the label's column; empty without labels
  std::string label_unit;
  LabelType label_type = LabelType::none;
  // By rising code. Classes that no row has may be among them; a row of another class may not.
  // Empty where a table comes from outside and nobody has said which there are.
  std::vector<LabelClass> classes;
  // Which further columns there are.
  bool located = false;   // x, y
  bool dated = false;     // date
  bool grouped = false;   // group: samples of one polygon, which a split keeps together
  bool weighted = false;  // weight: pixels that a sample stands for
  bool folded = false;    // fold
  std::string crs;        // of x and y: "EPSG:32633" or WKT; kMixedCrs of several; empty: not known

  size_t block_pixels() const { return block_height * block_width; }
  size_t values_per_row() const { return block_pixels() * features.size(); }
  std::vector<std::string> feature_names() const;
  std::vector<std::string> feature_recipes() const;
  bool operator==(const TableSchema&) const = default;
};

// Throws Error(invalid): no features, a name twice or empty, an empty block, classes that do not
// rise, or classes where the label is none.
void check(const TableSchema& schema);
// Why rows of `other` cannot stand in one table with those of `schema`: a text for people that
// names what differs; empty when they can. Names of classes and columns beside features and label
// may differ.
std::string why_not_mergeable(const TableSchema& schema, const TableSchema& other);
// What a table merged of both is: classes of either; x and y, date, group and weight only where
// both have them, folds never. A feature that was made in two ways has no recipe that fits.
TableSchema merged(const TableSchema& schema, const TableSchema& other);

nlohmann::json to_json(const TableSchema& schema);
// Throws Error(corrupt) where it is none.
TableSchema table_schema_from_json(const nlohmann::json& json);

}  // namespace geoloom::learn
