// SPDX-License-Identifier: Apache-2.0
// The operations of expressions that are done many pixels at a time, for the CPU at hand. Only
// expression.cpp includes this; the definition is expression_steps.h.
#pragma once

#include "kernels/expression.h"

namespace geoloom::kernels {

// Rows are this long, and all of it is computed: an operation has no other end to care for.
inline constexpr size_t kExpressionRow = 256;

// to = operation(operands[0], operands[1], ...), which are rows; `to` may be one of them. False for
// operations that are not done this way.
bool carry_out_row(Operation operation, const float* const* operands, float* to);
bool carry_out_row(Operation operation, const double* const* operands, double* to);

// to[i] = a[i] & b[i]; `to` may be one of them.
void keep_where_both(const uint8_t* a, const uint8_t* b, size_t pixels, uint8_t* to);

}  // namespace geoloom::kernels
