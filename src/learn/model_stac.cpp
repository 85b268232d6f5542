// SPDX-License-Identifier: Apache-2.0
// model_stac_item() of model_card.h.
#include <fmt/format.h>

#include "learn/model_card.h"
#include "learn/model_package.h"

namespace geoloom::learn {
namespace {

using nlohmann::ordered_json;

constexpr const char* kMlm = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json";
constexpr const char* kFile = "https://stac-extensions.github.io/file/v2.1.0/schema.json";
constexpr const char* kClassification =
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json";

// A polygon over the samples; null where nobody knows where they are.
ordered_json geometry(const ModelCard& card) {
  if (card.bbox.size() != 4) return nullptr;
  const double w = card.bbox[0], s = card.bbox[1], e = card.bbox[2], n = card.bbox[3];
  ordered_json ring = ordered_json::array();
  for (const auto& [x, y] : {std::pair{w, s}, {e, s}, {e, n}, {w, n}, {w, s}})
    ring.push_back(ordered_json::array({x, y}));
  return {{"type", "Polygon"}, {"coordinates", ordered_json::array({ring})}};
}

ordered_json input(const ModelCard& card) {
  ordered_json bands = ordered_json::array(), scaling = ordered_json::array();
  bool scales = false;
  for (size_t i = 0; i < card.features.size(); ++i) {
    const auto& feature = card.features[i];
    bands.push_back({{"name", feature.name.empty() ? fmt::format("feature_{}", i) : feature.name}});
    scales = scales || feature.scale != 1 || feature.offset != 0;
  }
  const auto count = static_cast<int64_t>(card.features.size());
  ordered_json result{{"name", "features of a pixel"},
                      {"bands", bands},
                      {"input",
                       {{"shape", ordered_json::array({-1, count})},
                        {"dim_order", ordered_json::array({"batch", "bands"})},
                        {"data_type", "float32"}}}};
  if (scales) {
    for (const auto& feature : card.features)
      scaling.push_back({{"type", "processing"},
                         {"format", "gdal-calc"},
                         {"expression", fmt::format("A*{}+{}", feature.scale, feature.offset)}});
    result["value_scaling"] = scaling;
  }
  return result;
}

ordered_json output(const ModelCard& card) {
  const bool classifies = card.task == Task::classification;
  const auto width = static_cast<int64_t>(classifies ? card.classes.size() : 1);
  ordered_json result{
      {"name", classifies ? "probabilities of classes" : "value"},
      {"tasks", ordered_json::array({classifies ? "classification" : "regression"})},
      {"result",
       {{"shape", ordered_json::array({-1, width})},
        {"dim_order", ordered_json::array({"batch", classifies ? "class" : "value"})},
        {"data_type", "float32"}}}};
  if (!classifies) return result;
  ordered_json classes = ordered_json::array();
  for (const auto& one : card.classes) {
    ordered_json entry{{"value", one.value},
                       {"name", one.name.empty() ? fmt::format("class {}", one.value) : one.name}};
    if (one.colour.size() == 7) entry["color_hint"] = one.colour.substr(1);
    classes.push_back(std::move(entry));
  }
  result["classification:classes"] = classes;
  return result;
}

ordered_json properties(const ModelCard& card) {
  ordered_json result;
  const bool spans = !card.period_start.empty() && !card.period_end.empty();
  result["datetime"] = spans                  ? ordered_json(nullptr)
                       : card.trained.empty() ? ordered_json("1970-01-01T00:00:00Z")
                                              : ordered_json(card.trained);
  if (spans) {
    result["start_datetime"] = card.period_start;
    result["end_datetime"] = card.period_end;
  }
  if (!card.trained.empty()) result["created"] = card.trained;
  result["mlm:name"] = card.name;
  result["mlm:architecture"] = card.method.empty() ? "decision trees" : card.method;
  result["mlm:tasks"] =
      ordered_json::array({card.task == Task::classification ? "classification" : "regression"});
  result["mlm:framework"] =
      card.origin.empty() ? "geoloom" : card.origin.substr(0, card.origin.find(' '));
  result["mlm:pretrained"] = true;
  result["mlm:input"] = ordered_json::array({input(card)});
  result["mlm:output"] = ordered_json::array({output(card)});
  if (!card.parameters.empty()) result["mlm:hyperparameters"] = card.parameters;
  if (!card.metrics.empty()) result["geoloom:metrics"] = card.metrics;
  if (const auto recipe = card.recipe(); !recipe.empty()) result["geoloom:recipe"] = recipe;
  if (!card.data_hash.empty()) result["geoloom:data_hash"] = card.data_hash;
  if (!card.fingerprint.empty()) result["geoloom:fingerprint"] = card.fingerprint;
  if (!card.run.empty()) result["geoloom:run"] = card.run;
  return result;
}

}  // namespace

ordered_json model_stac_item(const ModelCard& card, const std::string& href, uint64_t bytes,
                             const std::string& sha256) {
  ordered_json item{{"type", "Feature"},
                    {"stac_version", "1.1.0"},
                    {"stac_extensions", ordered_json::array({kMlm, kFile, kClassification})},
                    {"id", card.name},
                    {"geometry", geometry(card)}};
  if (card.bbox.size() == 4) item["bbox"] = card.bbox;
  item["properties"] = properties(card);
  item["links"] = ordered_json::array();
  // "1220" says that what follows is a SHA-256 of 32 bytes.
  item["assets"]["model"] = {{"href", href},
                             {"type", kModelMediaType},
                             {"title", "Model and card"},
                             {"roles", ordered_json::array({"mlm:model", "data"})},
                             {"mlm:artifact_type", "geoloom package"},
                             {"file:size", bytes},
                             {"file:checksum", "1220" + sha256}};
  return item;
}

}  // namespace geoloom::learn
