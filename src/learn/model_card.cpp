// SPDX-License-Identifier: Apache-2.0
#include "learn/model_card.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/error.h"
#include "learn/table_schema.h"
#include "raster/percent_name.h"
#include "store/checksum.h"

namespace geoloom::learn {
namespace {

using Json = nlohmann::json;
using nlohmann::ordered_json;

[[noreturn]] void throw_corrupt(const std::string& file, const std::string& what) {
  throw Error(ErrorCode::corrupt, "this is no model card: " + what).at({.file = file});
}

template <class Value>
Value member(const Json& object, const char* key, Value otherwise, const std::string& file) {
  if (!object.contains(key) || object[key].is_null()) return otherwise;
  try {
    return object[key].get<Value>();
  } catch (const Json::exception&) {
    throw_corrupt(file, fmt::format("'{}' is of another type", key));
  }
}

const Json& list(const Json& object, const char* key, const std::string& file) {
  static const Json kEmpty = Json::array();
  if (!object.contains(key)) return kEmpty;
  if (!object[key].is_array()) throw_corrupt(file, fmt::format("'{}' is no list", key));
  for (const auto& value : object[key])
    if (!value.is_object()) throw_corrupt(file, fmt::format("'{}' is no list of objects", key));
  return object[key];
}

ordered_json features_json(const ModelCard& card) {
  ordered_json features = ordered_json::array();
  for (const auto& feature : card.features) {
    ordered_json one{{"name", feature.name}};
    if (!feature.unit.empty()) one["unit"] = feature.unit;
    if (feature.scale != 1) one["scale"] = feature.scale;
    if (feature.offset != 0) one["offset"] = feature.offset;
    if (!feature.recipe.empty()) one["recipe"] = feature.recipe;
    features.push_back(std::move(one));
  }
  return features;
}

ordered_json classes_json(const ModelCard& card) {
  ordered_json classes = ordered_json::array();
  for (const auto& one : card.classes) {
    ordered_json entry{{"value", one.value}};
    if (!one.name.empty()) entry["name"] = one.name;
    if (!one.colour.empty()) entry["colour"] = one.colour;
    classes.push_back(std::move(entry));
  }
  return classes;
}

// One name per line would be long; commas do for lists that people compare.
std::string listed(std::span<const std::string> names) {
  constexpr size_t kMost = 60;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kMost; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMost) text += fmt::format(" and {} more", names.size() - kMost);
  return text;
}

[[noreturn]] void throw_features(const ModelCard& card, std::span<const std::string> given,
                                 const std::string& what, const std::string& file) {
  const auto wanted = card.feature_names();
  throw Error(ErrorCode::invalid, "the model was trained on other features: " + what)
      .at({.file = file})
      .cause(fmt::format("it wants {}; given are {}", listed(wanted), listed(given)))
      .hint("make the same features, or train the model on these");
}

bool is_named(const ModelCard& card) {
  return std::none_of(card.features.begin(), card.features.end(),
                      [](const auto& feature) { return feature.name.empty(); });
}

void require_count(const ModelCard& card, std::span<const std::string> given,
                   const std::string& file) {
  if (card.features.size() == given.size()) return;
  throw Error(ErrorCode::invalid,
              fmt::format("the model has {} features without names; given are {}: {}",
                          card.features.size(), given.size(), listed(given)))
      .at({.file = file})
      .hint("name the model's features in their order");
}

}  // namespace

std::vector<std::string> ModelCard::feature_names() const {
  std::vector<std::string> names;
  for (const auto& feature : features) names.push_back(feature.name);
  return names;
}

void ModelCard::set_quantiles(const std::vector<double>& shares) {
  quantiles = shares;
  value_names.clear();
  for (const double share : shares) value_names.push_back(raster::percent_name(share));
}

std::string ModelCard::recipe() const {
  std::string all;
  for (const auto& feature : features) {
    if (feature.recipe.empty()) return {};
    all += feature.name + " " + feature.recipe + "\n";
  }
  return all.empty() ? all : store::sha256_hex(all).substr(0, 16);
}

ordered_json to_json(const ModelCard& card) {
  ordered_json result{{"geoloom_model", kModelCardVersion}, {"name", card.name}};
  result["task"] = card.task == Task::classification ? "classification" : "regression";
  const auto add = [&](const char* key, const std::string& text) {
    if (!text.empty()) result[key] = text;
  };
  add("method", card.method);
  add("origin", card.origin);
  result["features"] = features_json(card);
  add("recipe", card.recipe());
  add("label", card.label);
  add("label_unit", card.label_unit);
  if (!card.classes.empty()) result["classes"] = classes_json(card);
  if (!card.value_names.empty()) result["values"] = card.value_names;
  if (!card.quantiles.empty()) result["quantiles"] = card.quantiles;
  if (card.nodata) result["nodata"] = *card.nodata;
  add("fingerprint", card.fingerprint);
  add("run", card.run);
  add("step", card.step);
  add("trained", card.trained);
  add("data_hash", card.data_hash);
  if (card.samples > 0) result["samples"] = card.samples;
  if (!card.bbox.empty()) result["bbox"] = card.bbox;
  add("period_start", card.period_start);
  add("period_end", card.period_end);
  const auto add_json = [&](const char* key, const Json& value) {
    if (!value.empty()) result[key] = value;
  };
  add_json("parameters", card.parameters);
  add_json("metrics", card.metrics);
  add_json("tests", card.tests);
  add_json("sampling_rates", card.sampling_rates);
  add_json("applicability", card.applicability);
  add("model_file", card.model_file);
  add("model_sha256", card.model_sha256);
  return result;
}

ModelCard model_card_from_json(const Json& object, const std::string& file) {
  if (!object.is_object() || !object.contains("geoloom_model"))
    throw_corrupt(file, "'geoloom_model' is missing");
  const auto version = member<int64_t>(object, "geoloom_model", 0, file);
  if (version > kModelCardVersion)
    throw Error(ErrorCode::invalid,
                fmt::format("the model card is of version {}, newer than this program", version))
        .at({.file = file})
        .hint("update the program");
  const auto text = [&](const char* key) { return member<std::string>(object, key, "", file); };
  ModelCard card;
  const auto task = text("task");
  if (task != "classification" && task != "regression")
    throw_corrupt(file, "'task' is '" + task + "'");
  card.task = task == "classification" ? Task::classification : Task::regression;
  card.name = text("name");
  card.method = text("method");
  card.origin = text("origin");
  for (const auto& one : list(object, "features", file))
    card.features.push_back(
        {member<std::string>(one, "name", "", file), member<std::string>(one, "unit", "", file),
         member<double>(one, "scale", 1, file), member<double>(one, "offset", 0, file),
         member<std::string>(one, "recipe", "", file)});
  card.label = text("label");
  card.label_unit = text("label_unit");
  for (const auto& one : list(object, "classes", file))
    card.classes.push_back({member<int64_t>(one, "value", 0, file),
                            member<std::string>(one, "name", "", file),
                            member<std::string>(one, "colour", "", file)});
  card.value_names = member<std::vector<std::string>>(object, "values", {}, file);
  card.quantiles = member<std::vector<double>>(object, "quantiles", {}, file);
  if (!card.quantiles.empty() && card.quantiles.size() != card.value_names.size())
    throw_corrupt(file, "'quantiles' and 'values' differ in number");
  if (object.contains("nodata")) card.nodata = member<double>(object, "nodata", 0, file);
  card.fingerprint = text("fingerprint");
  card.run = text("run");
  card.step = text("step");
  card.trained = text("trained");
  card.data_hash = text("data_hash");
  card.samples = member<uint64_t>(object, "samples", 0, file);
  card.bbox = member<std::vector<double>>(object, "bbox", {}, file);
  if (!card.bbox.empty() && card.bbox.size() != 4)
    throw_corrupt(file, "'bbox' has not four numbers");
  card.period_start = text("period_start");
  card.period_end = text("period_end");
  const auto any = [&](const char* key) {
    return object.contains(key) && object[key].is_object() ? object[key] : Json::object();
  };
  card.parameters = any("parameters");
  card.metrics = any("metrics");
  card.tests = any("tests");
  card.sampling_rates = any("sampling_rates");
  if (object.contains("applicability")) card.applicability = object["applicability"];
  card.model_file = text("model_file");
  card.model_sha256 = text("model_sha256");
  return card;
}

ModelCard card_of(const TreeEnsemble& ensemble) {
  ModelCard card;
  card.task = ensemble.task;
  card.origin = ensemble.origin;
  for (const auto& name : ensemble.features) card.features.push_back({.name = name});
  if (ensemble.task == Task::regression && ensemble.outputs > 1)
    for (size_t i = 0; i < ensemble.outputs; ++i)
      card.value_names.push_back(fmt::format("value_{}", i + 1));
  for (size_t i = 0; i < ensemble.class_values.size(); ++i)
    card.classes.push_back({ensemble.class_values[i],
                            i < ensemble.class_names.size() ? ensemble.class_names[i] : "", ""});
  return card;
}

void require_recipes(const ModelCard& card, std::span<const size_t> places,
                     std::span<const std::string> recipes, const std::string& file) {
  std::vector<std::string> others;
  std::string cause;
  for (size_t f = 0; f < card.features.size() && !recipes.empty(); ++f) {
    const auto& wanted = card.features[f].recipe;
    const auto& given = recipes[places[f]];
    if (wanted.empty() || given.empty() || wanted == given) continue;
    if (others.empty())
      cause = wanted == kMixedRecipes
                  ? "its samples are of features that were made in several ways"
                  : fmt::format("recipe {} in its card, {} here", wanted, given);
    others.push_back(card.features[f].name);
  }
  if (others.empty()) return;
  throw Error(
      ErrorCode::invalid,
      fmt::format("the model was trained on features made in another way: {}", listed(others)))
      .at({.file = file})
      .cause(cause)
      .hint(
          "make them with the ops and parameters of the samples, train the model on these, or "
          "say `recipe: any` where the difference is meant");
}

std::vector<size_t> find_features(const ModelCard& card, std::span<const std::string> given,
                                  const std::string& file) {
  std::vector<size_t> places;
  if (!is_named(card)) {
    require_count(card, given, file);
    for (size_t i = 0; i < given.size(); ++i) places.push_back(i);
    return places;
  }
  for (const auto& feature : card.features) {
    const auto found = std::find(given.begin(), given.end(), feature.name);
    if (found == given.end())
      throw_features(card, given, fmt::format("'{}' is missing", feature.name), file);
    places.push_back(static_cast<size_t>(found - given.begin()));
  }
  return places;
}

}  // namespace geoloom::learn
