// SPDX-License-Identifier: Apache-2.0
// The failures of a run by cause, as reports list them.
#pragma once

#include "engine/run_facts.h"

namespace geoloom::engine {

// Largest groups first: {"cause", "message", "hint", "scenes", "since", "items", "steps", "sample",
// "examples"}; scenes is how many scenes
// are named, sample one attempt as it was logged, examples the first items by name.
workflow::OrderedJson failures_json(const workflow::Run& run, const RunFacts& facts);

}  // namespace geoloom::engine
