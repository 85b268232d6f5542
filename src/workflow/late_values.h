// SPDX-License-Identifier: Apache-2.0
// Late values: what steps report, in `over` and in the parameters of ops of other steps. They are
// not known when a run is created. A step that has them is looked at closely when the steps that it
// refers to have ended; its values are then written beside the run's record, once.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "workflow/scalar_expression.h"
#include "workflow/value.h"

namespace geoloom::workflow {

struct StepDeclaration;

struct LateReference {
  ScalarReference reference;
  Place place;
};

// The value of a reference, absent where a step was skipped or has nothing to say.
struct LateValue {
  ScalarType type = ScalarType::number;
  Scalar value;
};
using LateValues = std::map<std::string, LateValue>;         // by the reference's text, without '$'
using LateValuesByStep = std::map<std::string, LateValues>;  // by the step that refers

// {"quality.measured.mean": {"type": "number", "value": 0.25}}
Json to_json(const LateValues& values);
LateValues late_values_from_json(const Json& json);

// What the ops and axes of a step refer to, each once, in the order of the document.
std::vector<LateReference> late_references(const StepDeclaration& step);
// The late expressions of the ops and axes.
std::vector<const Value*> late_expressions(const StepDeclaration& step);

// Puts values in the place of all late expressions. Where one comes to nothing the step keeps them,
// and StepDeclaration::absent says why. Throws Error(invalid) with the place where types do not fit
// together.
void set_late_values(StepDeclaration& step, const LateValues& values);

}  // namespace geoloom::workflow
