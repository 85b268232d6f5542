// SPDX-License-Identifier: Apache-2.0
// The tree of a scalar expression, between the parser that makes it and who walks it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "workflow/scalar_expression.h"

namespace geoloom::workflow {

enum class Operator {
  constant,
  reference,
  list,
  coalesce,
  either,
  both,
  negation,  // not
  equal,
  unequal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  member,  // in
  add,
  subtract,
  multiply,
  divide,
  remainder,
  minus,  // unary
  minimum,
  maximum,
  absolute,
  round,
  length,
};

struct ScalarExpression::Node {
  Operator op = Operator::constant;
  std::string name;  // as written: "and", "<=", "min"
  size_t position = 0;
  Scalar constant;
  ScalarReference reference;
  std::vector<Node> parts;
};

// Throws Error(invalid), see ScalarExpression.
ScalarExpression::Node parse_scalar_expression(const std::string& text);

// Names the column, from 1.
Error expression_error(const std::string& text, size_t position, const std::string& message);

}  // namespace geoloom::workflow
