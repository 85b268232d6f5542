// SPDX-License-Identifier: Apache-2.0
// Sums of products of regressors over the dates with samples, then a factorisation L D L' of each
// pixel's small matrix, of kSide pixels side by side.
#include "kernels/least_squares.h"

#include <algorithm>
#include <stdexcept>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/least_squares.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/side_by_side-inl.h"

#ifndef GEOLOOM_KERNELS_LEAST_SQUARES_ONCE
#define GEOLOOM_KERNELS_LEAST_SQUARES_ONCE
namespace geoloom::kernels {
namespace {

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
  double count[kSide];
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

using Doubles = hn::Vec<Lanes>;

// Where samples are, and the samples as doubles.
HWY_INLINE hn::Mask<Lanes> samples_at(const float* values, Doubles& sample) {
  const Lanes d;
  sample = hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, Lanes>(), values));
  return hn::Eq(sample, sample);
}

// to += factors * other
HWY_INLINE void add_products(const double* factors, double other, double* to) {
  const Lanes d;
  const auto by = hn::Set(d, other);
  for (size_t i = 0; i < kSide; i += hn::Lanes(d))
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::Mul(hn::LoadU(d, factors + i), by)), d, to + i);
}

HWY_INLINE void divide(const double* by, double* to) {
  const Lanes d;
  for (size_t i = 0; i < kSide; i += hn::Lanes(d))
    hn::StoreU(hn::Div(hn::LoadU(d, to + i), hn::LoadU(d, by + i)), d, to + i);
}

// One date of kSide pixels.
HWY_INLINE void add_row(const float* values, const double* regressors, size_t columns,
                        const double* products, size_t pairs, Equations& e) {
  const Lanes d;
  double weight[kSide], sample[kSide];
  for (size_t i = 0; i < kSide; i += hn::Lanes(d)) {
    Doubles value;
    const auto there = samples_at(values + i, value);
    const auto one = hn::IfThenElseZero(there, hn::Set(d, 1.0));
    hn::StoreU(one, d, weight + i);
    hn::StoreU(hn::IfThenElseZero(there, value), d, sample + i);
    hn::StoreU(hn::Add(hn::LoadU(d, e.count + i), one), d, e.count + i);
  }
  for (size_t k = 0; k < pairs; ++k) add_products(weight, products[k], e.matrix + k * kSide);
  for (size_t c = 0; c < columns; ++c) add_products(sample, regressors[c], e.right + c * kSide);
}

// Column j of L and pivot j of D, from those before them.
HWY_INLINE void eliminate(size_t j, size_t columns, Equations& e) {
  const Lanes d;
  double* pivot = e.matrix + entry(j, j) * kSide;
  double least[kSide];
  for (size_t i = 0; i < kSide; i += hn::Lanes(d))
    hn::StoreU(hn::Mul(hn::LoadU(d, pivot + i), hn::Set(d, kLeastShare)), d, least + i);
  for (size_t k = 0; k < j; ++k) {
    const double* factor = e.matrix + entry(j, k) * kSide;
    take_products(factor, factor, e.matrix + entry(k, k) * kSide, pivot);
  }
  for (size_t i = 0; i < kSide; ++i) {
    const bool apart = pivot[i] > least[i];
    e.solved[i] = apart ? e.solved[i] : uint8_t{0};
    pivot[i] = apart ? pivot[i] : 1.0;
  }
  for (size_t row = j + 1; row < columns; ++row) {
    double* to = e.matrix + entry(row, j) * kSide;
    for (size_t k = 0; k < j; ++k)
      take_products(e.matrix + entry(row, k) * kSide, e.matrix + entry(j, k) * kSide,
                    e.matrix + entry(k, k) * kSide, to);
    divide(pivot, to);
  }
}

HWY_INLINE void substitute(size_t columns, Equations& e) {
  for (size_t c = 0; c < columns; ++c)
    for (size_t k = 0; k < c; ++k)
      take_products(e.matrix + entry(c, k) * kSide, e.right + k * kSide, e.right + c * kSide);
  for (size_t c = columns; c-- > 0;) {
    divide(e.matrix + entry(c, c) * kSide, e.right + c * kSide);
    for (size_t k = c + 1; k < columns; ++k)
      take_products(e.matrix + entry(k, c) * kSide, e.right + k * kSide, e.right + c * kSide);
  }
}

// `values` are rows of kSide pixels that lie `stride` apart.
void solve(const Regressors& regressors, const Products& products, const float* values,
           size_t stride, Equations& e) {
  const size_t columns = regressors.columns;
  std::fill_n(e.matrix, products.pairs * kSide, 0.0);
  std::fill_n(e.right, columns * kSide, 0.0);
  std::fill_n(e.count, kSide, 0.0);
  std::fill_n(e.solved, kSide, uint8_t{1});
  for (size_t d = 0; d < regressors.dates; ++d)
    add_row(values + d * stride, regressors.row(d), columns,
            products.rows.data() + d * products.pairs, products.pairs, e);
  for (size_t j = 0; j < columns; ++j) eliminate(j, columns, e);
  substitute(columns, e);
}

// Of kSide pixels; rows of values and coefficients lie `stride` apart.
HWY_INLINE void add_squares(const Regressors& regressors, const float* values, size_t stride,
                            const double* coefficients, double* squares) {
  const Lanes d;
  double model[kSide];
  for (size_t t = 0; t < regressors.dates; ++t) {
    const double* regressor = regressors.row(t);
    std::fill_n(model, kSide, 0.0);
    for (size_t c = 0; c < regressors.columns; ++c)
      add_products(coefficients + c * stride, regressor[c], model);
    for (size_t i = 0; i < kSide; i += hn::Lanes(d)) {
      Doubles value;
      const auto there = samples_at(values + t * stride + i, value);
      const auto residual = hn::IfThenElseZero(there, hn::Sub(value, hn::LoadU(d, model + i)));
      hn::StoreU(hn::Add(hn::LoadU(d, squares + i), hn::Mul(residual, residual)), d, squares + i);
    }
  }
}

// Whole groups of kSide pixels.
void add_residual_squares(const Regressors& regressors, const float* values, size_t pixels,
                          const double* coefficients, double* squares) {
  for (size_t first = 0; first + kSide <= pixels; first += kSide)
    add_squares(regressors, values + first, pixels, coefficients + first, squares + first);
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(solve);
HWY_EXPORT(add_residual_squares);

// From pixel `first` on.
void add_square_by_square(const Regressors& regressors, const float* values, size_t pixels,
                          size_t first, const double* coefficients, double* squares) {
  for (size_t p = first; p < pixels; ++p) {
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
      count[first + i] = static_cast<uint32_t>(equations.count[i]);
      solved[first + i] = count[first + i] >= least ? equations.solved[i] : uint8_t{0};
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
  add_square_by_square(regressors, values, pixels, pixels / kSide * kSide, coefficients, squares);
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
  std::fill_n(squares, pixels, 0.0);
  add_square_by_square(regressors, values, pixels, 0, coefficients, squares);
}

}  // namespace reference
}  // namespace geoloom::kernels
#endif  // HWY_ONCE
