// SPDX-License-Identifier: Apache-2.0
// Expressions over parameters and what steps report: `when: $quality.stats.valid_share > 0.6`, and
// values that begin with '='. Parsed and checked once, evaluated when what they refer to is known.
//
//   or and not   == != < <= > >= in   + - * / %   ??   ( )   [a, b]
//   true false   12   0.5   1e-3   'a text' or "a text"   $name   $step.output.part
//   min(a, b, ...) max(a, b, ...) abs(a) round(a) length(list or text)
//
// Weakest first: `a ?? b`, or, and, not, comparisons (which do not chain), + and -, * / and %,
// unary -. Types: a boolean, a whole number, a number, a text, a list of those. A whole number may
// stand where a number is wanted. `/` always gives a number, `%` takes whole numbers and has the
// sign of the divisor. Texts compare by their bytes, so dates of one form compare as dates.
//
// Absent values (of steps that were skipped, of numbers that are not finite, of division by zero)
// make a result absent, but `false and absent` is false, `true or absent` is true, and
// `absent ?? b` is b. Whole numbers beyond 64 bits are absent too.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workflow/scalar.h"

namespace geoloom::workflow {

// "$quality.stats.valid_share", as written after the dollar sign.
struct ScalarReference {
  std::string name;  // of the parameter or step
  std::string part;  // "stats.valid_share"; empty: the parameter itself
  std::string text() const { return part.empty() ? name : name + "." + part; }
};

class ScalarExpression {
 public:
  struct Node;
  // What a reference is; throws Error(invalid) for an unknown one.
  using TypeOf = std::function<ScalarType(const ScalarReference&)>;
  using ValueOf = std::function<Scalar(const ScalarReference&)>;

  // Throws Error(invalid) with the column within the text. At most 4096 bytes and 64 levels deep.
  explicit ScalarExpression(std::string text);

  const std::string& text() const { return text_; }
  // In the order of the text, each once.
  const std::vector<ScalarReference>& references() const { return references_; }
  // The text with each reference replaced by what `text_for` gives for it: another reference, or a
  // value in parentheses.
  std::string rewritten(const std::function<std::string(const ScalarReference&)>& text_for) const;
  // The type of the result. Throws Error(invalid) where types do not fit together: "'>' compares a
  // number with a text".
  ScalarType check(const TypeOf& type_of) const;
  // Only after check(), with values of the types it was told, or absent ones.
  Scalar evaluate(const ValueOf& value_of) const;

 private:
  std::string text_;
  std::vector<ScalarReference> references_;
  std::shared_ptr<const Node> root_;
};

}  // namespace geoloom::workflow
