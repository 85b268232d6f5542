// SPDX-License-Identifier: Apache-2.0
// What a step that works on whole layers does without: by default each of its ops decides about
// items that were not made; with `min_ok` the step goes on when enough of each layer are there, and
// the others count as empty.
#pragma once

#include <string>
#include <vector>

#include "workflow/run.h"

namespace geoloom::engine {

struct LayerGaps {
  std::string layer;
  size_t items = 0;                  // of the layer that the gathering item reads
  std::vector<std::string> missing;  // names of those without a receipt
};

// Of the layers that a gathering step's item reads from other steps; those without gaps are left
// out.
std::vector<LayerGaps> gaps_of(const workflow::StepRun& step, const workflow::Item& item,
                               const workflow::Layers& layers);

// Without `min_ok`, or when a step gathers nothing, always true.
bool enough_to_gather(const workflow::StepRun& step, const workflow::Item& item,
                      const workflow::Layers& layers);

// What is to be noted of the gaps that `min_ok` allows, a line per layer; without it nothing.
// Throws Error(missing) when more are missing.
std::vector<std::string> notes_of_gaps(const workflow::StepRun& step, const workflow::Item& item,
                                       const workflow::Layers& layers);

}  // namespace geoloom::engine
