// SPDX-License-Identifier: Apache-2.0
// The scenes of an archive that are wanted: found, filtered one filter after another, named and
// scaled by what is known of their sensor, reduced to the newest of each acquisition.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/archive_client.h"
#include "catalog/property_filter.h"
#include "catalog/scene_search.h"
#include "catalog/sensor.h"
#include "geo/grid.h"
#include "geo/time.h"

namespace geoloom::catalog {

// One collection of an archive, or all it holds.
struct CollectionQuery {
  std::string id;  // empty: any
  Sensor sensor;
  OffsetChoice offset;
  std::vector<PropertyCondition> where;
  // By a name of the band: physical value -> value * scale + offset.
  struct Harmony {
    double scale = 1, offset = 0;
  };
  std::map<std::string, Harmony> harmonise;
};

struct ArchiveQuery {
  std::string name;                          // for counts and messages
  std::string stac;                          // an API, or a static document; else:
  SceneQuery plain;                          // what `from` names
  std::vector<CollectionQuery> collections;  // at least one
  // Half-open. A STAC API is asked for a day more on either side, so that who bins by local dates
  // finds its scenes; then scenes outside of `period` grown by `period_margin_ms` are left out.
  std::optional<geo::Period> period;
  int64_t period_margin_ms = 0;
  // Longitudes and latitudes; a scene is wanted that touches one. Empty: anywhere. Scenes whose
  // extent is not known, or reaches over the antimeridian, are kept: their files decide.
  std::vector<geo::Box> near;
  std::optional<geo::Box> bbox;          // and this one
  std::vector<PropertyCondition> where;  // of all collections
  std::string exclude;                   // CSV of id, reason; empty: none
  // Assets that carry none of these bands are forgotten; empty: all are kept. Where a band is not
  // found the scene remembers the names that there were, so that an error can tell them.
  std::vector<std::string> bands;
  std::vector<std::string> properties;  // of items that scenes keep; others are forgotten
  size_t most_items = 100'000;
  ArchiveAccess access;
};

struct ExcludedScene {
  std::string id, reason;
  std::optional<geo::Box> bbox_lonlat;
};

struct ArchiveScenes {
  std::vector<Scene> scenes;  // sorted; (collection, id) is unique
  SearchReport report;
  std::vector<ExcludedScene> excluded;  // that would have been used otherwise
  OffsetReport offsets;
};

// Throws Error as StacApi, read_stac and find_scenes do; invalid for an exclude file that cannot be
// understood (with the line). Finding nothing is no error here.
ArchiveScenes search_archive(const ArchiveQuery& query);

// The lines of an exclude file: id -> reason. A heading (id, scene, scene_id) and lines with '#'
// are skipped; an id may be that of the item or the name of its product, with or without .SAFE.
std::map<std::string, std::string> read_exclusions(const std::string& path);

}  // namespace geoloom::catalog
