// SPDX-License-Identifier: Apache-2.0
// Runs a case through the real engine, and its chains once more in blocks and on CPU targets that
// such small rasters would never meet.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/runner.h"
#include "scene_runner_case.h"
#include "scene_runner_stage.h"
#include "workflow/registry.h"

namespace geoloom::scene_runner {

struct MadeBand {
  std::string name;
  std::string type;
  Plane plane;
};

// The type of a band that stands for a single value that was measured.
inline constexpr const char* kMetricType = "metric";

// A layer as its files tell: tiles joined, and of them what was drawn.
struct MadeLayer {
  std::vector<MadeBand> bands;
  workflow::LayerKind kind = workflow::LayerKind::cube;
  std::vector<std::string> labels;  // of the slices
  std::string pixel_hash;
  std::map<std::string, std::string> checksums;  // SHA-256 by item
};

struct Made {
  std::map<std::string, MadeLayer> layers;
  std::string ops;    // "load@1 median_rgb@1 save@2"
  std::string error;  // the first one; empty when all went well
  engine::RunSummary summary;
};

struct Settings {
  std::string name;  // for messages
  Placement placement;
  unsigned threads = 1;
};

Made run_case(const SceneCase& scene_case, const workflow::Registry& registry,
              const std::string& folder, const Settings& settings);

// The same files from other blocks, batches and strips, and from every CPU target. Returns what
// differed.
std::vector<std::string> weave_otherwise(const SceneCase& scene_case,
                                         const workflow::Registry& registry,
                                         const std::string& folder, const Made& made,
                                         const Settings& settings);

}  // namespace geoloom::scene_runner
