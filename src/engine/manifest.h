// SPDX-License-Identifier: Apache-2.0
// Friendly names for what receipts tell: a STAC item collection per layer, and a plain copy of
// every layer that is one file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/run_state.h"
#include "engine/task_pool.h"
#include "store/store.h"

namespace geoloom::engine {

struct Published {
  std::string layer;
  std::string items_path;  // the STAC item collection; empty for pictures
  std::string map_path;    // "out/median.tif", "out/median.zarr"; empty for tiled layers
};

// Writes "layers/<layer>/layer.json" (engine/layer_manifest.h), "layers/<layer>/items.json" and,
// for layers of the single item `all`, "<layer>.tif" (or
// ".png") at the root of the store; of layers in chunks the cubes (engine/cube_publisher.h), which
// are published one entry each. `requests` are as many as may be in flight. A trial run writes
// below "trials/<run id>/" instead, so that it cannot replace the whole map by a part of it.
std::vector<Published> publish_step(const workflow::Run& run, size_t step, const RunState& state,
                                    store::Store& store, const store::Scratch& scratch,
                                    TaskPool& requests);

// Where people find a layer: the address of its one file, or of the list of its files (items.json,
// or layer.json for what is no raster). nullopt when nothing of it has been made.
std::optional<std::string> layer_address(const workflow::Run& run, size_t step,
                                         const RunState& state, const std::string& layer);

}  // namespace geoloom::engine
