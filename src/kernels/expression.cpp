// SPDX-License-Identifier: Apache-2.0
#include "kernels/expression.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

namespace geoloom::kernels {
namespace {

using Operation = Expression::Operation;
using Step = Expression::Step;

// Values of this many pixels stay in the first level cache.
constexpr size_t kPixelsAtOnce = 256;

// Either is NaN: so is the result.
template <class T>
T smaller(T a, T b) {
  return a != a ? a : b != b ? b : b < a ? b : a;
}
template <class T>
T larger(T a, T b) {
  return a != a ? a : b != b ? b : a < b ? b : a;
}

template <class T>
T truth(bool holds) {
  return holds ? T{1} : T{0};
}

template <class T>
T of_one(Operation operation, T a) {
  switch (operation) {
    case Operation::negate:
      return -a;
    case Operation::absolute:
      return std::fabs(a);
    case Operation::square_root:
      return std::sqrt(a);
    default:
      return truth<T>(a == 0);
  }
}

template <class T>
T of_two(Operation operation, T a, T b) {
  switch (operation) {
    case Operation::add:
      return a + b;
    case Operation::subtract:
      return a - b;
    case Operation::multiply:
      return a * b;
    case Operation::divide:
      return a / b;
    case Operation::minimum:
      return smaller(a, b);
    case Operation::maximum:
      return larger(a, b);
    case Operation::less:
      return truth<T>(a < b);
    case Operation::less_equal:
      return truth<T>(a <= b);
    case Operation::greater:
      return truth<T>(a > b);
    case Operation::greater_equal:
      return truth<T>(a >= b);
    case Operation::equal:
      return truth<T>(a == b);
    case Operation::not_equal:
      return truth<T>(a != b);
    case Operation::logical_and:
      return truth<T>(a != 0 && b != 0);
    default:
      return truth<T>(a != 0 || b != 0);
  }
}

bool takes_one(Operation operation) {
  return operation == Operation::negate || operation == Operation::absolute ||
         operation == Operation::square_root || operation == Operation::logical_not;
}

// The operation is known to the compiler within each loop, so that loops become vectors.
template <class T, Operation kOperation>
void rows_of_one(T* a, size_t pixels) {
  for (size_t i = 0; i < pixels; ++i) a[i] = of_one<T>(kOperation, a[i]);
}
template <class T, Operation kOperation>
void rows_of_two(T* a, const T* b, size_t pixels) {
  for (size_t i = 0; i < pixels; ++i) a[i] = of_two<T>(kOperation, a[i], b[i]);
}

// What one step does to the values on top of the stack: `a` is the deeper one.
template <class T>
void carry_out(Operation operation, T* a, const T* b, size_t pixels) {
  switch (operation) {
    case Operation::negate:
      return rows_of_one<T, Operation::negate>(a, pixels);
    case Operation::absolute:
      return rows_of_one<T, Operation::absolute>(a, pixels);
    case Operation::square_root:
      return rows_of_one<T, Operation::square_root>(a, pixels);
    case Operation::logical_not:
      return rows_of_one<T, Operation::logical_not>(a, pixels);
    case Operation::add:
      return rows_of_two<T, Operation::add>(a, b, pixels);
    case Operation::subtract:
      return rows_of_two<T, Operation::subtract>(a, b, pixels);
    case Operation::multiply:
      return rows_of_two<T, Operation::multiply>(a, b, pixels);
    case Operation::divide:
      return rows_of_two<T, Operation::divide>(a, b, pixels);
    case Operation::minimum:
      return rows_of_two<T, Operation::minimum>(a, b, pixels);
    case Operation::maximum:
      return rows_of_two<T, Operation::maximum>(a, b, pixels);
    case Operation::less:
      return rows_of_two<T, Operation::less>(a, b, pixels);
    case Operation::less_equal:
      return rows_of_two<T, Operation::less_equal>(a, b, pixels);
    case Operation::greater:
      return rows_of_two<T, Operation::greater>(a, b, pixels);
    case Operation::greater_equal:
      return rows_of_two<T, Operation::greater_equal>(a, b, pixels);
    case Operation::equal:
      return rows_of_two<T, Operation::equal>(a, b, pixels);
    case Operation::not_equal:
      return rows_of_two<T, Operation::not_equal>(a, b, pixels);
    case Operation::logical_and:
      return rows_of_two<T, Operation::logical_and>(a, b, pixels);
    case Operation::logical_or:
      return rows_of_two<T, Operation::logical_or>(a, b, pixels);
    case Operation::number:
    case Operation::name:
      return;
  }
}

}  // namespace

template <class T>
void Expression::evaluate(std::span<const T* const> inputs, size_t pixels, T* out) const {
  const auto stack = std::make_unique_for_overwrite<T[]>(depth_ * kPixelsAtOnce);
  for (size_t first = 0; first < pixels; first += kPixelsAtOnce) {
    const size_t count = std::min(kPixelsAtOnce, pixels - first);
    T* top = stack.get();  // behind the last value
    for (const Step& step : steps_) {
      if (step.operation == Operation::number) {
        std::fill_n(top, count, static_cast<T>(step.number));
        top += kPixelsAtOnce;
      } else if (step.operation == Operation::name) {
        std::memcpy(top, inputs[step.name] + first, count * sizeof(T));
        top += kPixelsAtOnce;
      } else if (takes_one(step.operation)) {
        carry_out<T>(step.operation, top - kPixelsAtOnce, nullptr, count);
      } else {
        top -= kPixelsAtOnce;
        carry_out<T>(step.operation, top - kPixelsAtOnce, top, count);
      }
    }
    std::memcpy(out + first, stack.get(), count * sizeof(T));
  }
}

template <class T>
T Expression::evaluate_one(std::span<const T> inputs) const {
  std::vector<T> values;
  for (const Step& step : steps_) {
    if (step.operation == Operation::number) {
      values.push_back(static_cast<T>(step.number));
    } else if (step.operation == Operation::name) {
      values.push_back(inputs[step.name]);
    } else if (takes_one(step.operation)) {
      values.back() = of_one<T>(step.operation, values.back());
    } else {
      const T b = values.back();
      values.pop_back();
      values.back() = of_two<T>(step.operation, values.back(), b);
    }
  }
  return values.back();
}

template void Expression::evaluate(std::span<const float* const>, size_t, float*) const;
template void Expression::evaluate(std::span<const double* const>, size_t, double*) const;
template float Expression::evaluate_one(std::span<const float>) const;
template double Expression::evaluate_one(std::span<const double>) const;

}  // namespace geoloom::kernels
