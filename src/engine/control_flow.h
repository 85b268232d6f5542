// SPDX-License-Identifier: Apache-2.0
// Which steps of a run are carried out, and what steps report to conditions and outputs. Everything
// follows from the record and the receipts, so a resumed run, another process and `runs show` come
// to the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/run_state.h"
#include "workflow/run.h"

namespace geoloom::engine {

struct StepDecision {
  enum class Kind {
    carry_out,
    skip,      // its condition is false, or it depends on a step that is skipped
    undecided  // its condition refers to what a step that is not complete would report
  } kind = Kind::carry_out;
  std::string reason;  // why not, in words; empty for carry_out
};

class ControlFlow {
 public:
  // All outlive this; receipts may be added to the state between calls.
  ControlFlow(const workflow::Run& run, const RunState& state);

  // Asked for steps in their order, each once what came before it has ended.
  StepDecision decide(size_t step);

  // What a parameter holds or a step reports; absent for a step that was skipped or has not made
  // it.
  workflow::Scalar value_of(const workflow::ScalarReference& reference) const;
  // Of the document, by name; null for what is absent.
  workflow::OrderedJson outputs() const;

 private:
  StepDecision decided(size_t step) const;
  size_t index_of(const workflow::Step* step) const;
  bool complete(size_t step) const;
  workflow::Scalar count_of(size_t step, const std::string& what) const;
  workflow::Scalar layer_value(size_t step, const std::string& layer,
                               const std::string& metric) const;

  const workflow::Run& run_;
  const RunState& state_;
  std::vector<bool> skipped_;  // by step, false for those not decided yet
};

}  // namespace geoloom::engine
