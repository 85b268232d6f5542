// SPDX-License-Identifier: Apache-2.0
// Scenes: what an archive holds, before any pixel is read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "geo/grid.h"
#include "geo/time.h"

namespace geoloom::catalog {

// A band of an asset, from STAC metadata or from the file itself.
struct AssetBand {
  int number = 1;                               // 1-based in the file
  std::string name;                             // "B04"
  std::string common_name;                      // "red"; empty if unknown
  std::optional<double> scale, offset, nodata;  // absent: the file's own
  // Other names it goes by, from a sensor's description; while scenes are looked up only.
  std::vector<std::string> aliases;
  // Scale and offset were decided for this very scene (processing baseline), so that others of the
  // series may differ: pixels are brought to offset 0, and are signed after that.
  bool offset_by_scene = false;
  // To the values of another sensor: physical value * scale + offset.
  double harmony_scale = 1, harmony_offset = 0;
  friend bool operator==(const AssetBand&, const AssetBand&) = default;
};

// What a catalogue claims of a file's grid (proj:*). Files decide; this is compared with them.
struct DeclaredGrid {
  std::string crs;                // as geo::Crs::parse takes it; empty if not given
  std::vector<double> transform;  // a, b, c, d, e, f: x = a column + b row + c; empty or 6 to 9
  std::vector<double> shape;      // rows, columns; empty or 2
  friend bool operator==(const DeclaredGrid&, const DeclaredGrid&) = default;
};

struct Asset {
  std::string key;   // STAC asset key; "data" for plain files
  std::string href;  // absolute path or URL as given, for people
  std::string path;  // what GDAL opens
  // Plain files get theirs from the first scene's file; a STAC asset that names no bands has one
  // band with the name of its key.
  std::vector<AssetBand> bands;
  std::string checksum;         // STAC file:checksum, empty if not given
  std::optional<int64_t> size;  // file:size
  // Null when nothing is claimed; assets of an item share it. Not kept in records.
  std::shared_ptr<const DeclaredGrid> declared;
};

struct Scene {
  std::string id;                   // STAC id, or the file name without extension
  std::string collection;           // empty for plain files
  std::optional<geo::TimeMs> time;  // of an item with a period: its start
  std::string updated;              // STAC `updated`, part of the identity
  std::vector<Asset> assets;
  std::string baseline;  // of its processing, "05.09"; empty where nothing tells it
  size_t source = 0;     // which of the archives of a `load` it is from
  // What makes this scene these bytes: id, collection, updated, and per asset href without query,
  // checksum or size, and for local files size and modification time (ms). Canonical JSON text.
  std::string identity;
  // Texts, numbers and truth values of the item, for filters; not kept in records.
  std::map<std::string, nlohmann::json> properties;
  // Of a scene whose assets were forgotten though a wanted band was not found: what band_names_of()
  // gave before, for messages. Scenes share it; null otherwise.
  std::shared_ptr<const std::vector<std::string>> known_band_names;
  // For intersection before opening; absent for plain files and across the antimeridian.
  std::optional<geo::Box> bbox_lonlat;

  nlohmann::json to_json() const;
  static Scene from_json(const nlohmann::json& json);  // throws Error(invalid)
};

// The identity as described above; looks at local files.
std::string identity_of(const Scene& scene);

// Orders by (time, collection, id) bytewise; scenes without time come first in given order.
void sort_scenes(std::vector<Scene>& scenes);

}  // namespace geoloom::catalog
