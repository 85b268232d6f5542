// SPDX-License-Identifier: Apache-2.0
// STAC items: reading those of others (1.0 and 1.1), writing ours (1.1).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catalog/scene.h"
#include "raster/cog.h"

namespace geoloom::catalog {

// Reads an Item, an ItemCollection/FeatureCollection, a Collection or Catalog (follows item and
// child links on disk, depth first, each file once, at most 100 000 items), relative hrefs resolved
// against the file. Band names come from bands[].name, eo:bands[].name, or the asset key; assets
// that are not images (by type, or by the roles metadata, thumbnail and overview) are left out, so
// a scene may have none. Assets come finest first, pictures (role visual) last, then by key. Links
// that are not followed (network, or no such file) are counted in `notes`. Throws Error: invalid
// with file, line or JSON pointer, missing, denied.
std::vector<Scene> read_stac(const std::string& path, std::vector<std::string>* notes = nullptr);

// What an output item says.
struct OutputItem {
  std::string id;
  std::string layer;
  std::string href;  // relative to the item collection
  geo::Grid grid;
  raster::CubeSchema schema;
  raster::CogSummary cog;
  // Of the scenes or of the composite; when absent, datetime is `created`: it must not be null.
  std::optional<geo::Period> period;
  std::string created;  // RFC 3339; from the receipt
  std::string lineage;  // op chain in words
  std::string software_version;
  std::vector<std::string> derived_from;  // scene ids or hrefs (capped by the caller)
};
// The asset's key is the layer.
nlohmann::ordered_json write_stac_item(const OutputItem& item);
nlohmann::ordered_json write_item_collection(const std::string& layer,
                                             const std::vector<OutputItem>& items);

}  // namespace geoloom::catalog
