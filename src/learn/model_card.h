// SPDX-License-Identifier: Apache-2.0
// What is known of a model beside its numbers: what it was trained on, which features it wants and
// in which order, what its classes are, how good it is. A card travels with its model, in a package
// (model_package.h) and as a STAC item; files of other libraries have none, and get one that says
// what the file itself tells.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "learn/tree_ensemble.h"

namespace geoloom::learn {

inline constexpr int kModelCardVersion = 1;

// The model is given value * scale + offset, value in the unit of the feature.
struct ModelFeature {
  std::string name;  // "" in files that do not name features
  std::string unit;
  double scale = 1;
  double offset = 0;
  // Fingerprint of how it was made (workflow/recipe.h); empty: not known, as of models and tables
  // from outside.
  std::string recipe = {};
  bool operator==(const ModelFeature&) const = default;
};

struct ModelClass {
  int64_t value = 0;
  std::string name;
  std::string colour;  // "#rrggbb", or empty
  bool operator==(const ModelClass&) const = default;
};

struct ModelCard {
  std::string name;
  Task task = Task::regression;
  std::string method;                  // "random forest", "LightGBM", ...: for people
  std::string origin;                  // format and version of the model file
  std::vector<ModelFeature> features;  // in the order of the model's columns
  std::string label;
  std::string label_unit;
  std::vector<ModelClass> classes;  // in the order of probabilities; empty for a regression
  // Of a regression with several outputs (quantiles): their names; empty for one output.
  std::vector<std::string> value_names;
  std::vector<double> quantiles;  // which they are, rising; empty where that is not known
  std::optional<double> nodata;   // of predictions, where the user has fixed one

  // Of the training: the receipt with it tells run, step and time. Files name no runs, so that the
  // same training gives the same bytes wherever and whenever it is carried out.
  std::string fingerprint;
  // What that receipt tells; of a card in a file empty.
  std::string run, step;
  std::string trained;    // RFC 3339
  std::string data_hash;  // of the table
  uint64_t samples = 0;
  std::vector<double> bbox;  // west, south, east, north of the samples; empty: not known
  std::string period_start, period_end;  // of the samples' pixels, RFC 3339; empty: not known
  nlohmann::json parameters = nlohmann::json::object();  // of the training
  // By kind of evaluation ("random cross-validation", "spatial cross-validation"), then by metric:
  // kinds are never mixed.
  nlohmann::json metrics = nlohmann::json::object();
  nlohmann::json tests = nlohmann::json::object();  // by kind too: how the rows were held back
  nlohmann::json sampling_rates = nlohmann::json::object();  // by class; empty: not known
  nlohmann::json applicability;  // area of applicability; null: not known

  std::string model_file;    // member of the package, or the bare file's name
  std::string model_sha256;  // of it

  // And names the values after them.
  void set_quantiles(const std::vector<double>& shares);
  std::vector<std::string> feature_names() const;
  // Of all features and their order; empty where that of one is not known.
  std::string recipe() const;
};

nlohmann::ordered_json to_json(const ModelCard& card);
// Throws Error(corrupt) for what is no card and Error(invalid) for a newer version.
ModelCard model_card_from_json(const nlohmann::json& json, const std::string& file);

// What an ensemble tells of itself: for bare files.
ModelCard card_of(const TreeEnsemble& ensemble);

// Where each of the card's features stands among `given`, which may be in another order and have
// more. Throws Error(invalid) with both lists for missing ones. Cards without names want as many
// features, in the order given.
std::vector<size_t> find_features(const ModelCard& card, std::span<const std::string> given,
                                  const std::string& file);
// Throws Error(invalid) with the features that were made in another way than those that the model
// was trained on. `places` is what find_features() gave, `recipes` are those of what was given; a
// recipe that either side does not know is not compared.
void require_recipes(const ModelCard& card, std::span<const size_t> places,
                     std::span<const std::string> recipes, const std::string& file);

// The card as a STAC item with the MLM extension (stac-extensions/mlm 1.4), whose asset "model" is
// at `href`.
nlohmann::ordered_json model_stac_item(const ModelCard& card, const std::string& href,
                                       uint64_t bytes, const std::string& sha256);

}  // namespace geoloom::learn
