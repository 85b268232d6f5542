// SPDX-License-Identifier: Apache-2.0
// Names of classes in mask rules: what the sensor of a source says they are.
#pragma once

#include <vector>

#include "ops/load/mask_rules.h"
#include "workflow/source_parameters.h"

namespace geoloom::ops {

// Replaces names by the numbers, or fields of bits, that they stand for, and `classes` by what it
// drops; fills in the band where a rule names none. All sensors of the sources have to agree.
// Throws Error(invalid) that lists the names there are.
void name_classes(MaskRules& rules, const std::vector<workflow::SourceParameters>& sources);

}  // namespace geoloom::ops
