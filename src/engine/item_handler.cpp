// SPDX-License-Identifier: Apache-2.0
#include "engine/item_handler.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "engine/gather.h"
#include "engine/receipt_age.h"
#include "gdal/class_names.h"
#include "raster/cog.h"
#include "store/checksum.h"
#include "workflow/item_task.h"

namespace geoloom::engine {
namespace {

using workflow::Dropped;

constexpr size_t kMostScenesInFile = 2000;

// Layers as a task sees them: those with receipts, and those it made a moment ago. With
// `gaps_are_empty` items without receipt are like those that had nothing to do.
class AttemptLayers : public workflow::Layers {
 public:
  AttemptLayers(const workflow::Layers& base, bool gaps_are_empty)
      : base_(base), gaps_are_empty_(gaps_are_empty) {}
  void add(const workflow::Product& product, const workflow::Item& item) {
    workflow::LayerFile file;
    file.item = item;
    file.path = product.scratch_path;
    const auto& summary = product.summary;
    file.bytes = summary.bytes;
    file.pixel_hash = summary.pixel_hash.empty() ? summary.sha256 : summary.pixel_hash;
    if (product.schema) file.schema = *product.schema;
    file.metrics = product.metrics;
    file.grid = product.grid;
    made_.push_back({product.layer, file});
  }
  const workflow::LayerInfo& info(const std::string& layer) const override {
    return base_.info(layer);
  }
  std::vector<Entry> files(const std::string& layer, const workflow::Item& item) const override {
    for (const auto& [name, file] : made_)
      if (name == layer) return {{file.item, file}};
    auto entries = base_.files(layer, item);
    for (auto& entry : entries)
      if (gaps_are_empty_ && !entry.file) entry.file = empty_file(entry.item);
    return entries;
  }
  std::vector<workflow::LayerFile> files(const std::string& layer, const workflow::Item& item,
                                         const workflow::LayerSelection& selection) const override {
    for (const auto& [name, file] : made_)
      if (name == layer) return {file};
    return base_.files(layer, item, selection);
  }

 private:
  static workflow::LayerFile empty_file(const workflow::Item& item) {
    workflow::LayerFile file;
    file.item = item;
    file.empty = true;
    return file;
  }

  const workflow::Layers& base_;
  const bool gaps_are_empty_;
  std::vector<std::pair<std::string, workflow::LayerFile>> made_;
};

// Of a GeoTIFF.
std::string attributes_of(const workflow::Product& product) {
  const bool cog = product.schema && product.extension == ".tif";
  return cog ? raster::attributes_beside(*product.schema) : std::string();
}

// What the block ops of a chain were given beside pixels.
std::vector<Given> given_to(const workflow::ChainRun& chain, const workflow::ItemPlan& plan) {
  std::vector<Given> given;
  for (size_t n = 0; n < chain.chain->nodes.size(); ++n) {
    const auto& node = chain.chain->nodes[n];
    if (node.kind() != workflow::OpKind::block) continue;
    for (const auto& file : chain.files[n]) given.push_back({"", file.path, file.sha256});
    const auto layers = node.block().layers_read();
    for (size_t i = 0; i < plan.nodes[n].files.size(); ++i)
      given.push_back({layers[i], "", plan.nodes[n].files[i].pixel_hash});
  }
  return given;
}

// The models that a task reads; of maps and tables the items are many, and its fingerprint's.
void note_models(const workflow::TaskOp& task, const AttemptLayers& layers,
                 const workflow::Item& item, std::vector<Given>& given) {
  for (const auto& layer : task.layers_read()) {
    if (layers.info(layer).kind != workflow::LayerKind::model) continue;
    for (const auto& entry : layers.files(layer, item))
      if (entry.file && !entry.file->empty) given.push_back({layer, "", entry.file->pixel_hash});
  }
}

}  // namespace

workflow::Provenance provenance_of(const workflow::Chain& chain, const geo::Grid& grid,
                                   const std::vector<std::string>& scenes,
                                   const std::vector<Dropped>& dropped) {
  workflow::Provenance facts{{"GEOLOOM_BUILD", build_identity()},
                             {"GEOLOOM_CHAIN", chain.identity().dump()},
                             {"GEOLOOM_GRID", store::sha256_hex(grid.text()).substr(0, 16)}};
  if (!scenes.empty()) {
    const auto listed = std::min(scenes.size(), kMostScenesInFile);
    facts.emplace_back("GEOLOOM_SCENE_COUNT", std::to_string(scenes.size()));
    facts.emplace_back(
        "GEOLOOM_SCENES",
        fmt::format("{}", fmt::join(scenes.begin(),
                                    scenes.begin() + static_cast<std::ptrdiff_t>(listed), " ")));
  }
  std::vector<std::string> names;
  for (const auto& d : dropped)
    if (!d.excluded()) names.push_back(d.scene);
  if (!names.empty()) {
    facts.emplace_back("GEOLOOM_SCENES_DROPPED", fmt::format("{}", fmt::join(names, " ")));
  }
  return facts;
}

std::vector<std::string> scene_labels(const workflow::ItemPlan& plan) {
  std::vector<std::string> labels;
  for (const auto& node : plan.nodes) {
    const auto& scenes = node.source.scenes;
    labels.insert(labels.end(), scenes.begin(), scenes.end());
    if (scenes.empty() && !node.source.members.empty())
      for (const auto& slice : node.source.schema.slices) labels.push_back(slice.label);
  }
  return labels;
}

Outcome ItemHandler::execute(const WorkMessage& message) const {
  const auto& step = parts_.run.steps()[message.step];
  try {
    return step.step->is_task() ? execute_task(message) : execute_chain(message);
  } catch (Error& error) {
    error.at({.step = step.step->name, .item = step.items[message.item].name});
    throw;
  }
}

bool ItemHandler::adopt(const WorkMessage& message, const std::string& fingerprint) const {
  const auto* receipt = parts_.book.find(fingerprint);
  const auto& policy = parts_.run.steps()[message.step].step->policy;
  if (receipt == nullptr || too_old(*receipt, policy, parts_.run.record())) return false;
  parts_.state.set(message.step, message.item, receipt);
  return true;
}

Receipt ItemHandler::new_receipt(const WorkMessage& message, const std::string& fingerprint) const {
  const auto& step = parts_.run.steps()[message.step];
  Receipt receipt;
  receipt.fingerprint = fingerprint;
  receipt.build = build_identity();
  receipt.run = parts_.run.record().id;
  receipt.step = step.step->name;
  receipt.item = step.items[message.item].name;
  receipt.again = parts_.book.find_any(fingerprint) != nullptr && step.step->policy.max_age;
  receipt.attempt = message.attempt;
  receipt.started = now_text();
  receipt.chain = step.step->chain_text();
  return receipt;
}

Outcome ItemHandler::execute_chain(const WorkMessage& message) const {
  const auto start = std::chrono::steady_clock::now();
  const auto& step = parts_.run.steps()[message.step];
  auto plan = step.plan(step.items[message.item], &parts_.state);
  const auto fingerprint = step.fingerprint(plan);
  if (adopt(message, fingerprint)) return Outcome::cached;
  auto receipt = new_receipt(message, fingerprint);
  if (plan.empty()) {
    receipt.empty = true;
    receipt.dropped = plan.dropped;
    return commit(message, std::move(receipt), {});
  }
  const store::ScratchFolder unfinished(parts_.scratch);
  auto woven = weave_item(step, std::move(plan), &parts_.state,
                          {parts_.budget, parts_.cores, parts_.reads, parts_.datasets,
                           unfinished.path(), parts_.stop, parts_.items_in_flight, parts_.cost});
  receipt.read_seconds = woven.result.read_seconds;
  receipt.compute_seconds = woven.result.compute_seconds;
  receipt.encode_seconds = woven.result.encode_seconds;
  receipt.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  receipt.read_amplification = woven.layout.read_amplification;
  receipt.memory_bytes = woven.layout.memory_bytes;
  receipt.scenes = scene_labels(woven.plan);
  receipt.given = given_to(step.chain_of(step.items[message.item]), woven.plan);
  receipt.dropped = woven.plan.dropped;
  receipt.clipped_at_load = woven.result.clipped_at_load;
  return commit(message, std::move(receipt), std::move(woven.result.products));
}

WovenItem weave_item(const workflow::StepRun& step, workflow::ItemPlan plan,
                     const workflow::Layers* layers, const LoomParts& parts) {
  std::vector<Dropped> dropped;
  const auto item = plan.item;
  const auto members = scene_labels(plan).size();
  for (;;) {
    const auto cost = cost_of(*step.chain_of(item).chain, plan);
    const auto layout =
        choose_layout(cost, item.window, parts.budget.total() / parts.items_in_flight,
                      parts.budget.total(), parts.cores.threads(), parts.reads.threads());
    const auto ticket = parts.budget.acquire(layout.memory_bytes, parts.stop);
    if (parts.cost != nullptr) parts.cost->memory_bytes = ticket.bytes();
    const workflow::SinkContext context{
        item.grid,
        item.name,
        item.at(),
        parts.scratch_folder,
        provenance_of(*step.chain_of(item).chain, item.grid, scene_labels(plan), plan.dropped),
        {}};
    try {
      auto result = Loom(parts.cores, parts.reads, parts.datasets)
                        .weave(step, plan, layout, context, parts.stop,
                               parts.cost != nullptr ? &parts.cost->seconds : nullptr);
      return {std::move(result), std::move(plan), layout};
    } catch (const UnreadableSlice& error) {
      const auto failed =
          static_cast<size_t>(std::count_if(plan.dropped.begin(), plan.dropped.end(),
                                            [](const Dropped& each) { return !each.excluded(); }));
      if (failed + 1 > step.chain_of(item).sources[error.node]->tolerated(members)) throw;
      dropped.push_back(
          {error.scene, fmt::format("{}: {}", traits(error.code()).name, error.message())});
      plan = step.plan(item, layers, dropped);
      if (plan.empty()) throw;
    }
  }
}

Outcome ItemHandler::execute_task(const WorkMessage& message) const {
  const auto start = std::chrono::steady_clock::now();
  const auto& step = parts_.run.steps()[message.step];
  const auto& item = step.items[message.item];
  auto notes = notes_of_gaps(step, item, parts_.state);
  const auto fingerprint = step.fingerprint(item, parts_.state);
  if (adopt(message, fingerprint)) return Outcome::cached;
  auto receipt = new_receipt(message, fingerprint);
  receipt.notes = std::move(notes);
  AttemptLayers layers(parts_.state, step.step->policy.min_ok.has_value());
  std::vector<workflow::Product> products;
  const store::ScratchFolder unfinished(parts_.scratch);
  workflow::TaskContext context;
  context.layers = &layers;
  context.item = item;
  context.grid = item.grid;
  context.selected = parts_.run.selected_window(item.zone);
  if (item.every_zone)
    for (size_t zone = 0; zone < parts_.run.zones().size(); ++zone)
      context.zones.push_back({parts_.run.zones()[zone].grid, parts_.run.selected_window(zone)});
  context.scratch_folder = unfinished.path();
  context.provenance = provenance_of(*step.chain_of(item).chain, item.grid, {}, {});
  context.fingerprint = fingerprint;
  context.pool = &parts_.datasets;
  context.threads = parts_.cores.threads();
  context.for_each_index = [this](size_t count, const std::function<void(size_t)>& body) {
    parts_.cores.for_each_index(count, body);
  };
  context.progress = parts_.task_progress;
  context.cancelled = [this] { return parts_.stop.load(); };
  context.notes = &receipt.notes;
  const auto& chain = step.chain_of(item);
  for (size_t n = 0; n < chain.chain->nodes.size(); ++n) {
    const auto& node = chain.chain->nodes[n];
    const auto* work = chain.works[n].get();
    // Its file has nothing here, or nothing at all.
    const bool item_by_item = dynamic_cast<const workflow::ItemTaskOp*>(node.op.get()) != nullptr;
    if (item_by_item && (work == nullptr || !work->identity(item))) continue;
    const auto wanted = node.task().memory_bytes(context.grid);
    const auto ticket = parts_.budget.acquire(std::min(wanted, parts_.budget.total()), parts_.stop);
    context.memory_bytes = ticket.bytes();
    receipt.memory_bytes = std::max(receipt.memory_bytes, ticket.bytes());
    if (parts_.cost != nullptr) parts_.cost->memory_bytes = receipt.memory_bytes;
    note_models(node.task(), layers, item, receipt.given);
    auto product = work != nullptr ? work->run(context)
                                   : std::optional<workflow::Product>(node.task().run(context));
    if (!product) continue;
    products.push_back(*std::move(product));
    layers.add(products.back(), item);
  }
  receipt.empty = products.empty();
  receipt.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return commit(message, std::move(receipt), std::move(products));
}

// A file, or chunks: these in parallel, and their list when all others are there.
void ItemHandler::put(const workflow::Product& product, Output& output) const {
  if (!product.chunks) {
    output.name += product.extension;
    // First, so that no file is seen without it.
    if (const auto attributes = attributes_of(product); !attributes.empty())
      parts_.store.put_bytes(attributes, output.name + gdal::kAttributesEnding);
    return parts_.store.put_file(product.scratch_path, output.name);
  }
  const auto put_object = [&](const raster::ChunkObject& object) {
    parts_.store.put_file(product.scratch_path + "/" + object.name,
                          output.name + "/" + object.name);
  };
  parts_.reads.for_each_index(product.objects.size() - 1,
                              [&](size_t i) { put_object(product.objects[i]); });
  put_object(product.objects.back());
  output.objects = product.objects.size();
  output.name += "/" + product.objects.back().name;
}

// Files first, each under a name that carries the fingerprint; then the receipt, which makes them
// true.
Outcome ItemHandler::commit(const WorkMessage& message, Receipt receipt,
                            std::vector<workflow::Product> products) const {
  for (auto& product : products) {
    Output output;
    output.layer = product.layer;
    output.name = fmt::format("layers/{}/{}-{}", product.layer, receipt.item,
                              receipt.fingerprint.substr(0, 12));
    output.media_type = product.media_type;
    output.bytes = product.summary.bytes;
    output.sha256 = product.summary.sha256;
    output.pixel_hash = product.summary.pixel_hash;
    output.grid = product.grid;
    output.schema = product.schema;
    output.bands = product.summary.bands;
    output.chunks = product.chunks;
    output.metrics = product.metrics;
    put(product, output);
    receipt.outputs.push_back(std::move(output));
  }
  receipt.finished = now_text();
  if (const auto* messages = MessageLog::current())
    receipt.log = {messages->messages(), messages->left_out()};
  const bool empty = receipt.empty;
  parts_.state.set(message.step, message.item, parts_.book.commit(std::move(receipt)));
  return empty ? Outcome::empty : Outcome::done;
}

}  // namespace geoloom::engine
