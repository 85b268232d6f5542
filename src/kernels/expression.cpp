// SPDX-License-Identifier: Apache-2.0
#include "kernels/expression.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "kernels/expression_rows.h"
#include "kernels/expression_steps.h"

namespace geoloom::kernels {
namespace {

// What one step does to the rows of values on top of the stack: `a` is the deepest operand, and
// becomes the result.
template <class T>
void carry_out(Operation operation, T* a, size_t pixels) {
  if (carry_out_row(operation, a)) return;
  switch (steps::operands_of(operation)) {
    case 1:
      for (size_t i = 0; i < pixels; ++i) a[i] = steps::of_one(operation, a[i]);
      return;
    case 2:
      for (size_t i = 0; i < pixels; ++i)
        a[i] = steps::of_two(operation, a[i], a[i + kExpressionRow]);
      return;
    default:
      for (size_t i = 0; i < pixels; ++i)
        a[i] = steps::of_several(operation, a + i, kExpressionRow);
  }
}

// The same where some may be missing.
template <class T>
void carry_out(Operation operation, T* a, uint8_t* valid, size_t pixels) {
  const size_t operands = steps::operands_of(operation);
  std::array<Expression::Sample<T>, 5> samples;
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t k = 0; k < operands; ++k)
      samples[k] = {a[i + k * kExpressionRow], valid[i + k * kExpressionRow] != 0};
    const auto result = steps::with_missing<T>(operation, samples.data());
    a[i] = result.value;
    valid[i] = result.valid ? 1 : 0;
  }
}

// Operations whose result is missing exactly where one of their operands is.
bool strict(Operation operation) {
  switch (operation) {
    case Operation::is_valid:
    case Operation::is_nan:
    case Operation::is_infinite:
    case Operation::minimum:
    case Operation::maximum:
    case Operation::logical_and:
    case Operation::logical_or:
    case Operation::choose:
      return false;
    default:
      return true;
  }
}

void keep_where_all(uint8_t* valid, size_t operands, size_t pixels) {
  for (size_t k = 1; k < operands; ++k)
    for (size_t i = 0; i < pixels; ++i) valid[i] &= valid[i + k * kExpressionRow];
}

bool all_set(const uint8_t* valid, size_t pixels) {
  return std::memchr(valid, 0, pixels) == nullptr;
}

}  // namespace

template <class T>
void Expression::evaluate(std::span<const T* const> inputs, size_t pixels, T* out) const {
  // Beyond the last pixel rows hold whatever was there before; it is computed with, and not used.
  const auto stack = std::make_unique<T[]>(depth_ * kExpressionRow);
  for (size_t first = 0; first < pixels; first += kExpressionRow) {
    const size_t count = std::min(kExpressionRow, pixels - first);
    T* top = stack.get();  // behind the last value
    for (const Step& step : steps_) {
      if (step.operation == Operation::number) {
        std::fill_n(top, kExpressionRow, static_cast<T>(step.number));
        top += kExpressionRow;
      } else if (step.operation == Operation::name) {
        std::memcpy(top, inputs[step.name] + first, count * sizeof(T));
        top += kExpressionRow;
      } else {
        top -= (steps::operands_of(step.operation) - 1) * kExpressionRow;
        carry_out(step.operation, top - kExpressionRow, count);
      }
    }
    std::memcpy(out + first, stack.get(), count * sizeof(T));
  }
}

template <class T>
void Expression::evaluate(std::span<const T* const> inputs, std::span<const uint8_t* const> valid,
                          size_t pixels, T* out, uint8_t* out_valid) const {
  const auto stack = std::make_unique<T[]>(depth_ * kExpressionRow);
  const auto flags = std::make_unique<uint8_t[]>(depth_ * kExpressionRow);
  for (size_t first = 0; first < pixels; first += kExpressionRow) {
    const size_t count = std::min(kExpressionRow, pixels - first);
    const bool complete = std::all_of(valid.begin(), valid.end(), [&](const uint8_t* each) {
      return all_set(each + first, count);
    });
    size_t height = 0;
    for (const Step& step : steps_) {
      const size_t operands = steps::operands_of(step.operation);
      height -= operands;
      T* const at = stack.get() + height * kExpressionRow;
      uint8_t* const flag = flags.get() + height * kExpressionRow;
      ++height;
      if (step.operation == Operation::number) {
        std::fill_n(at, kExpressionRow, static_cast<T>(step.number));
        if (!complete) std::memset(flag, 1, count);
      } else if (step.operation == Operation::name) {
        std::memcpy(at, inputs[step.name] + first, count * sizeof(T));
        if (!complete) std::memcpy(flag, valid[step.name] + first, count);
      } else if (complete || strict(step.operation)) {
        carry_out(step.operation, at, count);
        if (!complete) keep_where_all(flag, operands, count);
      } else {
        carry_out(step.operation, at, flag, count);
      }
    }
    std::memcpy(out + first, stack.get(), count * sizeof(T));
    if (complete)
      std::memset(out_valid + first, 1, count);
    else
      std::memcpy(out_valid + first, flags.get(), count);
  }
}

template <class T>
Expression::Sample<T> Expression::evaluate_one(std::span<const Sample<T>> inputs) const {
  std::vector<Sample<T>> values;
  for (const Step& step : steps_) {
    if (step.operation == Operation::number) {
      values.push_back({static_cast<T>(step.number), true});
    } else if (step.operation == Operation::name) {
      values.push_back(inputs[step.name]);
    } else {
      const size_t first = values.size() - steps::operands_of(step.operation);
      const auto result = steps::with_missing<T>(step.operation, values.data() + first);
      values.resize(first);
      values.push_back(result);
    }
  }
  return values.back();
}

template <class T>
T Expression::evaluate_one(std::span<const T> inputs) const {
  std::vector<Sample<T>> samples;
  for (const T value : inputs) samples.push_back({value, true});
  return evaluate_one<T>(std::span<const Sample<T>>(samples)).value;
}

template void Expression::evaluate(std::span<const float* const>, size_t, float*) const;
template void Expression::evaluate(std::span<const double* const>, size_t, double*) const;
template void Expression::evaluate(std::span<const float* const>, std::span<const uint8_t* const>,
                                   size_t, float*, uint8_t*) const;
template void Expression::evaluate(std::span<const double* const>, std::span<const uint8_t* const>,
                                   size_t, double*, uint8_t*) const;
template float Expression::evaluate_one(std::span<const float>) const;
template double Expression::evaluate_one(std::span<const double>) const;
template Expression::Sample<float> Expression::evaluate_one(
    std::span<const Expression::Sample<float>>) const;
template Expression::Sample<double> Expression::evaluate_one(
    std::span<const Expression::Sample<double>>) const;

}  // namespace geoloom::kernels
