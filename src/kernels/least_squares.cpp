// SPDX-License-Identifier: Apache-2.0
// Sums of products of regressors over the dates with samples, then a factorisation L D L' of each
// pixel's small matrix. Pixels lie side by side in plain loops that compilers turn into vectors of
// any width.
#include "kernels/least_squares.h"

#include <algorithm>
#include <stdexcept>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/least_squares.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

#ifndef GEOLOOM_KERNELS_LEAST_SQUARES_ONCE
#define GEOLOOM_KERNELS_LEAST_SQUARES_ONCE
namespace geoloom::kernels {
namespace {

constexpr size_t kSide = 16;  // pixels that are solved together
constexpr size_t kMostPairs = kMostRegressors * (kMostRegressors + 1) / 2;
constexpr double kLeastShare = 1e-9;  // of a column's square, that the columns before leave of it

// Products of each row's regressors, lower triangle row by row.
struct Products {
  explicit Products(const Regressors& regressors)
      : pairs(regressors.columns * (regressors.columns + 1) / 2), rows(regressors.dates * pairs) {
    double* next = rows.data();
    for (size_t d = 0; d < regressors.dates; ++d)
      for (size_t i = 0; i < regressors.columns; ++i)
        for (size_t j = 0; j <= i; ++j) *next++ = regressors.row(d)[i] * regressors.row(d)[j];
  }
  size_t pairs;
  std::vector<double> rows;
};

// The equations of kSide pixels. The factors take the place of the matrix.
struct Equations {
  double matrix[kMostPairs * kSide];
  double right[kMostRegressors * kSide];
  uint32_t count[kSide];
  uint8_t solved[kSide];
};

constexpr size_t entry(size_t i, size_t j) {
  return i * (i + 1) / 2 + j;
}

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

// One date of kSide pixels.
HWY_INLINE void add_row(const float* values, const double* regressors, size_t columns,
                        const double* products, size_t pairs, Equations& e) {
  double weight[kSide], sample[kSide];
  for (size_t i = 0; i < kSide; ++i) {
    const bool there = values[i] == values[i];
    weight[i] = there ? 1.0 : 0.0;
    sample[i] = there ? static_cast<double>(values[i]) : 0.0;
    e.count[i] += there ? 1 : 0;
  }
  for (size_t k = 0; k < pairs; ++k) {
    double* HWY_RESTRICT to = e.matrix + k * kSide;
    const double product = products[k];
    for (size_t i = 0; i < kSide; ++i) to[i] += weight[i] * product;
  }
  for (size_t c = 0; c < columns; ++c) {
    double* HWY_RESTRICT to = e.right + c * kSide;
    const double regressor = regressors[c];
    for (size_t i = 0; i < kSide; ++i) to[i] += sample[i] * regressor;
  }
}

// Column j of L and pivot j of D, from those before them.
HWY_INLINE void eliminate(size_t j, size_t columns, Equations& e) {
  double* HWY_RESTRICT pivot = e.matrix + entry(j, j) * kSide;
  double least[kSide];
  for (size_t i = 0; i < kSide; ++i) least[i] = pivot[i] * kLeastShare;
  for (size_t k = 0; k < j; ++k) {
    const double* HWY_RESTRICT factor = e.matrix + entry(j, k) * kSide;
    const double* HWY_RESTRICT other = e.matrix + entry(k, k) * kSide;
    for (size_t i = 0; i < kSide; ++i) pivot[i] -= factor[i] * factor[i] * other[i];
  }
  for (size_t i = 0; i < kSide; ++i) {
    const bool apart = pivot[i] > least[i];
    e.solved[i] = apart ? e.solved[i] : uint8_t{0};
    pivot[i] = apart ? pivot[i] : 1.0;
  }
  for (size_t row = j + 1; row < columns; ++row) {
    double* HWY_RESTRICT to = e.matrix + entry(row, j) * kSide;
    for (size_t k = 0; k < j; ++k) {
      const double* HWY_RESTRICT a = e.matrix + entry(row, k) * kSide;
      const double* HWY_RESTRICT b = e.matrix + entry(j, k) * kSide;
      const double* HWY_RESTRICT between = e.matrix + entry(k, k) * kSide;
      for (size_t i = 0; i < kSide; ++i) to[i] -= a[i] * b[i] * between[i];
    }
    for (size_t i = 0; i < kSide; ++i) to[i] /= pivot[i];
  }
}

HWY_INLINE void substitute(size_t columns, Equations& e) {
  for (size_t c = 0; c < columns; ++c) {
    double* HWY_RESTRICT to = e.right + c * kSide;
    for (size_t k = 0; k < c; ++k) {
      const double* HWY_RESTRICT factor = e.matrix + entry(c, k) * kSide;
      const double* HWY_RESTRICT from = e.right + k * kSide;
      for (size_t i = 0; i < kSide; ++i) to[i] -= factor[i] * from[i];
    }
  }
  for (size_t c = columns; c-- > 0;) {
    double* HWY_RESTRICT to = e.right + c * kSide;
    const double* HWY_RESTRICT pivot = e.matrix + entry(c, c) * kSide;
    for (size_t i = 0; i < kSide; ++i) to[i] /= pivot[i];
    for (size_t k = c + 1; k < columns; ++k) {
      const double* HWY_RESTRICT factor = e.matrix + entry(k, c) * kSide;
      const double* HWY_RESTRICT from = e.right + k * kSide;
      for (size_t i = 0; i < kSide; ++i) to[i] -= factor[i] * from[i];
    }
  }
}

// `values` are rows of kSide pixels that lie `stride` apart.
void solve(const Regressors& regressors, const Products& products, const float* values,
           size_t stride, Equations& e) {
  const size_t columns = regressors.columns;
  std::fill_n(e.matrix, products.pairs * kSide, 0.0);
  std::fill_n(e.right, columns * kSide, 0.0);
  std::fill_n(e.count, kSide, 0U);
  std::fill_n(e.solved, kSide, uint8_t{1});
  for (size_t d = 0; d < regressors.dates; ++d)
    add_row(values + d * stride, regressors.row(d), columns,
            products.rows.data() + d * products.pairs, products.pairs, e);
  for (size_t j = 0; j < columns; ++j) eliminate(j, columns, e);
  substitute(columns, e);
}

// For `pixels` up to any number.
void add_residual_squares(const Regressors& regressors, const float* values, size_t pixels,
                          const double* coefficients, double* squares) {
  double model[kSide];
  for (size_t first = 0; first < pixels; first += kSide) {
    const size_t count = std::min(kSide, pixels - first);
    for (size_t d = 0; d < regressors.dates; ++d) {
      const float* row = values + d * pixels + first;
      const double* regressor = regressors.row(d);
      for (size_t i = 0; i < count; ++i) model[i] = 0;
      for (size_t c = 0; c < regressors.columns; ++c) {
        const double* HWY_RESTRICT coefficient = coefficients + c * pixels + first;
        const double factor = regressor[c];
        for (size_t i = 0; i < count; ++i) model[i] += coefficient[i] * factor;
      }
      double* HWY_RESTRICT sum = squares + first;
      for (size_t i = 0; i < count; ++i) {
        const bool there = row[i] == row[i];
        const double residual = there ? static_cast<double>(row[i]) - model[i] : 0.0;
        sum[i] += residual * residual;
      }
    }
  }
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(solve);
HWY_EXPORT(add_residual_squares);

void check(const Regressors& regressors) {
  if (regressors.columns == 0 || regressors.columns > kMostRegressors)
    throw std::invalid_argument("least_squares: no or too many columns");
}

}  // namespace

void least_squares(const Regressors& regressors, const float* values, size_t pixels,
                   size_t min_count, double* coefficients, uint32_t* count, uint8_t* solved) {
  check(regressors);
  const size_t columns = regressors.columns, least = std::max(min_count, columns);
  const Products products(regressors);
  Equations equations;
  std::vector<float> rest(regressors.dates * kSide);
  for (size_t first = 0; first < pixels; first += kSide) {
    const size_t width = std::min(kSide, pixels - first);
    const float* from = values + first;
    if (width < kSide) {
      for (size_t d = 0; d < regressors.dates; ++d) {
        std::copy_n(from + d * pixels, width, rest.data() + d * kSide);
        std::fill_n(rest.data() + d * kSide + width, kSide - width, 0.0F);
      }
      from = rest.data();
    }
    HWY_DYNAMIC_DISPATCH(solve)
    (regressors, products, from, width < kSide ? kSide : pixels, equations);
    for (size_t i = 0; i < width; ++i) {
      count[first + i] = equations.count[i];
      solved[first + i] = equations.count[i] >= least ? equations.solved[i] : uint8_t{0};
      for (size_t c = 0; c < columns; ++c)
        coefficients[c * pixels + first + i] =
            solved[first + i] != 0 ? equations.right[c * kSide + i] : 0.0;
    }
  }
}

void residual_squares(const Regressors& regressors, const float* values, size_t pixels,
                      const double* coefficients, double* squares) {
  std::fill_n(squares, pixels, 0.0);
  HWY_DYNAMIC_DISPATCH(add_residual_squares)(regressors, values, pixels, coefficients, squares);
}

void evaluate(const Regressors& regressors, const double* coefficients, size_t pixels, float* out) {
  std::vector<double> model(pixels);
  for (size_t d = 0; d < regressors.dates; ++d) {
    std::fill(model.begin(), model.end(), 0.0);
    for (size_t c = 0; c < regressors.columns; ++c)
      for (size_t p = 0; p < pixels; ++p)
        model[p] += coefficients[c * pixels + p] * regressors.row(d)[c];
    for (size_t p = 0; p < pixels; ++p) out[d * pixels + p] = static_cast<float>(model[p]);
  }
}

namespace reference {
namespace {

// Solves `matrix` x = `right` in place; false where the columns are not told apart.
bool solve_one(size_t columns, std::vector<double>& matrix, std::vector<double>& right) {
  bool apart = true;
  for (size_t j = 0; j < columns; ++j) {
    double& pivot = matrix[entry(j, j)];
    const double least = pivot * kLeastShare;
    for (size_t k = 0; k < j; ++k)
      pivot -= matrix[entry(j, k)] * matrix[entry(j, k)] * matrix[entry(k, k)];
    if (!(pivot > least)) {
      apart = false;
      pivot = 1;
    }
    for (size_t row = j + 1; row < columns; ++row) {
      for (size_t k = 0; k < j; ++k)
        matrix[entry(row, j)] -= matrix[entry(row, k)] * matrix[entry(j, k)] * matrix[entry(k, k)];
      matrix[entry(row, j)] /= pivot;
    }
  }
  for (size_t c = 0; c < columns; ++c)
    for (size_t k = 0; k < c; ++k) right[c] -= matrix[entry(c, k)] * right[k];
  for (size_t c = columns; c-- > 0;) {
    right[c] /= matrix[entry(c, c)];
    for (size_t k = c + 1; k < columns; ++k) right[c] -= matrix[entry(k, c)] * right[k];
  }
  return apart;
}

}  // namespace

void least_squares(const Regressors& regressors, const float* values, size_t pixels,
                   size_t min_count, double* coefficients, uint32_t* count, uint8_t* solved) {
  check(regressors);
  const size_t columns = regressors.columns;
  for (size_t p = 0; p < pixels; ++p) {
    std::vector<double> matrix(entry(columns, 0)), right(columns);
    count[p] = 0;
    for (size_t d = 0; d < regressors.dates; ++d) {
      const float value = values[d * pixels + p];
      if (value != value) continue;
      ++count[p];
      const double* row = regressors.row(d);
      for (size_t i = 0; i < columns; ++i) {
        for (size_t j = 0; j <= i; ++j) matrix[entry(i, j)] += row[i] * row[j];
        right[i] += value * row[i];
      }
    }
    const bool apart = solve_one(columns, matrix, right);
    solved[p] = apart && count[p] >= std::max(min_count, columns) ? 1 : 0;
    for (size_t c = 0; c < columns; ++c)
      coefficients[c * pixels + p] = solved[p] != 0 ? right[c] : 0.0;
  }
}

void residual_squares(const Regressors& regressors, const float* values, size_t pixels,
                      const double* coefficients, double* squares) {
  for (size_t p = 0; p < pixels; ++p) {
    squares[p] = 0;
    for (size_t d = 0; d < regressors.dates; ++d) {
      const float value = values[d * pixels + p];
      if (value != value) continue;
      double model = 0;
      for (size_t c = 0; c < regressors.columns; ++c)
        model += coefficients[c * pixels + p] * regressors.row(d)[c];
      squares[p] += (value - model) * (value - model);
    }
  }
}

}  // namespace reference
}  // namespace geoloom::kernels
#endif  // HWY_ONCE
