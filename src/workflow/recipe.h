// SPDX-License-Identifier: Apache-2.0
// How a band was made: a fingerprint of the ops and parameters upstream of it, whatever scenes,
// area, tile, machine or block they were applied to. A model says with it whether the features it
// is given were made as those it was trained on (see docs/learning.md).
//
// Part of it: the op, its version, its parameters but those that say which data (Parameter::
// not_recipe, layers' names), what a source says of its bands (SourceOp::recipe_facts), the content
// of files that block ops read, and the recipes of the input bands it is made of. A band that is
// passed on as it is (BandOrigin::unchanged), or kept as a layer and read again, keeps its recipe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "workflow/compile.h"

namespace geoloom::workflow {

// Of the bands of one output, in their order: 16 hexadecimal digits each; empty: not known.
using BandRecipes = std::vector<std::string>;
struct OutputRecipes {
  std::vector<std::string> bands;
  BandRecipes recipes;
};
// By node and output.
using ChainRecipes = std::vector<std::vector<OutputRecipes>>;

// What a node's recipes are made of, beside its op.
struct RecipeParts {
  const Node* node = nullptr;
  Json files = Json::array();                  // checksums, of block ops
  std::vector<std::string> layers;             // recipes of the layers a block op is given
  std::span<const BandRecipes* const> inputs;  // one per input
};

// Of an op's output with these bands; `origins` empty: each is made of all bands of all inputs.
BandRecipes recipes_of(const RecipeParts& parts, const raster::CubeSchema& output,
                       std::span<const BandOrigin> origins);
// Those of the bands of these names.
BandRecipes recipes_by_name(const raster::CubeSchema& known, const BandRecipes& recipes,
                            const raster::CubeSchema& wanted);
// Of what a task makes: one for each band of its layer, or a single one where that has no bands.
BandRecipes recipes_of_task(const Node& node, const LayerInfo& made, const Layers& layers);
// All of a layer's as one.
std::string recipe_of_layer(const LayerInfo& layer);

// The recipes of the last item of a chain: those of the next are the same as long as its nodes have
// the same bands, and need not be made again. Thread-safe.
class RecipeMemory {
 public:
  std::shared_ptr<const ChainRecipes> get() const {
    const std::lock_guard lock(mutex_);
    return kept_;
  }
  void keep(std::shared_ptr<const ChainRecipes> recipes) {
    const std::lock_guard lock(mutex_);
    kept_ = std::move(recipes);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ChainRecipes> kept_;
};

// Makes those of one item, node after node.
class ChainRecipeMaker {
 public:
  explicit ChainRecipeMaker(RecipeMemory& memory) : memory_(memory), remembered_(memory.get()) {}
  const BandRecipes& of(const InputRef& input) const {
    return nodes()[input.node][input.output].recipes;
  }
  // `make` gives the recipes of an output's bands; not called where they are remembered.
  void add(const std::vector<raster::CubeSchema>& outputs,
           const std::function<BandRecipes(size_t output)>& make);
  std::shared_ptr<const ChainRecipes> finish();

 private:
  const ChainRecipes& nodes() const { return remembered_ ? *remembered_ : made_; }
  bool remembers(const std::vector<raster::CubeSchema>& outputs) const;

  RecipeMemory& memory_;
  std::shared_ptr<const ChainRecipes> remembered_;  // null once an output has other bands
  ChainRecipes made_;
  size_t count_ = 0;  // nodes so far
};

}  // namespace geoloom::workflow
