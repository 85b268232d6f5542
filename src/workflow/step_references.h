// SPDX-License-Identifier: Apache-2.0
// What `when`, `outputs` and values that begin with '=' refer to: parameters, and what steps
// report.
//
//   $year                      a parameter
//   $map.state                 'done', 'incomplete' or 'skipped'
//   $map.items.total           of the step; also done, empty, missing
//   $map.composite             the address of a layer that the step makes
//   $check.quality.valid_share what `statistics: {..., as: quality}` measured; of steps with one
//   item $tuning.best.stat          of trials: the best one's value; also best.trial (its label)
//   and
//                              best.score
//   $tuning.trials.done        of trials: how many; also failed, total
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "workflow/compile.h"
#include "workflow/scalar_expression.h"

namespace geoloom::workflow {

// The expression in a text, with or without '=' before it. Throws Error(invalid) with its place.
ScalarExpression expression_in(const Value& text);

// Of a parameter as declared. A value not given is absent.
ScalarType parameter_type(const ParameterDeclaration& declaration);
Scalar scalar_of(const Value& value);
// Of the scalar's kind, at the place of `where`. Not for absent ones.
Value value_of(const Scalar& scalar, const Value& where);

// What stands between the step and the rest: "quality" and "valid_share" of
// "$check.quality.valid_share".
struct StepPart {
  std::string first, rest;
};
StepPart step_part(const ScalarReference& reference);

// The layer of a step that is called so there: of a component's steps layers have the name of its
// use before theirs. Null: it makes none.
const std::string* layer_of(const Step& step, const std::string& name);

// The step a reference is to, or null: a parameter, or trials. Throws Error(invalid) for none of
// them, with the nearest name.
const Step* step_of(const ScalarReference& reference, const Workflow& workflow);
// The steps that have to end before it has a value: of trials those that their objective refers to.
std::vector<const Step*> steps_behind(const ScalarReference& reference, const Workflow& workflow);
// The trials it is to, or null.
const TrialSet* trials_of(const ScalarReference& reference, const Workflow& workflow);

// Throws Error(invalid) for a reference to nothing, or to several values: of a step over trials
// these are meant one by one where `each_of` names the trials. nullopt: the step waits for what
// others report, and its layers are not known yet.
std::optional<ScalarType> type_of(const ScalarReference& reference, const Workflow& workflow,
                                  const std::map<std::string, LayerInfo>& layers,
                                  const std::string& each_of = {});

}  // namespace geoloom::workflow
