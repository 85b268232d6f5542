// SPDX-License-Identifier: Apache-2.0
#include "engine/lineage.h"

#include <algorithm>

namespace geoloom::engine {
namespace {

// Notes which items of which layers are asked for: that is what an item reads, and nobody else
// knows it better than who computes its identity.
class RecordingLayers : public workflow::Layers {
 public:
  explicit RecordingLayers(const RunState& state) : state_(state) {}

  const workflow::LayerInfo& info(const std::string& layer) const override {
    return state_.info(layer);
  }
  std::vector<Entry> files(const std::string& layer, const workflow::Item& item) const override {
    auto entries = state_.files(layer, item);
    for (const auto& entry : entries)
      if (entry.file) asked_.emplace_back(layer, entry.item.name);
    return entries;
  }
  std::vector<workflow::LayerFile> files(const std::string& layer, const workflow::Item& item,
                                         const workflow::LayerSelection& selection) const override {
    auto files = state_.files(layer, item, selection);
    for (const auto& file : files) asked_.emplace_back(layer, file.item.name);
    return files;
  }
  const std::vector<std::pair<std::string, std::string>>& asked() const { return asked_; }

 private:
  const RunState& state_;
  mutable std::vector<std::pair<std::string, std::string>> asked_;  // layer, item
};

}  // namespace

Lineage::Lineage(const workflow::Run& run, const RunState& state) : run_(run), state_(state) {
  for (const auto& step : run.steps()) {
    auto& names = items_by_name_.emplace_back();
    for (size_t i = 0; i < step.items.size(); ++i) names.emplace(step.items[i].name, i);
  }
}

std::set<ItemAt> Lineage::inputs(const ItemAt& item) const {
  const auto& step = run_.steps()[item.first];
  std::set<ItemAt> found;
  if (step.step->layers_read.empty()) return found;
  const RecordingLayers layers(state_);
  try {
    if (step.step->is_task())
      (void)step.fingerprint(step.items[item.second], layers);
    else
      (void)step.plan(step.items[item.second], &layers);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::missing) throw;  // what is there was noted
  }
  for (const auto& [layer, name] : layers.asked()) {
    const auto producer = run_.workflow().layer_producer.at(layer);
    const auto at = items_by_name_[producer].find(name);
    if (producer != item.first && at != items_by_name_[producer].end())
      found.insert({producer, at->second});
  }
  return found;
}

std::set<ItemAt> Lineage::ancestors(const ItemAt& item) const {
  std::set<ItemAt> all{item};
  std::vector<ItemAt> open{item};
  while (!open.empty()) {
    const auto next = open.back();
    open.pop_back();
    for (const auto& input : inputs(next))
      if (all.insert(input).second) open.push_back(input);
  }
  return all;
}

std::set<ItemAt> Lineage::descendants(const std::set<ItemAt>& items) const {
  auto all = items;
  // Steps come after those they read.
  for (size_t s = 0; s < run_.steps().size(); ++s) {
    const auto& step = run_.steps()[s];
    const auto touched = [&](size_t input) {
      const auto first = all.lower_bound({input, 0});
      return first != all.end() && first->first == input;
    };
    if (std::none_of(step.step->after.begin(), step.step->after.end(), touched)) continue;
    for (size_t i = 0; i < step.items.size(); ++i) {
      if (state_.receipt(s, i) == nullptr) continue;
      const auto read = inputs({s, i});
      if (std::any_of(read.begin(), read.end(),
                      [&](const ItemAt& input) { return all.contains(input); }))
        all.insert({s, i});
    }
  }
  return all;
}

std::set<ItemAt> Lineage::readers(const std::string& scene) const {
  std::set<ItemAt> found;
  for (size_t s = 0; s < run_.steps().size(); ++s)
    for (size_t i = 0; i < run_.steps()[s].items.size(); ++i) {
      const auto* receipt = state_.receipt(s, i);
      if (receipt != nullptr &&
          std::find(receipt->scenes.begin(), receipt->scenes.end(), scene) != receipt->scenes.end())
        found.insert({s, i});
    }
  return found;
}

std::set<std::string> Lineage::scenes(const std::set<ItemAt>& items) const {
  std::set<std::string> names;
  for (const auto& [s, i] : items) {
    const auto* receipt = state_.receipt(s, i);
    // Of a step that loads layers, the "scenes" are labels of their slices.
    const bool layers_only =
        std::all_of(run_.steps()[s].step->nodes().begin(), run_.steps()[s].step->nodes().end(),
                    [](const workflow::Node& node) {
                      return node.kind() != workflow::OpKind::source || node.source().layer();
                    });
    if (receipt != nullptr && !layers_only)
      names.insert(receipt->scenes.begin(), receipt->scenes.end());
  }
  return names;
}

}  // namespace geoloom::engine
