// SPDX-License-Identifier: Apache-2.0
// `over` of a step: which axes its items lie on.
#pragma once

#include <vector>

#include "workflow/item.h"
#include "workflow/trials.h"
#include "workflow/value.h"

namespace geoloom::workflow {

// An axis of space, axes of lists, trials, or a list of them; null is the single item. An axis that
// waits for what a step reports has one value, labelled "?", that waits too. Throws Error(invalid)
// with the place.
Domain domain_from(const Value& over, const std::vector<TrialSet>& trials);

// All combinations of the values of the axes, the last axis fastest. They point into `axes`.
std::vector<std::vector<const AxisValue*>> combinations(const std::vector<Axis>& axes);

}  // namespace geoloom::workflow
