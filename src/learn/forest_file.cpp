// SPDX-License-Identifier: Apache-2.0
#include "learn/forest_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "learn/safetensors.h"

namespace geoloom::learn {
namespace {

using OrderedJson = nlohmann::ordered_json;

struct Arrays {
  std::vector<int32_t> feature, left, right, leaf;
  std::vector<double> threshold;
  std::vector<int64_t> tree_nodes;
};

nlohmann::json model_of(const ArrayFileReader& reader) {
  if (reader.metadata("geoloom_forest") != std::to_string(kForestFileVersion))
    reader.refuse("it is of another version");
  auto model = nlohmann::json::parse(reader.metadata("model"), nullptr, false);
  if (!model.is_object()) reader.refuse("what it says of its model is no JSON");
  return model;
}

template <class T>
std::vector<T> list_of(const ArrayFileReader& reader, const nlohmann::json& model, const char* key,
                       bool (nlohmann::json::*is)() const noexcept) {
  const auto found = model.find(key);
  if (found == model.end() || !found->is_array()) reader.refuse(fmt::format("it lacks '{}'", key));
  std::vector<T> values;
  for (const auto& value : *found) {
    if (!(value.*is)()) reader.refuse(fmt::format("'{}' holds another type", key));
    values.push_back(value.template get<T>());
  }
  return values;
}

void read_trees(const ArrayFileReader& reader, TreeEnsemble& ensemble) {
  Arrays a{reader.array<int32_t>("feature"),  reader.array<int32_t>("left"),
           reader.array<int32_t>("right"),    reader.array<int32_t>("leaf"),
           reader.array<double>("threshold"), reader.array<int64_t>("tree_nodes")};
  const size_t nodes = a.feature.size();
  if (a.left.size() != nodes || a.right.size() != nodes || a.leaf.size() != nodes ||
      a.threshold.size() != nodes)
    reader.refuse("its arrays of nodes differ in length");
  size_t at = 0;
  for (const int64_t count : a.tree_nodes) {
    if (count < 1 || static_cast<uint64_t>(count) > nodes - at)
      reader.refuse("its trees have other numbers of nodes than its arrays");
    auto& tree = ensemble.trees.emplace_back();
    tree.nodes.resize(static_cast<size_t>(count));
    for (auto& node : tree.nodes) {
      node = {.feature = a.feature[at],
              .left = a.left[at],
              .right = a.right[at],
              .leaf = a.leaf[at],
              .threshold = a.threshold[at]};
      ++at;
    }
  }
  if (at != nodes || ensemble.trees.empty())
    reader.refuse("its trees have other numbers of nodes than its arrays");
}

}  // namespace

std::string forest_file_bytes(const TreeEnsemble& ensemble) {
  Arrays a;
  for (const auto& tree : ensemble.trees) {
    a.tree_nodes.push_back(static_cast<int64_t>(tree.nodes.size()));
    for (const auto& node : tree.nodes) {
      a.feature.push_back(node.feature);
      a.left.push_back(node.left);
      a.right.push_back(node.right);
      a.leaf.push_back(node.leaf);
      a.threshold.push_back(node.threshold);
    }
  }
  const OrderedJson model{
      {"task", ensemble.task == Task::classification ? "classification" : "regression"},
      {"outputs", ensemble.outputs},
      {"features", ensemble.features},
      {"class_values", ensemble.class_values},
      {"class_names", ensemble.class_names}};
  ArrayFileWriter writer;
  const size_t nodes = a.feature.size();
  // Wide types first, so that all are aligned.
  writer.add("leaf_values", std::span(std::as_const(ensemble.leaf_values)),
             {ensemble.leaf_rows(), ensemble.leaf_width});
  writer.add("threshold", std::span(std::as_const(a.threshold)), {nodes});
  writer.add("tree_nodes", std::span(std::as_const(a.tree_nodes)), {a.tree_nodes.size()});
  writer.add("feature", std::span(std::as_const(a.feature)), {nodes});
  writer.add("left", std::span(std::as_const(a.left)), {nodes});
  writer.add("right", std::span(std::as_const(a.right)), {nodes});
  writer.add("leaf", std::span(std::as_const(a.leaf)), {nodes});
  return writer.bytes(
      {{"geoloom_forest", std::to_string(kForestFileVersion)}, {"model", model.dump()}});
}

TreeEnsemble read_forest_file(std::string_view bytes, const std::string& file) {
  const ArrayFileReader reader(bytes, "forest of Geoloom", file);
  const auto model = model_of(reader);
  TreeEnsemble ensemble;
  const auto task = model.value("task", nlohmann::json());
  if (task != "classification" && task != "regression") reader.refuse("its task is unknown");
  const auto outputs = model.value("outputs", nlohmann::json());
  if (!outputs.is_number_unsigned() || outputs == 0 || outputs > 4096)
    reader.refuse("its number of outputs is out of range");
  ensemble.task = task == "classification" ? Task::classification : Task::regression;
  ensemble.outputs = ensemble.leaf_width = outputs.get<size_t>();
  ensemble.features = list_of<std::string>(reader, model, "features", &nlohmann::json::is_string);
  ensemble.class_names =
      list_of<std::string>(reader, model, "class_names", &nlohmann::json::is_string);
  ensemble.class_values =
      list_of<int64_t>(reader, model, "class_values", &nlohmann::json::is_number_integer);
  ensemble.leaf_values = reader.array<double>("leaf_values");
  if (ensemble.leaf_values.size() % ensemble.leaf_width != 0)
    reader.refuse("its leaves have other numbers of values than outputs");
  read_trees(reader, ensemble);
  ensemble.divisor = static_cast<double>(ensemble.trees.size());
  ensemble.link = ensemble.task == Task::classification ? Link::class_distribution : Link::identity;
  ensemble.origin = "geoloom forest";
  validate(ensemble, file);
  return ensemble;
}

}  // namespace geoloom::learn
