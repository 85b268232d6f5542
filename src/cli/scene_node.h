// SPDX-License-Identifier: Apache-2.0
// Where a document loads scenes: for commands that look at scenes as a workflow would.
#pragma once

#include <cstddef>
#include <string>

#include "workflow/run.h"

namespace geoloom::cli {

// The first step that loads scenes, or the one that --step names, and its first such op.
struct SceneNode {
  const workflow::StepRun* step = nullptr;
  size_t node = 0;
};
// Throws Error(invalid) where there is none; `wanted` empty: the first.
SceneNode scene_node(const workflow::Run& run, const std::string& wanted);

}  // namespace geoloom::cli
