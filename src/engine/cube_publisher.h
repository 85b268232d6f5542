// SPDX-License-Identifier: Apache-2.0
// The Zarr cubes of a layer in chunks. Items keep their chunks under names that carry their
// fingerprints; a cube is the friendly name of all of them: links to the chunks (copies in a
// bucket) under the numbers they have on its axes, and the metadata that make them a cube.
#pragma once

#include <string>
#include <vector>

#include "engine/receipts.h"
#include "engine/task_pool.h"
#include "store/store.h"
#include "workflow/item.h"

namespace geoloom::engine {

// What one item contributes.
struct CubeItem {
  const workflow::Item* item = nullptr;
  const Receipt* receipt = nullptr;
  const Output* output = nullptr;
};

struct Cube {
  std::string name;  // in the store: "reflectance.zarr", "trials/<run>/reflectance_33N.zarr"
  geo::Grid grid;
  geo::Window window;                   // of that grid on the zone's
  raster::CubeSchema schema;            // slices of all items, by time and label
  std::vector<std::string> slice_keys;  // by slice: what it is called in all items alike
  std::vector<CubeItem> items;
};

// One cube per zone, and per combination of labels on axes that are not periods. Where tiles are
// not whole numbers of chunks apart, or overlap, also one per tile. `prefix` is that of names, ""
// or "trials/<run>/". Throws Error(invalid) when two items have pixels for one chunk.
std::vector<Cube> cubes_of(const std::string& layer, const std::vector<CubeItem>& items,
                           const std::vector<workflow::Zone>& zones, const std::string& prefix);

// Brings the cube in the store up to date: only chunks that changed their place or their content
// are written, chunks of no item are removed. Afterwards "layers/<layer>/<cube>.json" tells what it
// was made of; while that is not there, the cube may be in between.
void publish_cube(const Cube& cube, const std::string& layer, store::Store& store,
                  TaskPool& requests);

// The record of what a cube was made of, by the cube's name.
std::string cube_record_name(const std::string& cube, const std::string& layer);

}  // namespace geoloom::engine
