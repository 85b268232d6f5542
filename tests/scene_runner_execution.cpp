// SPDX-License-Identifier: Apache-2.0
#include "scene_runner_execution.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>

#include "engine/item_handler.h"
#include "engine/loom.h"
#include "engine/run_state.h"
#include "gdal/dataset.h"
#include "kernels/target.h"
#include "raster/cog.h"
#include "store/checksum.h"

namespace geoloom::scene_runner {
namespace {

const std::atomic<bool> kNeverStop{false};

class FirstError : public engine::RunObserver {
 public:
  void item_ended(const engine::ItemEvent& event) override {
    if (event.outcome == engine::ItemOutcome::failed && text.empty()) text = event.error->what();
  }
  std::string text;
};

std::string ops_of(const workflow::Workflow& workflow) {
  std::set<std::string> ops;
  for (const auto& step : workflow.steps)
    for (const auto& node : step.nodes()) {
      const auto& description = node.op->description();
      ops.insert(fmt::format("{}@{}", description.name, description.version));
    }
  std::string text;
  for (const auto& op : ops) text += (text.empty() ? "" : " ") + op;
  return text;
}

Plane& plane_of(MadeLayer& layer, const gdal::BandInfo& band, size_t number, int64_t width,
                int64_t height) {
  const std::string name = band.name.empty() ? fmt::format("band{}", number) : band.name;
  for (auto& made : layer.bands)
    if (made.name == name) return made.plane;
  const auto type = band.type == gdal::SampleType::uint8    ? "uint8"
                    : band.type == gdal::SampleType::uint16 ? "uint16"
                    : band.type == gdal::SampleType::int16  ? "int16"
                                                            : "float32";
  Plane plane{width, height, std::vector<Cell>(static_cast<size_t>(width * height))};
  layer.bands.push_back({name, type, std::move(plane)});
  return layer.bands.back().plane;
}

// Copies a file's band to its window of the layer. All pixel types fit into float32.
void add_band(const gdal::Dataset& dataset, int number, const geo::Window& window, Plane& plane) {
  const auto& info = dataset.info();
  const geo::Window all{0, 0, info.width, info.height};
  std::vector<float> values(static_cast<size_t>(all.pixels()));
  std::vector<uint8_t> mask(values.size());
  const auto row = static_cast<size_t>(info.width);
  dataset.read(all, {number}, gdal::BufferType::float32, values.data(), row * sizeof(float), 0);
  dataset.read_mask(all, number, mask.data(), row);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto x = window.x + static_cast<int64_t>(i) % info.width;
    const auto y = window.y + static_cast<int64_t>(i) / info.width;
    if (mask[i] != 0)
      plane.cells[static_cast<size_t>(y * plane.width + x)] = static_cast<double>(values[i]);
  }
}

void add_file(const workflow::LayerFile& file, const workflow::LayerInfo& info,
              const geo::Grid& grid, MadeLayer& layer) {
  const auto dataset = gdal::Dataset::open(file.path);
  const auto& raster = dataset.info();
  const bool picture = info.kind == workflow::LayerKind::picture;
  const geo::Window window =
      picture ? geo::Window{0, 0, raster.width, raster.height} : file.item.window;
  for (size_t i = 0; i < raster.bands.size(); ++i) {
    if (raster.bands[i].colour == "alpha") continue;
    auto& plane = plane_of(layer, raster.bands[i], i + 1, picture ? raster.width : grid.width,
                           picture ? raster.height : grid.height);
    add_band(dataset, static_cast<int>(i + 1), window, plane);
  }
  for (const auto& slice : file.schema.slices)
    if (std::find(layer.labels.begin(), layer.labels.end(), slice.label) == layer.labels.end())
      layer.labels.push_back(slice.label);
  layer.checksums[file.item.name] = store::sha256_hex_of_file(file.path);
}

// Each single value stands as a band of one pixel; absent ones are invalid.
void add_metrics(const workflow::LayerFile& file, MadeLayer& layer) {
  for (const auto& [name, value] : file.metrics->scalars) {
    Cell cell;
    if (const auto* number = std::get_if<double>(&value.value)) cell = *number;
    if (const auto* whole = std::get_if<int64_t>(&value.value)) cell = static_cast<double>(*whole);
    layer.bands.push_back({name, kMetricType, {1, 1, {cell}}});
  }
  layer.checksums[file.item.name] = store::sha256_hex_of_file(file.path);
}

Plane without_margin(const Plane& plane, int64_t margin) {
  Plane part{plane.width - margin, plane.height - margin, {}};
  for (int64_t y = margin; y < plane.height; ++y)
    for (int64_t x = margin; x < plane.width; ++x)
      part.cells.push_back(plane.cells[static_cast<size_t>(y * plane.width + x)]);
  return part;
}

MadeLayer read_layer(const workflow::Run& run, const workflow::LayerInfo& info,
                     const engine::RunState& state, int64_t margin) {
  MadeLayer layer;
  layer.kind = info.kind;
  store::PixelHash hash;
  std::string only;
  for (const auto& [item, file] :
       state.files(info.name, workflow::zone_items(run.zones()).front())) {
    if (!file || file->empty) continue;
    if (file->metrics) {
      add_metrics(*file, layer);
      only = file->pixel_hash.substr(0, 32);
    } else {
      add_file(*file, info, run.zones().front().grid, layer);
      only = raster::pixel_hash_of_file(file->path);
    }
    hash.add(item.name + " " + only + "\n");
  }
  if (info.kind == workflow::LayerKind::cube)
    for (auto& band : layer.bands) band.plane = without_margin(band.plane, margin);
  layer.pixel_hash = layer.checksums.size() == 1 ? only : hash.hex();
  return layer;
}

std::unique_ptr<workflow::Run> create_run(const SceneCase& scene_case,
                                          const workflow::Registry& registry,
                                          const std::string& folder, const Settings& settings) {
  const auto document =
      document_of(scene_case, folder, folder + "/" + settings.name, settings.placement);
  return workflow::Run::create(document, registry, {}, engine::build_identity());
}

// How the pixels of an item are cut up, beside what the engine would choose.
struct Cut {
  std::string name;
  engine::BlockLayout layout;
  std::string target;  // empty: the best one
};

std::vector<Cut> cuts_for(const geo::Window& window) {
  engine::BlockLayout whole;
  whole.block_width = window.width;
  whole.block_height = window.height;
  whole.batch_slices = 1000;
  whole.strip_pixels = window.pixels();
  engine::BlockLayout small = whole, odd = whole, thin = whole;
  small.block_width = small.block_height = 1;
  small.batch_slices = 1;
  small.strip_pixels = 1;
  odd.block_width = 3;
  odd.block_height = 2;
  odd.origin_x = odd.origin_y = -1;
  odd.batch_slices = 2;
  thin.batch_slices = 3;
  thin.strip_pixels = 1;
  std::vector<Cut> cuts{{"blocks of 1x1, slice by slice", small, ""},
                        {"blocks of 3x2, two slices at once", odd, ""},
                        {"strips of one row, three slices at once", thin, ""}};
  for (const auto target : kernels::supported_targets())
    cuts.push_back({fmt::format("CPU target {}", target), whole, std::string(target)});
  return cuts;
}

class TargetForced {
 public:
  explicit TargetForced(const std::string& target) {
    if (!target.empty()) kernels::force_target(target);
  }
  TargetForced(const TargetForced&) = delete;
  TargetForced& operator=(const TargetForced&) = delete;
  ~TargetForced() { kernels::reset_target(); }
};

}  // namespace

Made run_case(const SceneCase& scene_case, const workflow::Registry& registry,
              const std::string& folder, const Settings& settings) {
  Made made;
  try {
    const auto run = create_run(scene_case, registry, folder, settings);
    made.ops = ops_of(run->workflow());
    const auto store = store::open_store(folder + "/" + settings.name);
    run->record() = workflow::write_or_resume(*store, run->record());
    engine::RunnerOptions options;
    options.threads = settings.threads;
    FirstError observer;
    made.summary = engine::execute_run(*run, *store, options, observer, kNeverStop);
    made.error = observer.text;
    if (!made.error.empty()) return made;
    engine::ReceiptBook book(*store);
    engine::RunState state(*run, *store);
    engine::survey(*run, book, state);
    for (const auto& [name, info] : run->layers())
      made.layers[name] = read_layer(*run, info, state, settings.placement.margin);
  } catch (const Error& error) {
    made.error = error.what();
  }
  return made;
}

std::vector<std::string> weave_otherwise(const SceneCase& scene_case,
                                         const workflow::Registry& registry,
                                         const std::string& folder, const Made& made,
                                         const Settings& settings) {
  std::vector<std::string> differences;
  const auto run = create_run(scene_case, registry, folder, settings);
  const auto store = store::open_store(folder + "/" + settings.name);
  engine::ReceiptBook book(*store);
  engine::RunState state(*run, *store);
  engine::survey(*run, book, state);
  const std::string scratch = folder + "/scratch";
  std::filesystem::create_directories(scratch);
  engine::TaskPool cores(2), reads(2);
  raster::AssetPool datasets(16);
  const engine::Loom loom(cores, reads, datasets);
  for (const auto& step : run->steps()) {
    if (step.step->is_task()) continue;
    for (const auto& item : step.items) {
      const auto plan = step.plan(item, &state);
      if (plan.empty() || !plan.dropped.empty()) continue;
      const workflow::SinkContext context{
          item.grid, item.name, item.at(), scratch,
          engine::provenance_of(*step.chain_of(item).chain, item.grid, engine::scene_labels(plan),
                                {})};
      for (const auto& cut : cuts_for(item.window)) {
        const TargetForced forced(cut.target);
        const auto result = loom.weave(step, plan, cut.layout, context, kNeverStop);
        for (const auto& product : result.products) {
          const auto& expected = made.layers.at(product.layer).checksums.at(item.name);
          if (product.summary.sha256 != expected)
            differences.push_back(fmt::format("layer '{}', item {}: other bytes with {}",
                                              product.layer, item.name, cut.name));
        }
      }
    }
  }
  return differences;
}

}  // namespace geoloom::scene_runner
