// SPDX-License-Identifier: Apache-2.0
// resolve() of document.h: what refers to parameters gets their values, and components stand where
// they are used, and the chosen profile has its say.
#include "workflow/component.h"
#include "workflow/document_reading.h"
#include "workflow/profile.h"
#include "workflow/resolver.h"

namespace geoloom::workflow {

void resolve(Document& document, const std::map<std::string, GivenParameter>& given) {
  ParameterScope scope;
  scope.owner = "the document";
  scope.declared = &document.params;
  for (const auto& step : document.steps) scope.steps.push_back(step.name);
  set_parameters(scope, given, "give it with -p {}=VALUE");
  document.values = scope.values;
  document.origins = scope.origins;
  Resolver resolver(scope);
  resolver.resolve(document.store);
  require_text(document.store, "store");
  refuse_item_references(document.store);
  for (auto* const value :
       {&document.area, &document.sources, &document.deadline, &document.closing_timeout}) {
    resolver.resolve(*value);
    refuse_item_references(*value);
  }
  for (auto& call : document.closing) {
    resolver.resolve(call.arguments);
    refuse_item_references(call.arguments);
  }
  expand(document, scope);
  apply_profile(document, scope);
}

}  // namespace geoloom::workflow
