// SPDX-License-Identifier: Apache-2.0
// Tables and models as layers of a workflow that is not there, for tests of ops of learning.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "learn/model_card.h"
#include "learn/sample_table.h"
#include "learn/table_file.h"
#include "learn/training_test.h"
#include "ops/op_test.h"

namespace geoloom::ops {

// Two classes, 10 "crop" and 20 "other", of samples on a line.
inline learn::SampleTable made_table(size_t rows, uint64_t seed) {
  const auto made = learn::made_classes(rows, 4, 2, seed);
  learn::TableSchema schema;
  for (const char* name : {"red", "nir", "ndvi", "slope"}) schema.features.push_back({name, "1"});
  schema.label = "class";
  schema.label_type = learn::LabelType::classes;
  schema.classes = {{10, "crop"}, {20, "other"}};
  schema.located = true;
  schema.crs = "EPSG:32635";
  auto table = learn::empty_table(schema, rows);
  table.features = made.features;
  table.items = {"tile"};
  for (size_t row = 0; row < rows; ++row) {
    table.class_labels[row] = made.classes[row] == 0 ? 10 : 20;
    table.x[row] = 500'000 + static_cast<double>(row);
    table.y[row] = 5'000'000;
  }
  return table;
}

class StagedLayers : public workflow::Layers {
 public:
  const workflow::LayerInfo& info(const std::string& layer) const override {
    return infos.at(layer);
  }
  std::vector<Entry> files(const std::string& layer, const workflow::Item&) const override {
    return entries.at(layer);
  }
  std::vector<workflow::LayerFile> files(const std::string&, const workflow::Item&,
                                         const workflow::LayerSelection&) const override {
    throw Error(ErrorCode::internal, "not staged");
  }

  std::map<std::string, workflow::LayerInfo> infos;
  std::map<std::string, std::vector<Entry>> entries;
};

class LearningStage {
 public:
  // A further file of the layer, where there is one.
  void add_table(const std::string& layer, const learn::SampleTable& table) {
    const auto path = folder / (layer + std::to_string(count_++) + ".npz");
    learn::write_table(path, table);
    auto& info = added(layer, workflow::LayerKind::table, path);
    info.table = std::make_shared<learn::TableSchema>(table.schema);
  }
  void add_model(const std::string& layer, const workflow::Product& product,
                 std::shared_ptr<const learn::ModelCard> card) {
    added(layer, workflow::LayerKind::model, product.scratch_path).model = std::move(card);
  }
  workflow::TaskContext context() {
    workflow::TaskContext context;
    context.layers = &layers;
    context.scratch_folder = folder.path();
    context.memory_bytes = size_t{512} << 20;
    return context;
  }

  TestFolder folder;
  StagedLayers layers;

 private:
  workflow::LayerInfo& added(const std::string& layer, workflow::LayerKind kind,
                             const std::string& path) {
    workflow::LayerFile file;
    file.path = path;
    layers.entries[layer].push_back({{}, file});
    auto& info = layers.infos[layer];
    info.name = layer;
    info.kind = kind;
    return info;
  }

  size_t count_ = 0;
};

}  // namespace geoloom::ops
