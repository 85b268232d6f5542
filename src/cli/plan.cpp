// SPDX-License-Identifier: Apache-2.0
// geoloom plan: what a run would do, from headers and receipts alone.
#include <fmt/format.h>

#include <fstream>
#include <iostream>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/explain.h"
#include "cli/matrix_rows.h"
#include "cli/quantities.h"
#include "engine/block_layout.h"
#include "engine/process_memory.h"

namespace geoloom::cli {
namespace {

struct StepPlan {
  std::string name, chain, domain;
  std::string waits_for;  // what its items and parameters depend on; empty: they are known
  size_t items = 0, made = 0, empty = 0;
  size_t fewest_scenes = 0, most_scenes = 0;
  double stored_bytes = 0;       // of the source windows, once
  double decoded_bytes = 0;      // of them, as often as they are decoded
  double amplification = 1;      // worst item
  bool memory_is_short = false;  // more would save reads
  size_t item_memory_bytes = 0;  // largest ticket
  engine::BlockLayout layout;    // of the item with the largest ticket
};

struct PlanArguments {
  DocumentArguments document;
  MachineArguments machine;
  ExplainArguments explain;
  std::string geojson, matrix;
};

// Whether blocks are smaller than those of the sources, though the item is not.
bool reads_again_for_memory(const engine::BlockLayout& layout, const engine::ChainCost& cost,
                            const geo::Window& window) {
  return layout.block_width < std::min(cost.source_block_width, window.width) ||
         layout.block_height < std::min(cost.source_block_height, window.height);
}

StepPlan plan_chain(const workflow::StepRun& run, const engine::MemoryShare& share,
                    unsigned threads, unsigned reads) {
  StepPlan plan;
  plan.fewest_scenes = SIZE_MAX;
  const auto in_flight = std::max<size_t>(1, std::min<size_t>(threads, run.items.size()));
  for (const auto& item : run.items) {
    const auto item_plan = run.plan(item, nullptr);
    plan.fewest_scenes = std::min(plan.fewest_scenes, item_plan.slices);
    plan.most_scenes = std::max(plan.most_scenes, item_plan.slices);
    if (item_plan.empty()) {
      ++plan.empty;
      continue;
    }
    const auto cost = engine::cost_of(*run.chain_of(item).chain, item_plan);
    const auto layout = engine::choose_layout(cost, item.window, share.pixel_bytes / in_flight,
                                              share.pixel_bytes, threads, reads);
    for (const auto& node : item_plan.nodes) {
      const auto stored = static_cast<double>(node.source.stored_bytes);
      plan.stored_bytes += stored;
      plan.decoded_bytes += stored * layout.read_amplification;
    }
    plan.amplification = std::max(plan.amplification, layout.read_amplification);
    plan.memory_is_short =
        plan.memory_is_short || reads_again_for_memory(layout, cost, item.window);
    if (layout.memory_bytes >= plan.item_memory_bytes) {
      plan.item_memory_bytes = layout.memory_bytes;
      plan.layout = layout;
    }
  }
  return plan;
}

size_t largest_zone_bytes(const workflow::Run& run, const workflow::TaskOp& task) {
  size_t bytes = 0;
  for (const auto& zone : run.zones()) bytes = std::max(bytes, task.memory_bytes(zone.grid));
  return bytes;
}

// What other steps are to report first: "$quality.measured.mean".
std::string waits_for(const workflow::Step& step) {
  std::string text;
  for (const auto& late : step.late) text += (text.empty() ? "$" : ", $") + late.reference.text();
  if (!text.empty()) return text;
  for (const auto& layer : step.layers_read) text += (text.empty() ? "layer " : ", layer ") + layer;
  return text + ", of a step that waits";
}

std::vector<StepPlan> plan_steps(const workflow::Run& run, const engine::MemoryShare& share,
                                 unsigned threads, unsigned reads) {
  std::vector<StepPlan> plans;
  for (const auto& step : run.steps()) {
    if (!step.selected) continue;
    StepPlan plan;
    if (!step.known) {
      plan.waits_for = waits_for(*step.step);
    } else if (step.step->is_task()) {
      for (const auto& node : step.step->nodes())
        plan.item_memory_bytes =
            std::max(plan.item_memory_bytes, largest_zone_bytes(run, node.task()));
    } else {
      plan = plan_chain(step, share, threads, reads);
    }
    plan.name = step.step->name;
    plan.chain = step.step->chain_text();
    plan.domain = step.step->domain.text();
    plan.items = step.items.size();
    plans.push_back(std::move(plan));
  }
  return plans;
}

// How much of the plan has receipts, if the store exists already; planning makes no store.
void count_made(const workflow::Run& run, std::vector<StepPlan>& plans) {
  const auto& url = run.workflow().document.store.text;
  const bool local = url.find("://") == std::string::npos;
  if (local && !gdal::file_status(url)) return;
  const auto store = store::open_store(url);
  const engine::ReceiptBook book(*store);
  engine::RunState state(run, *store);
  const auto survey = engine::survey(run, book, state);
  size_t p = 0;
  for (size_t s = 0; s < run.steps().size(); ++s)
    if (run.steps()[s].selected) plans[p++].made = survey.steps[s].done + survey.steps[s].empty;
}

void print_sources(const workflow::Run& run) {
  for (const auto& [step, found] : run.record().windows)
    std::cout << fmt::format("windows ({}): {} features > {} in the area\n", step, found.features,
                             found.windows.size());
  for (const auto& [key, report] : run.reports()) {
    if (report.after_filter.empty()) continue;
    std::string text = fmt::format("scenes ({}): ", key);
    for (size_t i = 0; i < report.after_filter.size(); ++i)
      text += fmt::format("{}{} {}", i ? " > " : "", report.after_filter[i].second,
                          report.after_filter[i].first);
    if (report.offset_applied) text += fmt::format("; offset applied to {}", report.offset_applied);
    std::cout << text << "\n";
    for (const auto& note : report.notes) std::cout << "  note: " << note << "\n";
    for (const auto& dropped : report.dropped)
      std::cout << fmt::format("  left out: {}: {}\n", dropped.scene, dropped.reason);
  }
}

// What is worth telling about decoding more than is needed: nothing while it costs little.
std::string amplification_text(const StepPlan& plan) {
  constexpr double kShareOfNote = 1.5, kBytesOfNote = 64 << 20;
  const double share = plan.decoded_bytes / std::max(1.0, plan.stored_bytes);
  if (share <= kShareOfNote || plan.decoded_bytes - plan.stored_bytes < kBytesOfNote) return "";
  return fmt::format(
      "\n  note         the scenes' internal blocks are decoded {:.1f} times on average: {}", share,
      plan.memory_is_short ? "more --memory saves reading them again"
                           : "tiles that are whole blocks of the scenes save time");
}

void print_step(const StepPlan& plan) {
  std::cout << fmt::format("\nstep {}: {}\n", plan.name, plan.chain);
  if (!plan.waits_for.empty()) {
    std::cout << fmt::format("  items        over {}, known when there is {}\n", plan.domain,
                             plan.waits_for);
    return;
  }
  std::cout << fmt::format("  items        {} over {}, {} already made{}\n", plan.items,
                           plan.domain, plan.made,
                           plan.empty ? fmt::format(", {} without scenes", plan.empty) : "");
  if (plan.most_scenes > 0) {
    std::cout << fmt::format("  scenes       {} to {} per item\n", plan.fewest_scenes,
                             plan.most_scenes);
    std::cout << fmt::format("  to read      {} of scene files (estimate){}\n",
                             format_bytes(plan.stored_bytes), amplification_text(plan));
    std::cout << fmt::format("  blocks       {} x {} px, {} slices at once, strips of {} px\n",
                             plan.layout.block_width, plan.layout.block_height,
                             plan.layout.batch_slices, plan.layout.strip_pixels);
  }
  std::cout << fmt::format("  memory       {} per item\n",
                           format_bytes(static_cast<double>(plan.item_memory_bytes)));
}

workflow::OrderedJson to_json(const StepPlan& plan) {
  return {{"name", plan.name},
          {"chain", plan.chain},
          {"over", plan.domain},
          {"waits_for", plan.waits_for},
          {"items", plan.items},
          {"made", plan.made},
          {"without_scenes", plan.empty},
          {"fewest_scenes", plan.most_scenes ? plan.fewest_scenes : 0},
          {"most_scenes", plan.most_scenes},
          {"stored_bytes", static_cast<uint64_t>(plan.stored_bytes)},
          {"decoded_bytes", static_cast<uint64_t>(plan.decoded_bytes)},
          {"read_amplification", plan.amplification},
          {"item_memory_bytes", plan.item_memory_bytes},
          {"block", {plan.layout.block_width, plan.layout.block_height}},
          {"slices_at_once", plan.layout.batch_slices}};
}

workflow::OrderedJson tiles_geojson(const workflow::Run& run) {
  auto features = workflow::OrderedJson::array();
  const auto& area = run.record().area;
  for (const auto& item :
       workflow::select_items(workflow::tile_items(area), run.record().options.selection)) {
    const auto box = item.grid.box();
    auto ring = workflow::OrderedJson::array();
    for (const auto& [x, y] : {std::pair{box.min_x, box.min_y},
                               {box.max_x, box.min_y},
                               {box.max_x, box.max_y},
                               {box.min_x, box.max_y},
                               {box.min_x, box.min_y}}) {
      const auto place = geo::to_lon_lat(item.grid.crs, x, y);
      ring.push_back({place.lon, place.lat});
    }
    features.push_back(
        {{"type", "Feature"},
         {"properties",
          {{"name", item.name}, {"index", item.index}, {"window", item.window.text()}}},
         {"geometry",
          {{"type", "Polygon"}, {"coordinates", workflow::OrderedJson::array({ring})}}}});
  }
  return {{"type", "FeatureCollection"}, {"features", features}};
}

int64_t count_of(const workflow::TileGrid& cells) {
  int64_t count = 0;
  for (const auto& zone : cells.zones) {
    count += static_cast<int64_t>(zone.listed.size());
    for (const auto& run : zone.cells) count += run.count();
  }
  return count * cells.split_x * cells.split_y;
}

// How the area is cut.
std::string tiles_text(const workflow::Area& area) {
  std::string text;
  if (area.cells) {
    text = fmt::format("tiles: {} in {} zone{}", count_of(*area.cells), area.zones.size(),
                       area.zones.size() == 1 ? "" : "s");
    if (area.cells->buffer_x > 0 || area.cells->buffer_y > 0)
      text += fmt::format(", widened by {} x {} px", area.cells->buffer_x, area.cells->buffer_y);
  } else {
    const auto& grid = area.zones.front().grid;
    text = fmt::format("tiles: {} x {} of {} x {} px", area.tiling.columns(grid),
                       area.tiling.rows(grid), area.tiling.tile_width, area.tiling.tile_height);
    if (area.kept) {
      int64_t kept = 0;
      for (const auto& run : *area.kept) kept += run.count();
      text += fmt::format(", {} of them in the area of interest", kept);
    }
  }
  if (area.coarsening > 1)
    text += fmt::format(", a trial at {} times the pixel size", area.coarsening);
  return text;
}

void print_plan(const workflow::Run& run, const std::vector<StepPlan>& plans,
                const engine::MemoryShare& share, size_t memory) {
  const auto& area = run.record().area;
  for (const auto& zone : area.zones) {
    std::cout << fmt::format("{}: {}\n", zone.name == "all" ? "area" : "zone " + zone.name,
                             zone.grid.text());
  }
  std::cout << tiles_text(area) << "\n";
  print_sources(run);
  for (const auto& plan : plans) print_step(plan);
  std::cout << fmt::format(
      "\nmemory: {} in all = {} program and tables, {} GDAL cache, {} for pixels\n",
      format_bytes(static_cast<double>(memory)),
      format_bytes(static_cast<double>(share.process_bytes)),
      format_bytes(static_cast<double>(share.gdal_cache_bytes)),
      format_bytes(static_cast<double>(share.pixel_bytes)));
}

workflow::OrderedJson json_of(const workflow::Run& run, const std::vector<StepPlan>& plans,
                              const engine::MemoryShare& share,
                              const engine::RunnerOptions& options) {
  auto steps = workflow::OrderedJson::array();
  for (const auto& plan : plans) steps.push_back(to_json(plan));
  auto zones = workflow::OrderedJson::array();
  for (const auto& zone : run.zones())
    zones.push_back({{"name", zone.name}, {"grid", zone.grid.text()}});
  return {{"zones", zones},
          {"sources", run.record().reports},
          {"steps", steps},
          {"memory_bytes", options.memory_bytes},
          {"threads", options.threads},
          {"reads", options.reads},
          {"pixel_bytes", share.pixel_bytes}};
}

// The plan of the document, or of a row: printed, or as JSON.
workflow::OrderedJson plan_once(const PlanArguments& arguments, const Commands& commands,
                                const MatrixRow* row) {
  const auto run = arguments.document.create_run(commands.registry, row);
  auto options = arguments.machine.options(run->workflow().document.pool);
  if (options.threads == 0) options.threads = engine::available_cores();
  options.reads = engine::reads_in_flight(*run, options);
  engine::check_memory(*run, options.memory_bytes, options.threads, options.reads);
  const auto share = engine::share_memory(options.memory_bytes, options.reads);
  auto plans = plan_steps(*run, share, options.threads, options.reads);
  count_made(*run, plans);
  if (!arguments.geojson.empty()) {
    std::ofstream file(arguments.geojson);
    if (!(file << tiles_geojson(*run).dump()))
      throw Error(ErrorCode::denied, "cannot write the tiles").at({.file = arguments.geojson});
  }
  std::vector<StepReasons> reasons;
  if (arguments.explain.wanted()) reasons = explain(*run, arguments.explain);
  if (commands.json) {
    auto json = json_of(*run, plans, share, options);
    if (!reasons.empty()) json["explanation"] = explanation_json(*run, reasons);
    return json;
  }
  print_plan(*run, plans, share, options.memory_bytes);
  if (!reasons.empty()) std::cout << "\n" << explanation_text(reasons);
  return {};
}

// Every row, also after one that cannot be planned.
int plan_rows(const PlanArguments& arguments, const Commands& commands) {
  if (!arguments.geojson.empty())
    throw Error(ErrorCode::invalid, "--geojson writes the tiles of one run, and --matrix has many");
  auto list = workflow::OrderedJson::array();
  int exit_code = kExitSuccess;
  for (const auto& row : rows_of_matrix(arguments.document, arguments.matrix, commands.registry)) {
    if (!commands.json) std::cout << fmt::format("== {} {}\n", row.place, row.label);
    workflow::OrderedJson json;
    try {
      json = plan_once(arguments, commands, &row);
    } catch (const Error& error) {
      json = {{"error", error.what()}};
      std::cerr << fmt::format("error: {}: {}\n", row.place, error.what());
      exit_code = kExitItemsFailed;
    }
    workflow::OrderedJson entry{{"row", row.place}, {"label", row.label}};
    entry.update(json.is_null() ? workflow::OrderedJson::object() : json);
    list.push_back(std::move(entry));
    if (!commands.json) std::cout << "\n";
  }
  if (commands.json) std::cout << list.dump(1) << "\n";
  return exit_code;
}

}  // namespace

void add_plan(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "plan", "What a run would do: items, scenes, memory, bytes; no pixel is read");
  const auto arguments = std::make_shared<PlanArguments>();
  arguments->document.add_to(*command);
  arguments->machine.add_to(*command);
  command->add_option("--geojson", arguments->geojson, "Write the tiles as GeoJSON to this file");
  command->add_flag("--json", commands.json, "The plan as JSON on stdout");
  command->add_option("--matrix", arguments->matrix,
                      "A CSV file whose columns are parameters: one plan per row");
  arguments->explain.add_to(*command);
  command->callback([arguments, &commands] {
    if (!arguments->matrix.empty()) {
      commands.exit_code = plan_rows(*arguments, commands);
      return;
    }
    const auto json = plan_once(*arguments, commands, nullptr);
    if (commands.json) std::cout << json.dump(1) << "\n";
  });
}

}  // namespace geoloom::cli
