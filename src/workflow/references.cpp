// SPDX-License-Identifier: Apache-2.0
// resolve() of document.h: what refers to parameters gets their values, and components stand where
// they are used, and the chosen profile has its say.
#include "workflow/component.h"
#include "workflow/document_reading.h"
#include "workflow/profile.h"
#include "workflow/resolver.h"

namespace geoloom::workflow {

namespace {

// What is known of late values takes their place.
void set_late(StepDeclaration& step, const LateValuesByStep& late) {
  step.late = late_references(step);
  const auto known = late.find(step.name);
  if (known != late.end() && !step.late.empty()) set_late_values(step, known->second);
  step.waits = !late_expressions(step).empty();
}

}  // namespace

void resolve(Document& document, const std::map<std::string, GivenParameter>& given,
             const LateValuesByStep& late) {
  ParameterScope scope;
  scope.owner = "the document";
  scope.declared = &document.params;
  for (const auto& step : document.steps) scope.steps.push_back(step.name);
  for (const auto& member : document.trials.map) scope.steps.push_back(member.first);
  set_parameters(scope, given, "give it with -p {}=VALUE");
  document.values = scope.values;
  document.origins = scope.origins;
  Resolver resolver(scope);
  resolver.resolve(document.store);
  require_text(document.store, "store");
  refuse_item_references(document.store);
  for (auto& [name, set] : document.trials.map)
    for (auto& [key, value] : set.map)
      if (key == "maximize" || key == "minimize") resolver.resolve(value, Resolver::Late::left);
  for (auto* const value : {&document.area, &document.sources, &document.deadline,
                            &document.closing_timeout, &document.trials}) {
    resolver.resolve(*value);
    refuse_item_references(*value);
  }
  for (auto& call : document.closing) {
    resolver.resolve(call.arguments);
    refuse_item_references(call.arguments);
  }
  document.trial_sets = trial_sets_from(document.trials);
  expand(document, scope);
  apply_profile(document, scope);
  for (auto& step : document.steps) set_late(step, late);
}

}  // namespace geoloom::workflow
