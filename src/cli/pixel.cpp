// SPDX-License-Identifier: Apache-2.0
// geoloom pixel LON,LAT: for one place, each date kept or rejected and why, and what comes out.
#include <fmt/format.h>

#include <cmath>
#include <iostream>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/quantities.h"
#include "engine/loom.h"

namespace geoloom::cli {
namespace {

struct PixelArguments {
  std::string place;
  DocumentArguments document;
};

// Whole numbers without ".0", float32 as short as it is; null for what JSON lacks.
workflow::OrderedJson number_json(double number) {
  if (!std::isfinite(number)) return {};
  return workflow::OrderedJson::parse(format_number(number));
}

double value_at(const raster::Block& block, size_t band, size_t slice, size_t pixel) {
  return raster::visit(block.type(band), [&](auto zero) {
    return static_cast<double>(block.plane<decltype(zero)>(band, slice)[pixel]);
  });
}

// The chain of one step on one pixel: each node's whole result. Not the loom's way, because a loom
// hands blocks to sinks, which write files, and a look at a pixel writes nothing. That both give
// the same is tested on the whole program.
class PixelChain {
 public:
  PixelChain(const workflow::StepRun& run, const workflow::ItemPlan& plan, int64_t x, int64_t y,
             raster::AssetPool& pool)
      : run_(run.chain_of(plan.item)),
        chain_(*run_.chain),
        step_name_(run.step->name),
        plan_(plan),
        window_{x, y, 1, 1},
        pool_(pool),
        needs_(engine::halo_needs(chain_, plan)) {}

  workflow::OrderedJson explain() {
    workflow::OrderedJson out{{"step", step_name_}, {"item", plan_.item.name}};
    auto sources = workflow::OrderedJson::array(), results = workflow::OrderedJson::array();
    for (size_t n = 0; n < chain_.nodes.size(); ++n) {
      const auto& node = chain_.nodes[n];
      if (node.kind() == workflow::OpKind::source) {
        sources.push_back(explain_source(n));
        results_.push_back(read(n));
      } else if (node.kind() == workflow::OpKind::block) {
        results_.push_back(run(n));
      } else {
        results.push_back(describe(node));
        results_.emplace_back();
      }
    }
    out["sources"] = sources;
    out["saved"] = results;
    return out;
  }

 private:
  workflow::OrderedJson explain_source(size_t n) const {
    const auto& source = plan_.nodes[n].source;
    auto dates = workflow::OrderedJson::array();
    for (size_t i = 0; i < source.members.size(); ++i) {
      const auto& slice = source.schema.slices[i];
      const auto report = run_.sources[n]->explain(source, i, window_.x, window_.y, pool_);
      workflow::OrderedJson values;
      for (const auto& [band, value] : report.values) values[band] = number_json(value);
      dates.push_back({{"scene", slice.label},
                       {"time", slice.timed ? geo::format_time(slice.period.start) : ""},
                       {"kept", report.valid},
                       {"reason", report.reason},
                       {"values", values}});
    }
    return {{"op", chain_.nodes[n].result_name}, {"dates", dates}};
  }

  std::vector<raster::Block> read(size_t n) const {
    const auto& source = plan_.nodes[n].source;
    std::vector<raster::Block> blocks;
    auto& block =
        blocks.emplace_back(source.schema, window_.expanded(needs_[n]), 0, source.members.size());
    for (size_t i = 0; i < source.members.size(); ++i)
      (void)run_.sources[n]->read(source, source.members[i], block, i, pool_);
    return blocks;
  }

  std::vector<raster::Block> run(size_t n) const {
    const auto& node = chain_.nodes[n];
    const auto output_window = window_.expanded(needs_[n]);
    const auto input_window = output_window.expanded(plan_.nodes[n].halo_pixels);
    std::vector<raster::Block> inputs, outputs;
    std::vector<const raster::CubeSchema*> schemas, output_schemas;
    for (const auto& ref : node.inputs) {
      const auto& schema = plan_.nodes[ref.node].outputs[ref.output];
      schemas.push_back(&schema);
      inputs.emplace_back(schema, input_window, 0, schema.slices.size())
          .copy_from(results_[ref.node][ref.output]);
    }
    for (const auto& schema : plan_.nodes[n].outputs) {
      output_schemas.push_back(&schema);
      outputs.emplace_back(schema, output_window, 0, schema.slices.size());
    }
    std::vector<const raster::Block*> in;
    std::vector<raster::Block*> out;
    for (const auto& block : inputs) in.push_back(&block);
    for (auto& block : outputs) out.push_back(&block);
    node.block().run({schemas, output_schemas, run_.prepared_for(n, plan_.nodes[n]).get(), in, out,
                      &plan_.zone_grid});
    return outputs;
  }

  workflow::OrderedJson describe(const workflow::Node& node) const {
    const auto& ref = node.inputs.front();
    const auto& block = results_[ref.node][ref.output];
    const auto& schema = plan_.nodes[ref.node].outputs[ref.output];
    const auto pixel = static_cast<size_t>((window_.y - block.window().y) * block.window().width +
                                           window_.x - block.window().x);
    auto slices = workflow::OrderedJson::array();
    for (size_t s = 0; s < block.slices(); ++s) {
      workflow::OrderedJson values;
      for (size_t b = 0; b < block.bands(); ++b) {
        const bool valid = block.validity(s, block.validity_per_band() ? b : 0)[pixel] != 0;
        values[schema.bands[b].name] =
            valid ? number_json(value_at(block, b, s, pixel)) : workflow::OrderedJson();
      }
      slices.push_back({{"period", schema.slices[s].label}, {"values", values}});
    }
    return {{"layer", node.sink().layer()}, {"slices", slices}};
  }

  const workflow::ChainRun& run_;
  const workflow::Chain& chain_;
  const std::string& step_name_;
  const workflow::ItemPlan& plan_;
  const geo::Window window_;
  raster::AssetPool& pool_;
  const std::vector<int> needs_;
  std::vector<std::vector<raster::Block>> results_;
};

std::string values_text(const workflow::OrderedJson& values) {
  std::string text;
  for (const auto& [band, value] : values.items())
    text += fmt::format(" {}={}", band, value.is_null() ? "invalid" : value.dump());
  return text;
}

void print(const workflow::OrderedJson& step) {
  std::cout << fmt::format("step {}, item {}\n", step["step"].get<std::string>(),
                           step["item"].get<std::string>());
  for (const auto& source : step["sources"]) {
    size_t kept = 0;
    for (const auto& date : source["dates"]) {
      kept += date["kept"].get<bool>();
      std::cout << fmt::format("  {:<20} {:<9}{}{}  {}\n", date["time"].get<std::string>(),
                               date["kept"].get<bool>() ? "kept" : "rejected",
                               values_text(date["values"]),
                               date["reason"].get<std::string>().empty()
                                   ? ""
                                   : "  (" + date["reason"].get<std::string>() + ")",
                               date["scene"].get<std::string>());
    }
    std::cout << fmt::format("  {}: {} of {} kept\n", source["op"].get<std::string>(), kept,
                             source["dates"].size());
  }
  for (const auto& saved : step["saved"])
    for (const auto& slice : saved["slices"])
      std::cout << fmt::format("  => {}{}:{}\n", saved["layer"].get<std::string>(),
                               slice["period"].get<std::string>().empty()
                                   ? ""
                                   : " " + slice["period"].get<std::string>(),
                               values_text(slice["values"]));
}

// The pixel of a place on the grid of each zone that holds it.
struct Spot {
  size_t zone;
  int64_t x, y;
};

std::vector<Spot> spots_of(const std::vector<workflow::Zone>& zones, const std::string& text) {
  const auto place = parse_pair(text, "a place LON,LAT");
  std::vector<Spot> spots;
  for (size_t z = 0; z < zones.size(); ++z) {
    const auto& grid = zones[z].grid;
    const auto xy = geo::from_lon_lat(grid.crs, place.first, place.second);
    const auto position = grid.position(xy.x, xy.y);
    const Spot spot{z, static_cast<int64_t>(std::floor(position.column)),
                    static_cast<int64_t>(std::floor(position.row))};
    if (grid.window().contains({spot.x, spot.y, 1, 1})) spots.push_back(spot);
  }
  if (spots.empty()) {
    const auto& grid = zones.front().grid;
    const auto box = grid.box();
    const auto centre =
        geo::to_lon_lat(grid.crs, (box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2);
    throw Error(ErrorCode::invalid, fmt::format("{} lies outside of the area", text))
        .hint(fmt::format("{} centre is {:.5f},{:.5f}",
                          zones.size() == 1 ? "its" : "its first zone's", centre.lon, centre.lat));
  }
  return spots;
}

workflow::OrderedJson explain_steps(const workflow::Run& run, const Spot& spot,
                                    raster::AssetPool& pool) {
  auto steps = workflow::OrderedJson::array();
  for (const auto& step : run.steps()) {
    if (step.step->is_task() || !step.step->layers_read.empty() || !step.selected) continue;
    for (const auto& item : step.items) {
      if (item.zone != spot.zone || !item.window.contains({spot.x, spot.y, 1, 1})) continue;
      const auto plan = step.plan(item, nullptr);
      steps.push_back(PixelChain(step, plan, spot.x, spot.y, pool).explain());
    }
  }
  return steps;
}

}  // namespace

void add_pixel(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "pixel", "For one place: each date kept or rejected and why, and what comes out");
  const auto arguments = std::make_shared<PixelArguments>();
  command->add_option("PLACE", arguments->place, "LON,LAT in degrees, as in 25.1,45.2")->required();
  arguments->document.add_to(*command);
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([arguments, &commands] {
    const auto run = arguments->document.create_run(commands.registry);
    raster::AssetPool pool(64);
    auto places = workflow::OrderedJson::array();
    for (const auto& spot : spots_of(run->zones(), arguments->place)) {
      const auto& zone = run->zones()[spot.zone];
      auto steps = explain_steps(*run, spot, pool);
      if (!commands.json) {
        std::cout << fmt::format("pixel {},{} of {}\n", spot.x, spot.y, zone.grid.text());
        for (const auto& step : steps) print(step);
      }
      places.push_back({{"pixel", {spot.x, spot.y}}, {"zone", zone.name}, {"steps", steps}});
    }
    if (commands.json) std::cout << (places.size() == 1 ? places[0] : places).dump(1) << "\n";
  });
}

}  // namespace geoloom::cli
