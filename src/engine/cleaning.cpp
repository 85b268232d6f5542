// SPDX-License-Identifier: Apache-2.0
#include "engine/cleaning.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "engine/receipts.h"
#include "engine/run_state.h"
#include "error/error.h"
#include "gdal/class_names.h"
#include "store/checksum.h"
#include "store/scratch_locks.h"
#include "store/segments.h"
#include "store/transfer.h"

namespace geoloom::engine {
namespace {

constexpr const char* kReceipts = "receipts";
constexpr size_t kLargestList = size_t{1} << 30;

using Files = std::vector<CleaningPlan::File>;

std::map<std::string, store::Object> objects_below(const store::Store& store,
                                                   const std::string& folder) {
  std::map<std::string, store::Object> objects;
  try {
    for (auto& object : store::list_objects(store.path_of(folder) + "/", true))
      objects[folder + "/" + object.name] = std::move(object);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::missing) throw;
  }
  return objects;
}

std::vector<Receipt> receipts_of(const store::Store& store) {
  std::vector<Receipt> receipts;
  for (const auto& payload : store::read_segments(store, kReceipts).payloads) {
    if (auto receipt = receipt_from_text(payload)) receipts.push_back(std::move(*receipt));
  }
  return receipts;
}

// The identities of all items of a run, as far as they are known.
std::set<std::string> fingerprints_of(const workflow::Run& run, const ReceiptBook& book,
                                      const store::Store& store) {
  RunState state(run, store);
  std::set<std::string> known;
  for (const auto& step : survey(run, book, state).fingerprints)
    for (const auto& fingerprint : step)
      if (!fingerprint.empty()) known.insert(fingerprint);
  return known;
}

std::unique_ptr<workflow::Run> opened(const store::Store& store, const std::string& id,
                                      const workflow::Registry& registry) {
  return workflow::Run::open(workflow::read_run_record(store, id), registry);
}

// What decides which receipts go: those of the runs themselves, and those that others need.
struct References {
  std::set<std::string> ours, others;
};

References references(store::Store& store, const workflow::Registry& registry,
                      const std::vector<std::string>& runs) {
  const ReceiptBook book(store);
  References found;
  for (const auto& id : workflow::list_runs(store)) {
    const bool goes = std::find(runs.begin(), runs.end(), id) != runs.end();
    try {
      const auto run = opened(store, id, registry);
      (goes ? found.ours : found.others).merge(fingerprints_of(*run, book, store));
    } catch (const Error& error) {
      // A run that goes may be unreadable: its receipts name it.
      if (goes) continue;
      throw Error(ErrorCode::invalid,
                  fmt::format("run {} cannot be read, so what it refers to is not known", id))
          .cause(error.message())
          .hint(fmt::format("clean that run too: geoloom runs clean {}", id));
    }
  }
  return found;
}

bool says(const store::Store& store, const std::string& name, const std::string& text) {
  const auto size = store.size_of(name);
  return size && store.get_bytes(name, kLargestList).find(text) != std::string::npos;
}

std::string file_name(const std::string& name) {
  return name.substr(name.rfind('/') + 1);
}

// What lists the items of a layer.
void add_lists(const store::Store& store, const std::string& layer,
               std::map<std::string, int64_t>& friendly) {
  for (const char* list : {"items.json", "layer.json"})
    if (const auto size = store.size_of(layer + list)) friendly[layer + list] = *size;
}

// The cubes that hold an item's chunks go as a whole: their other items are still in their layers.
void add_cubes(const store::Store& store, const Output& output,
               const std::map<std::string, store::Object>& objects,
               std::map<std::string, int64_t>& friendly) {
  const auto layer = fmt::format("layers/{}/", output.layer);
  const auto holds = "\"" + chunk_folder(output) + "\"";
  for (auto at = objects.lower_bound(layer); at != objects.end() && at->first.starts_with(layer);
       ++at) {
    const auto& record = at->first;
    if (record.find('/', layer.size()) != std::string::npos || !record.ends_with(".zarr.json"))
      continue;
    if (friendly.contains(record) || !says(store, record, holds)) continue;
    friendly[record] = at->second.bytes;
    const auto cube = record.substr(layer.size(), record.size() - layer.size() - 5);
    for (const auto& [name, object] : objects_below(store, cube)) friendly[name] = object.bytes;
    if (const auto size = store.size_of(layer + "items.json"))
      friendly[layer + "items.json"] = *size;
  }
}

// What stands beside a raster for other programs goes where it goes.
std::string file_of(const std::string& name) {
  return name.ends_with(gdal::kAttributesEnding)
             ? name.substr(0, name.size() - std::string_view(gdal::kAttributesEnding).size())
             : name;
}

// The objects of an output: its file and what is beside it, or all chunks in its folder.
void add_files(const Output& output, const std::map<std::string, store::Object>& objects,
               std::map<std::string, int64_t>& files) {
  const auto prefix = output.chunks ? chunk_folder(output) + "/" : output.name;
  for (auto at = objects.lower_bound(prefix); at != objects.end() && at->first.starts_with(prefix);
       ++at)
    if (output.chunks || file_of(at->first) == output.name) files[at->first] = at->second.bytes;
}

// What is kept as a whole: a file, or the folder of chunks it is in.
std::string unit_of(const std::string& object) {
  const auto name = file_of(object);
  const auto layer = name.find('/', name.find('/') + 1);
  return name.substr(0, name.find('/', layer + 1));
}

// Lists and notes stand beside the items: layers/<layer>/items.json, copy_33N.json ...
bool is_list(const std::string& name) {
  return unit_of(name) == name && name.ends_with(".json");
}

// The friendly names that stand for an output: those that hold it, not those of another run.
void add_friendly(const store::Store& store, const Output& output, const std::string& folder,
                  std::map<std::string, int64_t>& friendly) {
  const auto add = [&](const std::string& name) {
    if (const auto size = store.size_of(name)) friendly[name] = *size;
  };
  const auto layer = fmt::format("{}layers/{}/", folder, output.layer);
  if (!friendly.contains(layer + "layer.json") &&
      says(store, layer + "layer.json", file_name(output.name)))
    add_lists(store, layer, friendly);
  const auto copy = folder + output.layer + output.name.substr(output.name.rfind('.'));
  if (store.size_of(copy) != output.bytes) return;
  const auto note = layer + "copy.json";
  const bool same = store.local() ? store::sha256_hex_of_file(store.path_of(copy)) == output.sha256
                                  : says(store, note, output.sha256);
  if (!same) return;
  add(copy);
  add(copy + gdal::kAttributesEnding);
  add(note);
}

int64_t sum(const Files& files) {
  int64_t bytes = 0;
  for (const auto& file : files) bytes += file.bytes;
  return bytes;
}

void void_receipts(store::Store& store, const std::set<std::string>& fingerprints) {
  if (fingerprints.empty()) return;
  store::compact_segments(store, kReceipts, [&](std::string_view payload) {
    const auto json = workflow::Json::parse(payload, nullptr, false);
    const bool named = json.is_object() && json.contains("fingerprint");
    return !named || !fingerprints.contains(json["fingerprint"].get<std::string>());
  });
  for (const auto& name : store.list(std::string(kReceipts) + "/"))
    if (store.size_of(name) == 0) store.remove(name);
}

}  // namespace

int64_t CleaningPlan::bytes() const {
  return sum(friendly) + sum(files) + sum(records);
}
size_t CleaningPlan::objects() const {
  return friendly.size() + files.size() + records.size();
}

CleaningPlan plan_cleaning(store::Store& store, const workflow::Registry& registry,
                           const std::vector<std::string>& runs) {
  const auto known = workflow::list_runs(store);
  for (const auto& id : runs)
    if (std::find(known.begin(), known.end(), id) == known.end())
      throw Error(ErrorCode::missing, fmt::format("{} holds no run '{}'", store.url(), id))
          .hint("`geoloom runs list` names them");
  CleaningPlan plan{.runs = runs};
  const auto found = references(store, registry, runs);
  const auto objects = objects_below(store, "layers");
  std::map<std::string, int64_t> files, friendly;
  std::set<std::string> kept;
  for (const auto& receipt : receipts_of(store)) {
    const bool ours = found.ours.contains(receipt.fingerprint) ||
                      std::find(runs.begin(), runs.end(), receipt.run) != runs.end();
    const bool goes = ours && !found.others.contains(receipt.fingerprint);
    if (ours && !goes) ++plan.shared_receipts;
    if (goes) plan.fingerprints.insert(receipt.fingerprint);
    for (const auto& output : receipt.outputs) {
      if (!goes) {
        kept.insert(unit_of(output.name));
        continue;
      }
      add_files(output, objects, files);
      if (output.chunks)
        add_cubes(store, output, objects, friendly);
      else
        add_friendly(store, output, "", friendly);
    }
  }
  // With the last run go the lists of layers that had nothing but empty items, too.
  if (runs.size() == known.size())
    for (const auto& [name, object] : objects)
      if (is_list(name)) friendly[name] = object.bytes;
  for (const auto& [name, bytes] : files)
    if (!kept.contains(unit_of(name))) plan.files.push_back({name, bytes});
  for (const auto& [name, bytes] : friendly) plan.friendly.push_back({name, bytes});
  for (const auto& id : runs)
    for (const std::string folder : {"trials/", "runs/"})
      for (const auto& [name, object] : objects_below(store, folder + id))
        plan.records.push_back({name, object.bytes});
  // The record itself is the last to go: while it is there, cleaning can be asked for again.
  std::stable_partition(plan.records.begin(), plan.records.end(),
                        [](const auto& file) { return !file.name.ends_with("/run.json"); });
  return plan;
}

CleaningPlan plan_orphans(store::Store& store, int64_t age_s) {
  std::set<std::string> promised;
  for (const auto& receipt : receipts_of(store))
    for (const auto& output : receipt.outputs) promised.insert(unit_of(output.name));
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  CleaningPlan plan;
  for (const auto& [name, object] : objects_below(store, "layers")) {
    if (is_list(name) || promised.contains(unit_of(name))) continue;
    if (now - object.modified_s >= age_s) plan.files.push_back({name, object.bytes});
  }
  return plan;
}

void carry_out(const CleaningPlan& plan, store::Store& store) {
  if (store.local() && store::scratch_in_use(store::scratch_parent(store)))
    throw Error(ErrorCode::unavailable, "a run works in this store")
        .at({.file = store.url()})
        .hint("wait until it has ended, or stop it, then clean");
  for (const auto& file : plan.friendly) store.remove(file.name);
  void_receipts(store, plan.fingerprints);
  for (const auto& file : plan.files) store.remove(file.name);
  for (const auto& file : plan.records) store.remove(file.name);
  // Making a scratch folder removes those of dead processes.
  if (store.local()) const store::Scratch sweep(store::scratch_parent(store));
}

}  // namespace geoloom::engine
