// SPDX-License-Identifier: Apache-2.0
// What rules about shadows need to know of scenes, found when a series is frozen.
#pragma once

#include <vector>

#include "ops/load/frozen_series.h"
#include "ops/load/mask_rules.h"
#include "workflow/op.h"

namespace geoloom::ops {

class SceneSuns {
 public:
  // The rules must outlive this.
  explicit SceneSuns(const MaskRules& rules) : rules_(rules) {}

  // Puts down where the sun stood, when a rule needs it. Throws Error(invalid) where that is not
  // known, and for shadows that reach too far.
  void find(FrozenScene& scene);
  // Leaves out the scenes with the sun lower than kLowestSun_deg, and counts them; tells for how
  // many scenes it was computed.
  void drop_low(std::vector<FrozenScene>& scenes, workflow::FreezeReport& report) const;

 private:
  const MaskRules& rules_;
  size_t computed_ = 0;
};

// Whether a file holds the band that a rule looks up.
bool holds_looked_up(const FrozenFile& file, const MaskRules& rules, const MaskRule& rule);

}  // namespace geoloom::ops
