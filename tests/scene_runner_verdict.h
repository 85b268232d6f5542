// SPDX-License-Identifier: Apache-2.0
// Whether a case holds: what was drawn is what came out, under all settings, with the pixels that
// the ops' versions promise.
#pragma once

#include <string>
#include <vector>

#include "scene_runner_execution.h"

namespace geoloom::scene_runner {

struct Verdict {
  std::vector<std::string> failures;  // each with file and line
  std::string shown;                  // the results, drawn
  std::string pin;                    // the line that would pin them; empty when they are pinned so
  std::string pin_failure;            // why they are not
  bool pin_refused = false;           // pixels changed, but no op's version did
};

// Runs the case in a temporary folder.
Verdict judge(const SceneCase& scene_case, const workflow::Registry& registry);

}  // namespace geoloom::scene_runner
