// SPDX-License-Identifier: Apache-2.0
#include "engine/layer_manifest.h"

#include <algorithm>

#include "engine/item_handler.h"
#include "store/checksum.h"
#include "workflow/schema_json.h"

namespace geoloom::engine {
namespace {

using workflow::Json;
using workflow::OrderedJson;

const Output* output_of(const Receipt* receipt, const std::string& layer) {
  if (receipt == nullptr) return nullptr;
  const auto found = std::find_if(receipt->outputs.begin(), receipt->outputs.end(),
                                  [&](const Output& output) { return output.layer == layer; });
  return found == receipt->outputs.end() ? nullptr : &*found;
}

const char* state_of(const Receipt* receipt, const Output* output) {
  if (receipt == nullptr) return "missing";
  return output == nullptr ? "empty" : "done";
}

OrderedJson item_json(const workflow::Item& item, const workflow::Zone& zone,
                      const Receipt* receipt, const Output* output) {
  const auto& window = item.window;
  OrderedJson json{{"item", item.name},
                   {"zone", zone.name},
                   {"window", {window.x, window.y, window.width, window.height}},
                   {"state", state_of(receipt, output)}};
  if (receipt != nullptr) json["fingerprint"] = receipt->fingerprint;
  if (output == nullptr) return json;
  json["file"] = output->name;
  json["bytes"] = output->bytes;
  json["sha256"] = output->sha256;
  json["pixel_hash"] = output->pixel_hash;
  if (!output->schema) return json;
  json["slices"] = OrderedJson::array();
  for (const auto& slice : output->schema->slices) json["slices"].push_back(slice.label);
  return json;
}

}  // namespace

OrderedJson layer_head(const workflow::Run& run, size_t step, const RunState& state,
                       const std::string& layer) {
  const auto& step_run = run.steps()[step];
  auto zones = OrderedJson::array(), bands = OrderedJson::array();
  for (const auto& zone : run.zones())
    zones.push_back({{"zone", zone.name}, {"grid", workflow::grid_to_json(zone.grid)}});
  std::string media_type;
  store::Sha256 hash, files_hash;
  for (size_t i = 0; i < step_run.items.size(); ++i) {
    const auto& item = step_run.items[i];
    const auto* receipt = state.receipt(step, i);
    const auto* output = output_of(receipt, layer);
    const std::string line = item.name + " " + state_of(receipt, output) + " " +
                             (receipt == nullptr ? "-" : receipt->fingerprint) + " " +
                             (output == nullptr ? "-" : output->pixel_hash) + "\n";
    hash.add(line.data(), line.size());
    if (output == nullptr) continue;
    const std::string file = output->name + " " + output->sha256 + "\n";
    files_hash.add(file.data(), file.size());
    if (!media_type.empty()) continue;
    media_type = output->media_type;
    if (output->schema) bands = workflow::schema_to_json(*output->schema).at("bands");
  }
  return {{"geoloom_layer", kLayerManifestVersion},
          {"layer", layer},
          {"step", step_run.step->name},
          {"run", run.record().id},
          {"build", build_identity()},
          {"domain", step_run.step->domain.text()},
          {"media_type", media_type},
          {"bands", bands},
          {"zones", zones},
          {"items_hash", hash.hex()},
          {"files_hash", files_hash.hex()}};
}

OrderedJson layer_items(const workflow::Run& run, size_t step, const RunState& state,
                        const std::string& layer) {
  const auto& step_run = run.steps()[step];
  auto items = OrderedJson::array();
  for (size_t i = 0; i < step_run.items.size(); ++i) {
    const auto& item = step_run.items[i];
    const auto* receipt = state.receipt(step, i);
    items.push_back(item_json(item, run.zones()[item.zone], receipt, output_of(receipt, layer)));
  }
  return items;
}

}  // namespace geoloom::engine
