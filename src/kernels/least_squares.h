// SPDX-License-Identifier: Apache-2.0
// Regression of each pixel's series on columns that all pixels share, by the normal equations: for
// harmonic models, trends and what is expected of a series that did not change.
//
// Sample d of pixel p is values[d * pixels + p], NaN where there is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace geoloom::kernels {

inline constexpr size_t kMostRegressors = 16;

// Row d holds the regressors of date d. The equations are solved in double without pivoting: give
// columns of about the same size that are as little alike as possible (times around 0, sines).
struct Regressors {
  size_t dates = 0, columns = 0;  // 1 to kMostRegressors
  std::vector<double> rows;       // dates * columns
  const double* row(size_t d) const { return rows.data() + d * columns; }
};

// Coefficient c of pixel p goes to coefficients[c * pixels + p]. count: samples. solved: 1, or 0
// where there are fewer than min_count or `columns` samples, or where they do not tell the columns
// apart (what is left of a column's square without those before it is below 1e-9 of it);
// coefficients are 0 there. Sums go along time; more than kMostRegressors: std::invalid_argument.
void least_squares(const Regressors& regressors, const float* values, size_t pixels,
                   size_t min_count, double* coefficients, uint32_t* count, uint8_t* solved);

// Sum of squares of the residuals, in the order of time.
void residual_squares(const Regressors& regressors, const float* values, size_t pixels,
                      const double* coefficients, double* squares);

// out[d * pixels + p]: the model's value at each row.
void evaluate(const Regressors& regressors, const double* coefficients, size_t pixels, float* out);

// The same pixel by pixel; every target gives these bytes.
namespace reference {
void least_squares(const Regressors& regressors, const float* values, size_t pixels,
                   size_t min_count, double* coefficients, uint32_t* count, uint8_t* solved);
void residual_squares(const Regressors& regressors, const float* values, size_t pixels,
                      const double* coefficients, double* squares);
}  // namespace reference

}  // namespace geoloom::kernels
