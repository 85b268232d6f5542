// SPDX-License-Identifier: Apache-2.0
// STAC items: reading those of others (1.0 and 1.1), writing ours (1.1).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catalog/scene.h"
#include "raster/cog.h"

namespace geoloom::catalog {

// Reads an Item, an ItemCollection/FeatureCollection, a Collection or Catalog (follows item and child links on
// disk, depth first, each file once, at most 100 000 items), relative hrefs resolved against the file.
std::vector<Scene> read_stac(const std::string& path);

// What an output item says.
struct OutputItem {
  std::string id;
  std::string layer;
  std::string href;  // relative to the item collection
  geo::Grid grid;
  raster::CubeSchema schema;
  raster::CogSummary cog;
  std::optional<geo::Period> period;  // of the scenes or of the composite; absent: null datetime is avoided by `created`
  std::string created;                // RFC 3339; from the receipt
  std::string lineage;                // op chain in words
  std::string software_version;
  std::vector<std::string> derived_from;  // scene ids or hrefs (capped by the caller)
};
nlohmann::ordered_json write_stac_item(const OutputItem& item);
nlohmann::ordered_json write_item_collection(const std::string& layer, const std::vector<OutputItem>& items);

}  // namespace geoloom::catalog
