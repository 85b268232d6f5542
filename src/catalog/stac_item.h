// SPDX-License-Identifier: Apache-2.0
// STAC items: reading those of others (1.0 and 1.1), writing ours (1.1).
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catalog/json_document.h"
#include "catalog/scene.h"
#include "raster/cog.h"

namespace geoloom::catalog {

class ArchiveClient;

// One Item as a scene. `document` is the item's file or address, to which relative hrefs refer;
// `pointer` is where the item stands in it. Band names come from bands[].name, eo:bands[].name, or
// the asset key; assets that are not images (by type, or by the roles metadata, thumbnail and
// overview) are left out, so a scene may have none. Assets come finest first, pictures (role
// visual) last, then by key. The identity is left to who decides which assets stay. Throws
// Error(invalid) with file and JSON pointer.
Scene scene_of_item(JsonView item, const std::string& document, const std::string& pointer = "");

// False leaves the scene out. May change the scene, and give it the identity that it does not have
// yet; is called in the order of the items.
using ItemFilter = std::function<bool(Scene&)>;

// Reads an Item, an ItemCollection/FeatureCollection, a Collection or Catalog (follows item and
// child links, on disk and over the network, depth first, each document once, at most 100 000
// items), relative hrefs resolved against the document. Linked documents that do not exist are
// counted in `notes`. `client` asks web servers; null: without credentials. Throws Error: invalid
// with file, line or JSON pointer, missing, denied, unavailable.
std::vector<Scene> read_stac(const std::string& path, std::vector<std::string>* notes = nullptr,
                             ArchiveClient* client = nullptr, const ItemFilter& filter = {});

// What an output item says.
struct OutputItem {
  std::string id;
  std::string layer;
  std::string href;  // relative to the item collection
  std::string media_type = "image/tiff; application=geotiff; profile=cloud-optimized";
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
