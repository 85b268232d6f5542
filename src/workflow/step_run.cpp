// SPDX-License-Identifier: Apache-2.0
// What one item of a step is to be made from, and its identity.
#include <fmt/format.h>

#include <algorithm>

#include "store/checksum.h"
#include "workflow/layers_prepared.h"
#include "workflow/run.h"

namespace geoloom::workflow {
namespace {

std::vector<const raster::CubeSchema*> input_schemas(const Node& node,
                                                     const std::vector<NodePlan>& plans) {
  std::vector<const raster::CubeSchema*> schemas;
  for (const auto& input : node.inputs) schemas.push_back(&plans[input.node].outputs[input.output]);
  return schemas;
}

NodePlan plan_block(const Node& node, const PlanSite& site, const std::vector<NodePlan>& plans) {
  auto block = node.block().plan_at(site, input_schemas(node, plans));
  NodePlan plan;
  plan.outputs = std::move(block.outputs);
  plan.time_need = block.time_need;
  plan.halo_pixels = block.halo_pixels;
  plan.scratch_bytes_per_pixel = block.scratch_bytes_per_pixel;
  plan.state_bytes_per_pixel = block.state_bytes_per_pixel;
  plan.resident_bytes = block.resident_bytes;
  plan.least_strip_pixels = block.least_strip_pixels;
  plan.origins = std::move(block.origins);
  return plan;
}

// The bands that each band of an output is made of, by input and name: their order in the cube says
// nothing, as parameters name them.
std::vector<BandOrigin> origins_of(const Node& node, const std::vector<NodePlan>& plans,
                                   const NodePlan& plan, size_t output) {
  const auto name_of = [&](const BandOrigin::From& from) -> const std::string& {
    const auto& input = node.inputs[from.input];
    return plans[input.node].outputs[input.output].bands[from.band].name;
  };
  BandOrigin all;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const auto& input = plans[node.inputs[i].node].outputs[node.inputs[i].output];
    for (size_t band = 0; band < input.bands.size(); ++band) all.from.push_back({i, band});
  }
  std::vector<BandOrigin> origins;
  if (output == 0) origins = plan.origins;
  origins.resize(plan.outputs[output].bands.size(), all);
  for (auto& origin : origins)
    std::sort(origin.from.begin(), origin.from.end(), [&](const auto& a, const auto& b) {
      return std::tie(a.input, name_of(a)) < std::tie(b.input, name_of(b));
    });
  return origins;
}

// How the bands of a node are made that reads no layer as its source.
BandRecipes made_recipes(const ChainRun& chain, size_t n, const std::vector<NodePlan>& plans,
                         const NodePlan& plan, size_t output, const ChainRecipeMaker& recipes,
                         const Layers& infos) {
  const auto& node = chain.chain->nodes[n];
  RecipeParts parts{.node = &node};
  std::vector<const BandRecipes*> inputs;
  for (const auto& input : node.inputs) inputs.push_back(&recipes.of(input));
  parts.inputs = inputs;
  if (node.kind() == OpKind::block) {
    for (const auto& file : chain.files[n]) parts.files.push_back(file.sha256);
    for (const auto& layer : node.block().layers_read())
      parts.layers.push_back(recipe_of_layer(infos.info(layer)));
  }
  return workflow::recipes_of(parts, plan.outputs[output], origins_of(node, plans, plan, output));
}

BandRecipes recipes_of_node(const ChainRun& chain, size_t n, const std::vector<NodePlan>& plans,
                            const NodePlan& plan, size_t output, const ChainRecipeMaker& recipes,
                            const Layers& infos) {
  const auto& node = chain.chain->nodes[n];
  const auto layer = node.kind() == OpKind::source ? node.source().layer() : std::nullopt;
  if (!layer) return made_recipes(chain, n, plans, plan, output, recipes, infos);
  const auto& info = infos.info(*layer);
  return recipes_by_name(info.schema, info.recipes, plan.outputs[output]);
}

// The values of the axes make items of their own even where they change no parameter.
// The text is that of a JSON object with sorted keys.
std::string identity_hash(const ChainRun& chain, const Item& item, const Json& inputs) {
  const auto at = item.at().empty() ? std::string() : "\"at\":" + Json(item.at()).dump() + ",";
  return store::sha256_hex(fmt::format(R"({{{}{},"grid":{},"inputs":{}}})", at, chain.identity,
                                       Json(item.grid.text()).dump(), inputs.dump()));
}

// The files of the layers that a block op is given, for one item.
std::vector<LayerFile> broadcast_to(const Item& item, const BlockOp& op, const Layers& layers) {
  std::vector<LayerFile> files;
  for (const auto& layer : op.layers_read()) {
    auto found = layers.files(layer, item, LayerSelection{});
    if (found.size() != 1 || found.front().empty)
      throw Error(ErrorCode::missing, fmt::format("layer '{}' has no file to work with", layer))
          .at({.item = item.name});
    files.push_back(std::move(found.front()));
  }
  return files;
}

}  // namespace

std::shared_ptr<const Prepared> ChainRun::prepared_for(size_t node, const NodePlan& plan) const {
  if (plan.files.empty()) return prepared[node];
  return layers_prepared->get(node, chain->nodes[node].block(), prepared[node], plan.files);
}

std::string node_key(const Step& step, size_t chain, size_t node) {
  return fmt::format("{}/{}", item_name(step.name, step.chains[chain].labels), node);
}

ItemPlan StepRun::plan(const Item& item, const Layers* layers) const {
  return plan(item, layers, {});
}

ItemPlan StepRun::plan(const Item& item, const Layers* layers,
                       const std::vector<Dropped>& without) const {
  ItemPlan plan;
  plan.item = item;
  plan.zone_grid = (*zones)[item.zone].grid;
  const auto& chain = chain_of(item);
  if (chain.empty) return plan;
  ChainRecipeMaker recipes(*chain.recipes);
  for (size_t n = 0; n < chain.chain->nodes.size(); ++n) {
    const auto& node = chain.chain->nodes[n];
    NodePlan node_plan;
    try {
      if (node.kind() == OpKind::source) {
        const auto& source = *chain.sources[n];
        node_plan.source = without.empty() ? source.plan(item, layers)
                                           : source.plan_without(item, layers, without);
        node_plan.outputs = {node_plan.source.schema};
        plan.slices += node_plan.source.members.size();
        for (const auto& dropped : node_plan.source.dropped) plan.dropped.push_back(dropped);
      } else if (node.kind() == OpKind::block) {
        std::vector<LayerFile> files;
        if (layers != nullptr) files = broadcast_to(item, node.block(), *layers);
        std::vector<const BandRecipes*> of_inputs;
        for (const auto& input : node.inputs) of_inputs.push_back(&recipes.of(input));
        node_plan = plan_block(
            node, {&plan.zone_grid, infos, chain.prepared[n].get(), of_inputs, files}, plan.nodes);
        node_plan.files = std::move(files);
      } else if (node.kind() == OpKind::sink) {
        node_plan.outputs = {node.sink().plan(*input_schemas(node, plan.nodes).front())};
      }
    } catch (Error& error) {
      auto place = node.place;
      place.step = step->name;
      error.at(place);
      throw;
    }
    recipes.add(node_plan.outputs, [&](size_t output) {
      return recipes_of_node(chain, n, plan.nodes, node_plan, output, recipes, *infos);
    });
    plan.nodes.push_back(std::move(node_plan));
  }
  plan.recipes = recipes.finish();
  plan.dropped.insert(plan.dropped.end(), without.begin(), without.end());
  return plan;
}

std::string StepRun::fingerprint(const ItemPlan& plan) const {
  Json inputs = Json::array();
  for (const auto& node : plan.nodes) {
    if (!node.source.identities.empty()) inputs.push_back(node.source.identities);
    for (const auto& file : node.files) inputs.push_back(file.identity());
  }
  const auto& chain = chain_of(plan.item);
  if (plan.recipes)
    for (const auto& node : chain.chain->nodes)
      if (node.kind() == OpKind::sink && node.sink().keeps_recipes())
        inputs.push_back({{"recipes", plan.recipes_of(node.inputs.front())}});
  return identity_hash(chain, plan.item, inputs);
}

std::string StepRun::fingerprint(const Item& item, const Layers& layers) const {
  Json inputs = Json::array();
  for (const auto& layer : step->layers_read) {
    if (std::find(step->layers_made.begin(), step->layers_made.end(), layer) !=
        step->layers_made.end())
      continue;
    Json files = Json::array();
    for (const auto& entry : layers.files(layer, item)) {
      // What is made without an item because `min_ok` allows it is not what an op makes of a gap.
      const auto* const gap = step->policy.min_ok ? "left out" : "gap";
      const auto state = !entry.file ? gap : entry.file->empty ? "empty" : entry.file->identity();
      files.push_back({entry.item.name, state});
    }
    inputs.push_back({layer, files});
  }
  const auto& chain = chain_of(item);
  for (const auto& work : chain.works)
    if (work) inputs.push_back(work->identity(item).value_or(""));
  return identity_hash(chain, item, inputs);
}

}  // namespace geoloom::workflow
