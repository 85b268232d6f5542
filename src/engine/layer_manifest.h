// SPDX-License-Identifier: Apache-2.0
// What a layer is, as one document for other programs: "layers/<layer>/layer.json". Receipts tell
// the same item by item; this is the list of a run, with one hash for all of it.
#pragma once

#include <string>

#include "engine/run_state.h"

namespace geoloom::engine {

inline constexpr int kLayerManifestVersion = 1;

// Members: geoloom_layer (the version), layer, step, run, build, domain, media_type, bands, zones
// (name and grid), items_hash, files_hash and items. An item tells its name, zone, window (x, y,
// width, height on the zone's grid), state ("done", "empty", "missing") and fingerprint; one that
// is done also its file (in the store), bytes, sha256, pixel_hash and slices. items_hash is the
// SHA-256 of a line
// "<item> <state> <fingerprint> <pixel hash>" per item, in order: equal hashes mean equal layers,
// whatever run, build and store they are of. files_hash is that of a line "<file> <sha256>" per
// item that has one: where both hashes and what stands before them are equal, all items are.
//
// What stands before `items`, and these: of a hundred thousand items they take a second to write,
// which a run that made nothing new saves.
workflow::OrderedJson layer_head(const workflow::Run& run, size_t step, const RunState& state,
                                 const std::string& layer);
workflow::OrderedJson layer_items(const workflow::Run& run, size_t step, const RunState& state,
                                  const std::string& layer);

}  // namespace geoloom::engine
