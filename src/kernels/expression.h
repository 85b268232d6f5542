// SPDX-License-Identifier: Apache-2.0
// Expressions over bands, such as  blue > 0.12 and (blue - swir16) / (blue + swir16) > 0.1 :
// parsed once, carried out on rows of samples.
//
//   condition   condition or condition, condition and condition, not condition   (not binds
//   closest) comparison  <  <=  >  >=  ==  !=   of two numbers; not chained number      + - * /,
//   -number, parentheses; abs(a), sqrt(a), min(a, b, ...), max(a, b, ...) operand     12, 0.5,
//   1e-3, or a name: letters, digits and _, not a digit first; others stand
//               in double quotes: "8A"
//
// Arithmetic is that of IEEE 754 in the type of the samples, operation by operation, so results are
// the same on every machine: x / 0 is infinite, 0 / 0 and sqrt(-1) are NaN, a number with NaN in it
// is NaN (min and max too), and a comparison with NaN is false, but for != , which is true.
// Numbers and conditions do not mix: which is which is checked when the text is parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom::kernels {

// What is wrong with a text, and where: `position` counts its characters from 0.
class ExpressionError : public std::runtime_error {
 public:
  ExpressionError(const std::string& what, size_t where)
      : std::runtime_error(what), position(where) {}
  size_t position;
};

inline constexpr size_t kMostExpressionCharacters = 4096;
inline constexpr size_t kMostExpressionDepth = 64;  // values that are kept at a time

// Immutable, so that threads can share it.
class Expression {
 public:
  // Throws ExpressionError.
  static Expression parse(std::string_view text);

  bool is_condition() const { return condition_; }
  // Each once, as they appear.
  const std::vector<std::string>& names() const { return names_; }
  // One text for all ways to write the same operations: "((blue > 0.12) and (not cloudy))".
  const std::string& canonical() const { return canonical_; }

  // inputs[i] are the samples of names()[i]. Conditions become 1 or 0. T is float or double; `out`
  // may be one of the inputs.
  template <class T>
  void evaluate(std::span<const T* const> inputs, size_t pixels, T* out) const;
  // One pixel, step by step as written: the reference of evaluate().
  template <class T>
  T evaluate_one(std::span<const T> inputs) const;

  enum class Operation : uint8_t {
    number,
    name,
    add,
    subtract,
    multiply,
    divide,
    negate,
    absolute,
    square_root,
    minimum,
    maximum,
    less,
    less_equal,
    greater,
    greater_equal,
    equal,
    not_equal,
    logical_and,
    logical_or,
    logical_not,
  };
  // Postfix: each takes its operands from the values before it.
  struct Step {
    Operation operation;
    size_t name = 0;    // of names()
    double number = 0;  // rounded to T when it is used
  };

 private:
  std::vector<Step> steps_;
  std::vector<std::string> names_;
  std::string canonical_;
  size_t depth_ = 0;
  bool condition_ = false;
};

}  // namespace geoloom::kernels
