// SPDX-License-Identifier: Apache-2.0
// Scenes of several files without STAC: folders whose names say what belongs together, products in
// SAFE folders, and tables.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/scene.h"

namespace geoloom::catalog {

// `names` are files below `folder`. A pattern such as "{scene}_{band}.tif" is held against the file
// name, or, when it has a '/', against the end of the path; {scene} is as long as possible, and the
// same wherever it stands; '*' is any run without '/'. Files that do not match are no part of any
// scene. Without {band} a scene is one file. One asset per {band}, called by it; `parts` says which
// bands such a file holds, in file order. `date_pattern` as for geo::time_from_name, held against
// the scene's name; empty: the first date there. Throws Error(invalid) for a bad pattern, two files
// of one scene and band, and when nothing matches.
struct FolderPattern {
  std::string files, date_pattern;
  std::map<std::string, std::vector<std::string>> parts;
};
std::vector<Scene> scenes_of_folder(const std::string& folder,
                                    const std::vector<std::string>& names,
                                    const FolderPattern& pattern);

// Whether a path leads into a product folder: "a/S2A_....SAFE/GRANULE/...".
bool in_safe_folder(const std::string& path);
// The Sentinel-2 products (*.SAFE) among the files below `folder`, from names and, where it is
// there, MTD_MSIL*.xml: bands by number, each at all its resolutions, the finest first; properties
// platform, s2:processing_baseline, s2:mgrs_tile, s2:product_uri, eo:cloud_cover.
std::vector<Scene> scenes_of_safe(const std::string& folder, const std::vector<std::string>& names);

// A table of scenes: CSV with a heading that names `id` (or scene) and columns that hold images,
// one per band, relative to the table; `datetime` (date, time) and `collection` mean what they
// say, other columns are properties. nullopt when it is no such table. Throws Error(invalid) with
// the line.
std::optional<std::vector<Scene>> scenes_of_table(const std::string& text, const std::string& path);

// The time in a name: the first of .AYYYYDDD. (the day of the year, of MODIS and VIIRS products),
// YYYYMMDD[T]HHMMSS, YYYY-MM-DD, YYYYMMDD that stands as a run of digits of its own. A day without
// a time of day is its midnight in UTC, which geo::observed_day takes for that day wherever it
// lies.
std::optional<geo::TimeMs> time_in_name(std::string_view name);

}  // namespace geoloom::catalog
