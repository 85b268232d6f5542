// SPDX-License-Identifier: Apache-2.0
#include "ops/load/scene_shadows.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/load/scene_sun.h"

namespace geoloom::ops {

bool holds_looked_up(const FrozenFile& file, const MaskRules& rules, const MaskRule& rule) {
  const auto names = rules.bands();
  return std::any_of(file.bands.begin(), file.bands.end(), [&](const FrozenBand& band) {
    return band.target == kMaskTarget && rule.looked_up() != nullptr &&
           names.at(band.mask) == rule.looked_up()->band;
  });
}

void SceneSuns::find(FrozenScene& scene) {
  if (!rules_.need_sun()) return;
  const auto sun = sun_of(scene.scene, scene.files.front().grid, rules_.overpass_ms());
  scene.sun = sun.position;
  if (sun.computed) ++computed_;
  if (sun.position.elevation_deg < kLowestSun_deg) return;  // left out
  for (const auto& rule : rules_.rules)
    for (const auto& file : scene.files)
      if (rule.cloud_shadow && holds_looked_up(file, rules_, rule))
        shadow_shifts(*rule.cloud_shadow, *scene.sun, file.grid);  // refuses what is too far
}

void SceneSuns::drop_low(std::vector<FrozenScene>& scenes, workflow::FreezeReport& report) const {
  if (!rules_.need_sun()) return;
  std::erase_if(scenes,
                [](const FrozenScene& scene) { return scene.sun->elevation_deg < kLowestSun_deg; });
  report.after_filter.emplace_back(
      fmt::format("with the sun at least {} degrees high", kLowestSun_deg), scenes.size());
  if (computed_ > 0)
    report.notes.push_back(fmt::format(
        "where the sun stood is computed for {} scenes, whose items do not tell it", computed_));
}

}  // namespace geoloom::ops
