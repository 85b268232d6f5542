// SPDX-License-Identifier: Apache-2.0
// The operations of expressions that are done many pixels at a time, for the CPU at hand. Only
// expression.cpp includes this; the definition is expression_steps.h.
#pragma once

#include "kernels/expression.h"

namespace geoloom::kernels {

// Rows are this long, and all of it is computed: an operation has no other end to care for.
inline constexpr size_t kExpressionRow = 256;

// In place: the operands lie in rows a, a + kExpressionRow, ..., the result in the first of them.
// False for operations that are not done this way.
bool carry_out_row(Operation operation, float* a);
bool carry_out_row(Operation operation, double* a);

}  // namespace geoloom::kernels
