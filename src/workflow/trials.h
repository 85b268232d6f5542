// SPDX-License-Identifier: Apache-2.0
// Trials: combinations of values that are tried out, and which of them did best. An entry of
// `trials`:
//
//   tuning:
//     grid: {stat: [median, max], least: 1..3}             every combination, the last key fastest
//     list: [{stat: median, least: 1}, {stat: max, least: 3}]
//     random: {count: 20, seed: 42, of: {stat: [median, max], rate: {range: 0.001..0.1, scale:
//     log}}} maximize: $quality.measured.valid_share              or minimize:, of steps over these
//     trials tolerate: 2                                          trials that may fail
//
// A step that is carried out `over: {trials: tuning}` has the values of its trial as `$item.stat`
// and `$item.least`. Later ops and axes have those of the best one as `$tuning.best.stat`.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "workflow/axis.h"
#include "workflow/parameters.h"
#include "workflow/value.h"

namespace geoloom::workflow {

struct TrialSet {
  std::string name;
  // The axis of that name: labels are made of the values ("median-3"), and each value is a map.
  Axis axis;
  std::vector<std::string> parameters;  // the keys of each map
  std::optional<Value> objective;       // an expression
  bool maximize = true;
  size_t tolerate = 0;
  Place place;
};

// What became of the trials of a set, once all had ended.
struct TrialOutcome {
  struct Trial {
    std::string label;
    std::optional<double> score;  // nullopt: it failed
  };
  std::vector<Trial> trials;  // in the set's order
  std::string best;           // its label
  size_t failed() const;
  bool gave_up(const std::string& label) const;
};
// Which of the scores is best: the first of equal ones. nullopt when more failed than are
// tolerated.
std::optional<TrialOutcome> outcome_of(const TrialSet& set,
                                       const std::vector<std::optional<double>>& scores);
Json to_json(const TrialOutcome& outcome);
TrialOutcome trial_outcome_from_json(const Json& json);

// Of an entry as it stands in the document. Throws Error(invalid) for unknown keys.
void check_trials(const std::string& name, const Value& value);

// Of references resolved. Throws Error(invalid) with the place.
std::vector<TrialSet> trial_sets_from(const Value& trials);

// Null when there is none of that name.
const TrialSet* find_trials(const std::vector<TrialSet>& sets, const std::string& name);

}  // namespace geoloom::workflow
