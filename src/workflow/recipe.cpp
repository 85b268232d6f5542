// SPDX-License-Identifier: Apache-2.0
#include "workflow/recipe.h"

#include <algorithm>

#include "store/checksum.h"

namespace geoloom::workflow {
namespace {

constexpr size_t kDigits = 16;

std::string digest(const Json& json) {
  return store::sha256_hex(json.dump(-1, ' ', false, Json::error_handler_t::replace))
      .substr(0, kDigits);
}

Json of_band(const RecipeParts& parts, const BandOrigin* origin) {
  Json from = Json::array();
  if (origin != nullptr) {
    for (const auto& [input, band] : origin->from) from.push_back((*parts.inputs[input])[band]);
    return from;
  }
  for (const auto* input : parts.inputs)
    for (const auto& recipe : *input) from.push_back(recipe);
  return from;
}

}  // namespace

BandRecipes recipes_of(const RecipeParts& parts, const raster::CubeSchema& output,
                       std::span<const BandOrigin> origins) {
  BandRecipes recipes;
  for (size_t b = 0; b < output.bands.size(); ++b) {
    const auto* origin = b < origins.size() ? &origins[b] : nullptr;
    auto from = of_band(parts, origin);
    if (origin != nullptr && origin->unchanged && from.size() == 1)
      recipes.push_back(from.front().get<std::string>());
    else
      recipes.push_back(digest({{"op", parts.node->recipe},
                                {"band", output.bands[b].name},
                                {"files", parts.files},
                                {"layers", parts.layers},
                                {"of", std::move(from)}}));
  }
  return recipes;
}

BandRecipes recipes_by_name(const raster::CubeSchema& known, const BandRecipes& recipes,
                            const raster::CubeSchema& wanted) {
  BandRecipes found;
  for (const auto& band : wanted.bands) {
    const int at = known.find_band(band.name);
    const bool there = at >= 0 && static_cast<size_t>(at) < recipes.size();
    found.push_back(there ? recipes[static_cast<size_t>(at)] : std::string());
  }
  return found;
}

BandRecipes recipes_of_task(const Node& node, const LayerInfo& made, const Layers& layers) {
  const auto& task = node.task();
  if (const auto same = task.values_of_layer()) return layers.info(*same).recipes;
  Json from = Json::array();
  for (const auto& layer : task.layers_read()) from.push_back(recipe_of_layer(layers.info(layer)));
  BandRecipes recipes;
  for (size_t b = 0; b < std::max<size_t>(1, made.schema.bands.size()); ++b)
    recipes.push_back(digest({{"op", node.recipe},
                              {"band", made.schema.bands.empty() ? "" : made.schema.bands[b].name},
                              {"of", from}}));
  return recipes;
}

std::string recipe_of_layer(const LayerInfo& layer) {
  return digest(layer.recipes);
}

bool ChainRecipeMaker::remembers(const std::vector<raster::CubeSchema>& outputs) const {
  if (!remembered_) return false;
  const auto& known = (*remembered_)[count_];
  return std::equal(known.begin(), known.end(), outputs.begin(), outputs.end(),
                    [](const OutputRecipes& a, const raster::CubeSchema& b) {
                      return std::equal(
                          a.bands.begin(), a.bands.end(), b.bands.begin(), b.bands.end(),
                          [](const auto& name, const auto& band) { return name == band.name; });
                    });
}

void ChainRecipeMaker::add(const std::vector<raster::CubeSchema>& outputs,
                           const std::function<BandRecipes(size_t output)>& make) {
  if (!remembers(outputs)) {
    std::vector<OutputRecipes> made;
    for (size_t o = 0; o < outputs.size(); ++o) made.push_back({outputs[o].band_names(), make(o)});
    if (remembered_)
      made_.assign(remembered_->begin(), remembered_->begin() + static_cast<ptrdiff_t>(count_));
    remembered_.reset();
    made_.push_back(std::move(made));
  }
  ++count_;
}

std::shared_ptr<const ChainRecipes> ChainRecipeMaker::finish() {
  if (remembered_) return remembered_;
  auto made = std::make_shared<const ChainRecipes>(std::move(made_));
  memory_.keep(made);
  return made;
}

}  // namespace geoloom::workflow
