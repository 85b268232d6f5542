// SPDX-License-Identifier: Apache-2.0
// What each operation of an expression gives for one pixel: the definition that rows of pixels must
// equal. Only expression*.cpp include this.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/elementary.h"
#include "kernels/expression.h"

namespace geoloom::kernels::steps {

inline size_t operands_of(Operation operation) {
  if (operation <= Operation::name) return 0;
  if (operation < Operation::add) return 1;
  if (operation < Operation::choose) return 2;
  return operation == Operation::scale_range ? 5 : 3;
}

template <class T>
T truth(bool holds) {
  return holds ? T{1} : T{0};
}

// Either is NaN: so is the result.
template <class T>
T smaller(T a, T b) {
  return a != a ? a : b != b ? b : b < a ? b : a;
}
template <class T>
T larger(T a, T b) {
  return a != a ? a : b != b ? b : a < b ? b : a;
}

// Half to even, as IEEE 754 rounds.
inline double rounded_to(double x, double digits) {
  const double unit = power(10, digits);
  if (!std::isfinite(x) || !std::isfinite(unit) || unit == 0) return x;
  return digits < 0 ? std::nearbyint(x / power(10, -digits)) * power(10, -digits)
                    : std::nearbyint(x * unit) / unit;
}

// With the sign of the divisor. openEO: a division by 0 is infinite, with the sign of x, and 0 / 0
// NaN.
inline double modulo(double x, double y) {
  if (y == 0) return x / 0.0;
  if (std::isinf(y) && std::isfinite(x)) return x;
  const double rest = std::fmod(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

// Clipped to the range of the input, then stretched to that of the output.
template <class T>
T scaled_range(T x, T low, T high, T to_low, T to_high) {
  const T least = smaller(low, high), most = larger(low, high);
  const T inside = larger(smaller(x, most), least);
  return (inside - low) / (high - low) * (to_high - to_low) + to_low;
}

inline double of_one_in_double(Operation operation, double a) {
  switch (operation) {
    case Operation::exponential:
      return exponential(a);
    case Operation::natural_logarithm:
      return natural_logarithm(a);
    case Operation::decimal_logarithm:
      return decimal_logarithm(a);
    case Operation::binary_logarithm:
      return binary_logarithm(a);
    case Operation::sine:
      return sine(a);
    case Operation::cosine:
      return cosine(a);
    case Operation::tangent:
      return tangent(a);
    case Operation::arc_sine:
      return arc_sine(a);
    case Operation::arc_cosine:
      return arc_cosine(a);
    case Operation::arc_tangent:
      return arc_tangent(a);
    case Operation::hyperbolic_sine:
      return hyperbolic_sine(a);
    case Operation::hyperbolic_cosine:
      return hyperbolic_cosine(a);
    case Operation::hyperbolic_tangent:
      return hyperbolic_tangent(a);
    case Operation::area_hyperbolic_sine:
      return area_hyperbolic_sine(a);
    case Operation::area_hyperbolic_cosine:
      return area_hyperbolic_cosine(a);
    default:
      return area_hyperbolic_tangent(a);
  }
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
    case Operation::logical_not:
      return truth<T>(a == 0);
    case Operation::floor:
      return std::floor(a);
    case Operation::ceiling:
      return std::ceil(a);
    case Operation::round:
      return std::nearbyint(a);
    case Operation::truncate:
      return std::trunc(a);
    case Operation::sign:
      return a != a ? a : truth<T>(a > 0) - truth<T>(a < 0);
    case Operation::is_nan:
      return truth<T>(a != a);
    case Operation::is_infinite:
      return truth<T>(std::isinf(a));
    case Operation::is_valid:
      return truth<T>(std::isfinite(a));
    default:
      return static_cast<T>(of_one_in_double(operation, static_cast<double>(a)));
  }
}

inline double of_two_in_double(Operation operation, double a, double b) {
  switch (operation) {
    case Operation::modulo:
      return modulo(a, b);
    case Operation::power:
      return power(a, b);
    case Operation::logarithm:
      return natural_logarithm(a) / natural_logarithm(b);
    case Operation::round_to:
      return rounded_to(a, b);
    default:
      return arc_tangent2(a, b);
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
    case Operation::normalized_difference:
      return (a - b) / (a + b);
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
    case Operation::logical_or:
      return truth<T>(a != 0 || b != 0);
    case Operation::exclusive_or:
      return truth<T>((a != 0) != (b != 0));
    default:
      return static_cast<T>(
          of_two_in_double(operation, static_cast<double>(a), static_cast<double>(b)));
  }
}

// Of three or five values.
template <class T>
T of_several(Operation operation, const T* a) {
  const T b = a[1], c = a[2];
  switch (operation) {
    case Operation::choose:
      return a[0] != 0 ? b : c;
    case Operation::between:
      return truth<T>(a[0] >= b && a[0] <= c);
    case Operation::clip:
      return larger(smaller(a[0], c), b);
    default:
      return scaled_range(a[0], b, c, a[3], a[4]);
  }
}

// What an operation gives where operands may be missing.
template <class T>
Expression::Sample<T> with_missing(Operation operation, const Expression::Sample<T>* a) {
  using Sample = Expression::Sample<T>;
  const size_t count = operands_of(operation);
  const bool both = count > 1 && a[0].valid && a[1].valid;
  switch (operation) {
    case Operation::is_valid:
      return {truth<T>(a[0].valid && std::isfinite(a[0].value)), true};
    case Operation::is_nan:
    case Operation::is_infinite:
      return {a[0].valid ? of_one(operation, a[0].value) : T{0}, true};
    case Operation::minimum:
    case Operation::maximum:
      return both         ? Sample{of_two(operation, a[0].value, a[1].value), true}
             : a[0].valid ? a[0]
                          : a[1];
    case Operation::logical_and:
    case Operation::logical_or: {
      const bool decides = operation == Operation::logical_or;
      for (const size_t i : {0, 1})
        if (a[i].valid && (a[i].value != 0) == decides) return {truth<T>(decides), true};
      return {truth<T>(!decides), both};
    }
    case Operation::choose:
      return a[0].valid && a[0].value != 0 ? a[1] : a[2];
    default:
      break;
  }
  bool valid = true;
  std::array<T, 5> values{};
  for (size_t i = 0; i < count; ++i) {
    valid = valid && a[i].valid;
    values[i] = a[i].value;
  }
  if (!valid) return {0, false};
  if (count == 1) return {of_one(operation, values[0]), true};
  if (count == 2) return {of_two(operation, values[0], values[1]), true};
  return {of_several(operation, values.data()), true};
}

}  // namespace geoloom::kernels::steps
