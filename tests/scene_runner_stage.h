// SPDX-License-Identifier: Apache-2.0
// A case made real: its scenes as GeoTIFFs in a folder, and the document that works on them.
#pragma once

#include <map>
#include <string>

#include "scene_runner_case.h"
#include "workflow/document.h"

namespace geoloom::scene_runner {

// Writes scenes below "<folder>/scenes" and files below "<folder>/files".
void write_inputs(const SceneCase& scene_case, const std::string& folder);

// Where the drawing lies on the area's grid. The smallest tile is larger than most drawings: they
// are cut by a grid that begins so many pixels above and left of them.
struct Placement {
  int64_t tile = 0;
  int64_t margin = 0;
};
inline constexpr int64_t kSmallestTile = 16;

// The document of the case, resolved. Ops keep the lines of the scene file, so that what the engine
// complains about is found there.
workflow::Document document_of(const SceneCase& scene_case, const std::string& folder,
                               const std::string& store, const Placement& placement);

}  // namespace geoloom::scene_runner
