// SPDX-License-Identifier: Apache-2.0
// Finds the scenes a `load` names: a folder, a glob, a list file, single files, a STAC item, item
// collection, or catalogue on disk.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/scene.h"

namespace geoloom::catalog {

struct SceneQuery {
  std::vector<std::string> from;  // paths, globs, list files (.txt, .csv: one path a line, first column), STAC .json
  std::string date_pattern;       // for plain files, see geo::time_from_name; empty: try YYYYMMDD[T]HHMMSS, YYYY-MM-DD, YYYYMMDD
  std::vector<std::string> band_names;  // names of a plain file's bands in file order; empty: from the file
  std::optional<geo::Period> period;
  bool keep_given_order = false;  // set for list files and when no scene has a time
};

// What each filter left, for plans and for the one line that users trust.
struct SearchReport {
  std::vector<std::pair<std::string, size_t>> after_filter;  // {"found", 118}, {"in 2018-05..2018-09", 41}
  std::vector<std::string> notes;                            // duplicates dropped, ...
};

struct SceneList {
  std::vector<Scene> scenes;  // sorted, ids unique
  SearchReport report;
};

// Does not open scenes except, for plain files, the first one's header (band names). Throws Error: missing (path does not exist,
// nearest names in the folder as hint), invalid (nothing found; unreadable STAC with the JSON pointer; a list file's line), denied.
// Duplicates (one path or one (collection, id) twice): identical entries are dropped with a note; the same id with
// other assets is Error(invalid).
SceneList find_scenes(const SceneQuery& query);

// The asset and band that carry a band name or common name. Order of search: band name, common
// name, asset key (single-band assets), each exact, then case-insensitive. Throws Error(invalid) with the names that exist and the nearest one.
struct BandPlace {
  size_t asset = 0;
  size_t band = 0;
};
BandPlace find_band(const Scene& scene, const std::string& name);
std::vector<std::string> band_names_of(const Scene& scene);

}  // namespace geoloom::catalog
