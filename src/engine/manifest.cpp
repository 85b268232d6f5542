// SPDX-License-Identifier: Apache-2.0
#include "engine/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "catalog/stac_item.h"
#include "engine/cube_publisher.h"
#include "engine/item_handler.h"
#include "engine/layer_manifest.h"
#include "gdal/class_names.h"
#include "gdal/dataset.h"
#include "gdal/random_access_file.h"
#include "raster/cog.h"

namespace geoloom::engine {
namespace {

std::string folder_of(const workflow::Run& run) {
  return run.record().trial() ? "trials/" + run.record().id + "/" : std::string();
}

// The address of an object as seen from another one: "a.tif" beside it, else by way of the root.
std::string relative_to(const std::string& from, const std::string& name) {
  const auto folder = from.substr(0, from.rfind('/') + 1);
  if (name.starts_with(folder)) return name.substr(folder.size());
  std::string up;
  for (const char c : from)
    if (c == '/') up += "../";
  return up + name;
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
  item.href = relative_to(items_name, output.name);
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

bool holds(const store::Store& store, const std::string& name, const std::string& text) {
  return store.size_of(name) == static_cast<int64_t>(text.size()) &&
         store.get_bytes(name, text.size()) == text;
}

// A run that makes nothing writes nothing.
void put_if_other(store::Store& store, const std::string& text, const std::string& name) {
  if (!holds(store, name, text)) store.put_bytes(text, name);
}

bool begins_with(const store::Store& store, const std::string& name, const std::string& head) {
  const auto size = store.size_of(name);
  if (!size || static_cast<size_t>(*size) < head.size()) return false;
  std::string there(head.size(), '\0');
  const gdal::ByteRange start{0, there.size(), reinterpret_cast<std::byte*>(there.data())};
  gdal::RandomAccessFile::open(store.path_of(name)).read({&start, 1});
  return there == head;
}

void put_layer_manifest(const workflow::Run& run, size_t step, const RunState& state,
                        const std::string& layer, store::Store& store) {
  const auto name = fmt::format("{}layers/{}/layer.json", folder_of(run), layer);
  auto json = layer_head(run, step, state, layer);
  json["items"] = workflow::OrderedJson::array();
  // Its hashes are of all items, so the list is the same where everything before it is.
  const auto without_items = json.dump(1);
  if (begins_with(store, name, without_items.substr(0, without_items.rfind("[]")))) return;
  json["items"] = layer_items(run, step, state, layer);
  store.put_bytes(json.dump(1) + "\n", name);
}

// On one file system a second name is a link, which costs nothing.
void link_file(store::Store& store, const store::Scratch& scratch, const std::string& from,
               const std::string& to) {
  const auto link = scratch.file("copy");
  std::error_code error;
  std::filesystem::create_hard_link(store.path_of(from), link, error);
  if (error) std::filesystem::copy_file(store.path_of(from), link);
  store.put_file(link, to);
}

// A bucket copies all bytes. A note tells the next run of what the copy is one, and its ETag, which
// changes when anything is written in its place; without ETags every run copies.
void copy_object(store::Store& store, const Output& output, const std::string& to,
                 const std::string& note_name) {
  const auto note = [&]() -> std::string {
    const auto status = gdal::file_status(store.path_of(to));
    if (!status || status->etag.empty()) return {};
    return workflow::OrderedJson{
        {"copy", to}, {"of", output.name}, {"sha256", output.sha256}, {"etag", status->etag}}
        .dump(1);
  };
  const auto before = note();
  if (!before.empty() && holds(store, note_name, before)) return;
  gdal::copy_into(store.path_of(output.name), store.path_of(to));
  if (const auto after = note(); !after.empty()) store.put_bytes(after, note_name);
}

// The items of a layer in chunks; empty for other layers.
std::vector<CubeItem> cube_items(const workflow::StepRun& step_run, size_t step,
                                 const RunState& state, const std::string& layer) {
  std::vector<CubeItem> items;
  for (size_t i = 0; i < step_run.items.size(); ++i) {
    const auto* receipt = state.receipt(step, i);
    if (!receipt) continue;
    for (const auto& output : receipt->outputs)
      if (output.layer == layer && output.chunks)
        items.push_back({&step_run.items[i], receipt, &output});
  }
  return items;
}

// A STAC item for a cube tells of all its items.
catalog::OutputItem item_of(const Cube& cube, const std::string& layer,
                            const std::string& items_name) {
  const auto& first = cube.items.front();
  catalog::OutputItem item;
  item.id = cube.name.substr(cube.name.rfind('/') + 1);
  item.layer = layer;
  item.href = relative_to(items_name, cube.name);
  item.media_type = first.output->media_type;
  item.grid = cube.grid;
  item.schema = cube.schema;
  item.period = period_of(cube.schema);
  item.lineage = first.receipt->chain;
  item.software_version = first.receipt->build;
  std::set<std::string> scenes;
  for (const auto& [at, receipt, output] : cube.items) {
    item.created = std::max(item.created, receipt->finished);
    item.cog.bytes += output->bytes;
    scenes.insert(receipt->scenes.begin(), receipt->scenes.end());
  }
  item.derived_from.assign(scenes.begin(), scenes.end());
  return item;
}

std::vector<Published> publish_cubes(const std::vector<CubeItem>& items, const std::string& layer,
                                     const workflow::Run& run, store::Store& store,
                                     TaskPool& requests) {
  const auto folder = folder_of(run);
  const auto items_name = fmt::format("{}layers/{}/items.json", folder, layer);
  std::vector<Published> published;
  std::vector<catalog::OutputItem> described;
  for (const auto& cube : cubes_of(layer, items, run.zones(), folder)) {
    publish_cube(cube, layer, store, requests);
    described.push_back(item_of(cube, layer, items_name));
    published.push_back({layer, store.path_of(items_name), store.path_of(cube.name)});
  }
  put_if_other(store, catalog::write_item_collection(layer, described).dump(1), items_name);
  return published;
}

// Maps of several zones, months ... stand side by side.
std::string part_of(const workflow::Item& item) {
  return item.name == "all" ? std::string() : "_" + item.name;
}

std::string plain_name(const std::string& folder, const Output& output,
                       const workflow::Item& item) {
  return folder + output.layer + part_of(item) + output.name.substr(output.name.rfind('.'));
}

// Names of classes beside a GeoTIFF, as beside the file that it is a copy of.
void put_attributes(const Output& output, store::Store& store, const std::string& copy) {
  if (!output.schema || !copy.ends_with(".tif")) return;
  const auto beside = copy + gdal::kAttributesEnding;
  const auto attributes = raster::attributes_beside(*output.schema);
  if (!attributes.empty())
    put_if_other(store, attributes, beside);
  else if (store.size_of(beside))
    store.remove(beside);  // of a map that was called the same before
}

}  // namespace

std::vector<Published> publish_step(const workflow::Run& run, size_t step, const RunState& state,
                                    store::Store& store, const store::Scratch& scratch,
                                    TaskPool& requests) {
  const auto& step_run = run.steps()[step];
  const auto folder = folder_of(run);
  std::vector<Published> published;
  for (const auto& layer : step_run.step->layers_made) {
    put_layer_manifest(run, step, state, layer, store);
    if (const auto chunked = cube_items(step_run, step, state, layer); !chunked.empty()) {
      const auto cubes = publish_cubes(chunked, layer, run, store, requests);
      published.insert(published.end(), cubes.begin(), cubes.end());
      continue;
    }
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
        const auto& domain = step_run.step->domain;
        if (domain.over_tiles() || domain.over_windows()) continue;
        const auto part = part_of(step_run.items[i]);
        const auto copy = plain_name(folder, output, step_run.items[i]);
        put_attributes(output, store, copy);
        if (store.local())
          link_file(store, scratch, output.name, copy);
        else
          copy_object(store, output, copy,
                      fmt::format("{}layers/{}/copy{}.json", folder, layer, part));
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

std::optional<std::string> layer_address(const workflow::Run& run, size_t step,
                                         const RunState& state, const std::string& layer) {
  const auto& step_run = run.steps()[step];
  const auto folder = folder_of(run);
  const bool one = step_run.items.size() == 1 && !step_run.step->domain.over_tiles() &&
                   !step_run.step->domain.over_windows();
  for (size_t i = 0; i < step_run.items.size(); ++i) {
    const auto* receipt = state.receipt(step, i);
    if (!receipt) continue;
    for (const auto& output : receipt->outputs) {
      if (output.layer != layer) continue;
      const auto list =
          fmt::format("{}layers/{}/{}.json", folder, layer, output.schema ? "items" : "layer");
      return state.store().path_of(
          one && !output.chunks ? plain_name(folder, output, step_run.items[i]) : list);
    }
  }
  return std::nullopt;
}

}  // namespace geoloom::engine
