// SPDX-License-Identifier: Apache-2.0
// Expressions over bands, such as  blue > 0.12 and (blue - swir16) / (blue + swir16) > 0.1 :
// parsed once, carried out on rows of samples.
//
//   condition   condition or condition, condition xor condition, condition and condition, not
//   condition
//               (each binds closer than the one before it)
//   comparison  <  <=  >  >=  ==  !=   of two numbers; not chained
//   number      + -, then * / %, then -number, then ^ (or **, from right to left); parentheses
//   functions   see kExpressionFunctions
//   operand     12, 0.5, 1e-3, or a name: letters, digits and _, not a digit first; others stand
//               in double quotes: "8A"
//
// Arithmetic is that of IEEE 754 in the type of the samples, operation by operation, so results are
// the same on every machine: x / 0 is infinite, 0 / 0 and sqrt(-1) are NaN, a number with NaN in it
// is NaN (min and max too), and a comparison with NaN is false, but for != , which is true. `%` has
// the sign of the divisor. exp, ln, sine and so on are computed in double (see elementary.h) and
// rounded. Numbers and conditions do not mix: which is which is checked when the text is parsed.
//
// Where samples may be missing, the rules are those of the openEO processes of the same name: what
// is made of a missing sample is missing, but min and max leave it out, `false and missing` is
// false, `true or missing` is true, if(missing, a, b) is b, and is_valid(missing) is false.
#pragma once

#include <array>
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

// What a step does with the values on top of a stack.
enum class Operation : uint8_t {
  number,
  name,
  // of one value
  negate,
  absolute,
  square_root,
  logical_not,
  exponential,
  natural_logarithm,
  decimal_logarithm,
  binary_logarithm,
  sine,
  cosine,
  tangent,
  arc_sine,
  arc_cosine,
  arc_tangent,
  hyperbolic_sine,
  hyperbolic_cosine,
  hyperbolic_tangent,
  area_hyperbolic_sine,
  area_hyperbolic_cosine,
  area_hyperbolic_tangent,
  floor,
  ceiling,
  round,
  truncate,
  sign,
  is_nan,
  is_infinite,
  is_valid,
  // of two
  add,
  subtract,
  multiply,
  divide,
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
  exclusive_or,
  modulo,
  power,
  logarithm,
  round_to,
  arc_tangent2,
  normalized_difference,
  // of three
  choose,
  between,
  clip,
  // of five
  scale_range,
};

// A function that expressions may call.
struct ExpressionFunction {
  std::string_view name;
  Operation operation;
  uint8_t least, most;      // arguments; 255: any number from `least` on, folded two by two
  bool first_is_condition;  // its first argument
  bool gives_condition;
  std::string_view help;
};
extern const std::span<const ExpressionFunction> kExpressionFunctions;

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
  // The same where samples may be missing: valid[i] has 1 or 0 for each sample of names()[i], and
  // `out_valid` gets it for the results. Values of missing results are unspecified.
  template <class T>
  void evaluate(std::span<const T* const> inputs, std::span<const uint8_t* const> valid,
                size_t pixels, T* out, uint8_t* out_valid) const;

  // One sample; missing ones are not valid.
  template <class T>
  struct Sample {
    T value = 0;
    bool valid = true;
  };
  // One pixel, step by step as written: the reference of evaluate().
  template <class T>
  T evaluate_one(std::span<const T> inputs) const;
  template <class T>
  Sample<T> evaluate_one(std::span<const Sample<T>> inputs) const;

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
