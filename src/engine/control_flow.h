// SPDX-License-Identifier: Apache-2.0
// Which steps of a run are carried out, and what steps report to conditions and outputs. Everything
// follows from the record and the receipts, so a resumed run, another process and `runs show` come
// to the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/run_state.h"
#include "workflow/late_values.h"
#include "workflow/run.h"

namespace geoloom::engine {

struct StepDecision {
  enum class Kind {
    carry_out,
    skip,      // its condition is false, or it depends on a step that is skipped
    undecided  // it refers to what a step that is not complete would report
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
  // What a step that waits refers to. nullopt: some of it is not known, and will not be before the
  // steps behind it are complete; `why` says which.
  std::optional<workflow::LateValues> late_values(size_t step, std::string& why) const;
  // Of trials whose steps have ended; nullopt when more failed than are tolerated.
  std::optional<workflow::TrialOutcome> trial_outcome(const workflow::TrialSet& trials) const;
  // Of the document, by name; null for what is absent.
  workflow::OrderedJson outputs() const;

 private:
  StepDecision decided(size_t step) const;
  StepDecision by_condition(size_t step) const;
  StepDecision by_late_values(size_t step) const;
  // Why the reference has no value yet; empty: it has, or never will.
  std::string undecided(const workflow::ScalarReference& reference) const;
  workflow::Scalar value_of(const workflow::ScalarReference& reference,
                            const std::string& trial) const;
  workflow::Scalar trial_value(const workflow::TrialSet& trials, const std::string& part) const;
  size_t index_of(const workflow::Step* step) const;
  bool complete(size_t step) const;
  workflow::Scalar count_of(size_t step, const std::string& what) const;
  workflow::Scalar layer_value(size_t step, const std::string& layer, const std::string& metric,
                               const std::string& trial) const;

  const workflow::Run& run_;
  const RunState& state_;
  std::vector<bool> skipped_;  // by step, false for those not decided yet
};

}  // namespace geoloom::engine
