// SPDX-License-Identifier: Apache-2.0
// Finds the scenes a `load` names: a folder, a glob, a list file, single files, a STAC item, item
// collection, or catalogue on disk.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalog/scene.h"

namespace geoloom::catalog {

// An entry of `from` is, in this order:
// - a folder with items.json, collection.json or catalog.json (the first of them is read as STAC);
//   a .SAFE product, or a folder with such products;
//   any other folder: its images (.tif, .tiff, .jp2, any case), or if there are none, those of all
//   folders below. Hidden files are left out.
// - a glob: *, ?, [a-z], [!a-z] within a name, ** for any folders; of the matches, images and STAC
// .json.
// - a table .csv with an id and columns of images, see scenes_of_table;
// - a list file .txt or .csv: a path a line (.csv: first column, a heading is skipped), relative to
//   the list file; '#' starts a comment line.
// - a STAC document: .json or .geojson.
// - an image.
struct SceneQuery {
  std::vector<std::string> from;
  // For plain files, see geo::time_from_name; empty: see time_in_name.
  std::string date_pattern;
  std::vector<std::string> band_names;  // of a plain file, in file order; empty: from the file
  std::optional<geo::Period> period;
  int64_t period_margin_ms = 0;   // scenes so far from it are found as well  // scenes without time
                                  // are then left out, with a note
  bool keep_given_order = false;  // also when all entries are list files, or no scene has a time
  // With `files`, a pattern such as {scene}_{band}.tif, the images of a folder are put together:
  // one asset per {band}. `parts` says which bands a {band} holds, in file order, where several.
  std::string files;
  std::map<std::string, std::vector<std::string>> parts;
};

// What each filter left, for plans and for the one line that users trust.
struct SearchReport {
  std::vector<std::pair<std::string, size_t>>
      after_filter;                // {"found", 118}, {"in 2018-05..2018-09", 41}
  std::vector<std::string> notes;  // duplicates dropped, ...
};

struct SceneList {
  std::vector<Scene> scenes;  // sorted; (collection, id) is unique
  SearchReport report;
};

// Does not open scenes except, for plain files, the first one's header (band names; the next ones
// if that cannot be opened). Bands without description are called by their colour, else
// "band<number>"; alpha bands are left out. Throws Error: missing (path does not exist, nearest
// names in the folder as hint), invalid (nothing found; unreadable STAC with the JSON pointer; a
// list file's line), denied. Duplicates (one path or one (collection, id) twice): identical entries
// are dropped with a note; the same id with other assets is Error(invalid). A period that leaves
// nothing is no error.
SceneList find_scenes(const SceneQuery& query);

// The asset and band that carry a band name or common name. Order of search: band name, common
// name, asset key (single-band assets), aliases, all exactly, then all whatever the case. Throws
// Error(invalid) with the names that exist and the nearest one.
struct BandPlace {
  size_t asset = 0;
  size_t band = 0;
};
std::optional<BandPlace> look_up_band(const Scene& scene, const std::string& name);
BandPlace find_band(const Scene& scene, const std::string& name);
std::vector<std::string> band_names_of(const Scene& scene);

}  // namespace geoloom::catalog
