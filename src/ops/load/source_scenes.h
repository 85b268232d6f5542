// SPDX-License-Identifier: Apache-2.0
// The scenes of the archives that a `load` names by `source`.
#pragma once

#include <vector>

#include "catalog/archive_search.h"
#include "ops/load/load_parameters.h"
#include "workflow/op.h"

namespace geoloom::ops {

// Asks each source for the load's period and the zones' extent; counts and notes go into the
// report. Scenes of several sources are ordered together. Throws Error as search_archive does.
catalog::ArchiveScenes find_source_scenes(const LoadParameters& parameters,
                                          const std::vector<workflow::Zone>& zones,
                                          workflow::FreezeReport& report);

// The credentials of a source, looked up; nothing of them may be kept.
catalog::ArchiveAccess access_of(const workflow::SourceParameters& source);

// From the clearest on, by the property eo:cloud_cover; those that do not tell it come last, equal
// ones stay in their order. Throws Error(invalid) when none of several tells it.
void sort_by_cloud_cover(std::vector<catalog::Scene>& scenes);

}  // namespace geoloom::ops
