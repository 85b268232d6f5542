// SPDX-License-Identifier: Apache-2.0
// $name, ${name} and values that begin with '=', for a document and for each use of a component.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "workflow/document.h"

namespace geoloom::workflow {

// The parameters that references see.
struct ParameterScope {
  std::string owner;  // "the document", "component 'features'"
  const std::vector<ParameterDeclaration>* declared = nullptr;
  std::vector<std::string> steps;  // names, for messages
  std::map<std::string, Value> values;
  std::map<std::string, std::string> origins;
  uint8_t depth = 1;  // of components: see Value::late
};

// Gives all declared parameters their values: given ones, or defaults. Throws Error(invalid) for
// unknown ones, those without a value, and wrong types. `how` tells how to give one.
void set_parameters(ParameterScope& scope, const std::map<std::string, GivenParameter>& given,
                    const std::string& how);

// Replaces references in values. A short document must not grow without bound by repeating a large
// parameter, so what comes out is counted.
class Resolver {
 public:
  // May what steps report stand here? It is left as a late expression.
  enum class Late { refused, left };

  explicit Resolver(const ParameterScope& scope);
  void resolve(Value& value, Late late = Late::refused);

 private:
  bool is_late(const Value& value) const;
  void leave_late(Value& value) const;
  void resolve_text(Value& value);
  bool waits_for_item(const std::string& text) const;
  void count(const Value& where, size_t values, size_t bytes);
  const Value& lookup(const Value& where, std::string_view name) const;
  std::string reference_hint(const std::string& name) const;
  std::string substituted(const Value& value);
  std::string text_of(const Value& where, std::string_view name);

  const ParameterScope& scope_;
  std::vector<std::string> parameters_;
  size_t values_ = 0, bytes_ = 0;  // that came out of parameters
};

// The value of a parameter as part of an expression; of a late one its expression.
std::string as_expression(const ScalarReference& reference, const Value& value);

// Throws Error(invalid) for a reference to the item, which only ops know.
void refuse_item_references(const Value& value);

}  // namespace geoloom::workflow
