// SPDX-License-Identifier: Apache-2.0
#include "engine/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "catalog/stac_item.h"
#include "engine/item_handler.h"
#include "gdal/dataset.h"

namespace geoloom::engine {
namespace {

std::string folder_of(const workflow::Run& run) {
  return run.record().trial() ? "trials/" + run.record().id + "/" : std::string();
}

// From the items file back to the root of the store.
std::string root_from(const std::string& name) {
  std::string up;
  for (const char c : name)
    if (c == '/') up += "../";
  return up;
}

std::optional<geo::Period> period_of(const raster::CubeSchema& schema) {
  std::optional<geo::Period> period;
  for (const auto& slice : schema.slices) {
    if (!slice.timed) continue;
    if (!period) period = slice.period;
    period->start = std::min(period->start, slice.period.start);
    period->end = std::max(period->end, slice.period.end);
  }
  return period;
}

catalog::OutputItem item_of(const Receipt& receipt, const Output& output,
                            const std::string& items_name) {
  catalog::OutputItem item;
  item.id = fmt::format("{}-{}", output.layer, receipt.item);
  item.layer = output.layer;
  item.href = root_from(items_name) + output.name;
  item.grid = output.grid;
  item.schema = *output.schema;
  item.cog.bytes = output.bytes;
  item.cog.sha256 = output.sha256;
  item.cog.pixel_hash = output.pixel_hash;
  item.cog.bands = output.bands;
  item.period = period_of(*output.schema);
  item.created = receipt.finished;
  item.lineage = receipt.chain;
  item.software_version = receipt.build;
  item.derived_from = receipt.scenes;
  return item;
}

// Same bytes under a second name. On one file system a link costs nothing; a bucket copies.
void copy_object(store::Store& store, const store::Scratch& scratch, const std::string& from,
                 const std::string& to) {
  if (!store.local()) {
    gdal::copy_into(store.path_of(from), store.path_of(to));
    return;
  }
  const auto link = scratch.file("copy");
  std::error_code error;
  std::filesystem::create_hard_link(store.path_of(from), link, error);
  if (error) std::filesystem::copy_file(store.path_of(from), link);
  store.put_file(link, to);
}

// A run that makes nothing writes nothing.
void put_if_other(store::Store& store, const std::string& text, const std::string& name) {
  if (store.size_of(name) == static_cast<int64_t>(text.size()) &&
      store.get_bytes(name, text.size()) == text)
    return;
  store.put_bytes(text, name);
}

}  // namespace

std::vector<Published> publish_step(const workflow::Run& run, size_t step, const RunState& state,
                                    store::Store& store, const store::Scratch& scratch) {
  const auto& step_run = run.steps()[step];
  const auto folder = folder_of(run);
  std::vector<Published> published;
  for (const auto& layer : step_run.step->layers_made) {
    Published entry;
    entry.layer = layer;
    const auto items_name = fmt::format("{}layers/{}/items.json", folder, layer);
    std::vector<catalog::OutputItem> items;
    for (size_t i = 0; i < step_run.items.size(); ++i) {
      const auto* receipt = state.receipt(step, i);
      if (!receipt) continue;
      for (const auto& output : receipt->outputs) {
        if (output.layer != layer) continue;
        if (output.schema) items.push_back(item_of(*receipt, output, items_name));
        if (step_run.step->domain.over_tiles()) continue;
        const auto extension = output.name.substr(output.name.rfind('.'));
        const auto copy = folder + layer + extension;
        copy_object(store, scratch, output.name, copy);
        entry.map_path = store.path_of(copy);
      }
    }
    if (!items.empty()) {
      put_if_other(store, catalog::write_item_collection(layer, items).dump(1), items_name);
      entry.items_path = store.path_of(items_name);
    }
    published.push_back(std::move(entry));
  }
  return published;
}

}  // namespace geoloom::engine
