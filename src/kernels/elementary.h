// SPDX-License-Identifier: Apache-2.0
// Elementary functions in double that give the same bits on every machine. The C library picks
// other code for CPUs with fused multiply-add, which rounds differently; here each function is a
// fixed sequence of IEEE operations (the build forbids their contraction). Square roots are
// std::sqrt, which IEEE 754 defines exactly.
//
// The errors are a few units in the last place (elementary_test.cpp says how many). Arguments
// outside of a domain give NaN, NaN gives NaN, infinities what the limits are.
//
// Source of the formulas: argument reduction and Taylor series, as in W. J. Cody and W. Waite,
// "Software Manual for the Elementary Functions", 1980. Each series ends where its next term is
// below 2^-56 of its sum.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>

namespace geoloom::kernels {
namespace elementary {

// ln 2 and pi / 2 in parts: the first ones have so few bits that their multiples are exact.
inline constexpr double kLn2High = 0x1.62e42fee00000p-1, kLn2Low = 0x1.a39ef35793c76p-33;
inline constexpr double kHalfPi1 = 0x1.921fb50000000p+0, kHalfPi2 = 0x1.110b460000000p-26,
                        kHalfPi3 = 0x1.1a62633145c07p-54;
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// c[0] + x (c[1] + x (c[2] + ...
template <size_t N>
constexpr double polynomial(double x, const std::array<double, N>& c) {
  double sum = c[N - 1];
  for (size_t i = N - 1; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// sign^i / (first + step i)
template <size_t N>
constexpr std::array<double, N> reciprocals(double first, double step, double sign) {
  std::array<double, N> c{};
  double s = 1;
  for (size_t i = 0; i < N; ++i, s *= sign) c[i] = s / (first + step * static_cast<double>(i));
  return c;
}

// 1 / first!, sign / (first + step)!, 1 / (first + 2 step)!, ...
template <size_t N>
constexpr std::array<double, N> reciprocal_factorials(int first, int step, double sign) {
  std::array<double, N> c{};
  double factorial = 1, s = 1;
  int reached = 1;
  for (size_t i = 0; i < N; ++i, s *= sign) {
    const int n = first + step * static_cast<int>(i);
    for (; reached < n; factorial *= static_cast<double>(++reached)) {
    }
    c[i] = s / factorial;
  }
  return c;
}

// e^x - 1 for |x| below 0.35.
inline double small_exponential_minus_one(double x) {
  static constexpr auto c = reciprocal_factorials<14>(1, 1, 1);
  return x * polynomial(x, c);
}

// ln((1 + s) / (1 - s)) for |s| below 0.18.
inline double logarithm_of_ratio(double s) {
  static constexpr auto c = reciprocals<12>(1, 2, 1);
  return 2 * s * polynomial(s * s, c);
}

// Of |x| up to pi / 4.
inline double small_sine(double x) {
  static constexpr auto c = reciprocal_factorials<9>(3, 2, -1);
  const double square = x * x;
  return x - x * square * polynomial(square, c);
}
inline double small_cosine(double x) {
  static constexpr auto c = reciprocal_factorials<9>(4, 2, -1);
  const double square = x * x;
  return 1 - (square / 2 - square * square * polynomial(square, c));
}

struct Quadrant {
  double rest;  // -pi / 4 .. pi / 4
  int64_t number;
};
// Exact to a few bits for |x| below a million; of larger ones digits are lost, as they are in x.
inline Quadrant quadrant(double x) {
  const double n = std::nearbyint(x * (2 / std::numbers::pi));
  const double rest = ((x - n * kHalfPi1) - n * kHalfPi2) - n * kHalfPi3;
  return {rest, static_cast<int64_t>(std::fmod(n, 4.0))};
}

// Of 0 up to tan(pi / 12).
inline double small_arc_tangent(double x) {
  static constexpr auto c = reciprocals<15>(3, 2, -1);
  const double square = x * x;
  return x - x * square * polynomial(square, c);
}

inline double positive_arc_tangent(double x) {
  constexpr double kTanTwelfth = 0.26794919243112270;  // 2 - sqrt(3)
  const bool beyond = x > 1;
  const double t = beyond ? 1 / x : x;
  const double angle =
      t <= kTanTwelfth
          ? small_arc_tangent(t)
          : std::numbers::pi / 6 +
                std::copysign(small_arc_tangent(std::fabs((t * std::numbers::sqrt3 - 1) /
                                                          (t + std::numbers::sqrt3))),
                              t * std::numbers::sqrt3 - 1);
  return beyond ? std::numbers::pi / 2 - angle : angle;
}

}  // namespace elementary

// e^x
inline double exponential(double x) {
  if (std::isnan(x)) return x;
  if (x > 709.79) return elementary::kInfinity;
  if (x < -745.2) return 0;
  const double n = std::nearbyint(x * std::numbers::log2e);
  const double rest = (x - n * elementary::kLn2High) - n * elementary::kLn2Low;
  return std::ldexp(1 + elementary::small_exponential_minus_one(rest), static_cast<int>(n));
}

// e^x - 1, also where x is small
inline double exponential_minus_one(double x) {
  return std::fabs(x) < 0.35 ? elementary::small_exponential_minus_one(x) : exponential(x) - 1;
}

// Minus infinity at 0, NaN below.
inline double natural_logarithm(double x) {
  if (std::isnan(x) || x < 0) return elementary::kNaN;
  if (x == 0) return -elementary::kInfinity;
  if (std::isinf(x)) return x;
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < std::numbers::sqrt2 / 2) {
    m *= 2;
    --exponent;
  }
  const double n = exponent;
  const double low = elementary::logarithm_of_ratio((m - 1) / (m + 1)) + n * elementary::kLn2Low;
  return n * elementary::kLn2High + low;
}

// ln(1 + x), also where x is small
inline double natural_logarithm_of_one_plus(double x) {
  if (std::fabs(x) < 0.35) return elementary::logarithm_of_ratio(x / (2 + x));
  return natural_logarithm(1 + x);
}

inline double decimal_logarithm(double x) {
  return natural_logarithm(x) / std::numbers::ln10;
}
inline double binary_logarithm(double x) {
  return natural_logarithm(x) / std::numbers::ln2;
}

// Angles in radians. NaN for infinite ones.
inline double sine(double x) {
  if (!std::isfinite(x)) return elementary::kNaN;
  const auto [rest, number] = elementary::quadrant(x);
  const double value =
      number % 2 == 0 ? elementary::small_sine(rest) : elementary::small_cosine(rest);
  return (number & 2) == 0 ? value : -value;
}
inline double cosine(double x) {
  if (!std::isfinite(x)) return elementary::kNaN;
  const auto [rest, number] = elementary::quadrant(x);
  const double value =
      number % 2 == 0 ? elementary::small_cosine(rest) : elementary::small_sine(rest);
  return ((number + 1) & 2) == 0 ? value : -value;
}
inline double tangent(double x) {
  return sine(x) / cosine(x);
}

// -pi / 2 .. pi / 2
inline double arc_tangent(double x) {
  if (std::isnan(x)) return x;
  return std::copysign(elementary::positive_arc_tangent(std::fabs(x)), x);
}

// The angle of the point (x, y) from the x axis, -pi .. pi; 0 at the origin, with the signs of
// IEEE.
inline double arc_tangent2(double y, double x) {
  if (std::isnan(x) || std::isnan(y)) return elementary::kNaN;
  const double ay = std::fabs(y), ax = std::fabs(x);
  double angle = 0;
  if (std::isinf(ay) && std::isinf(ax))
    angle = std::numbers::pi / 4;
  else if (ax >= ay)
    angle = ax == 0 ? 0 : elementary::positive_arc_tangent(ay / ax);
  else
    angle = std::numbers::pi / 2 - elementary::positive_arc_tangent(ax / ay);
  if (std::signbit(x)) angle = std::numbers::pi - angle;
  return std::copysign(angle, y);
}

// NaN outside of -1 .. 1.
inline double arc_sine(double x) {
  if (!(std::fabs(x) <= 1)) return elementary::kNaN;
  return arc_tangent2(x, std::sqrt((1 - x) * (1 + x)));
}
inline double arc_cosine(double x) {
  if (!(std::fabs(x) <= 1)) return elementary::kNaN;
  return arc_tangent2(std::sqrt((1 - x) * (1 + x)), x);
}

inline double hyperbolic_sine(double x) {
  if (std::fabs(x) < 0.35) {
    const double up = exponential_minus_one(x);
    return (up + up / (up + 1)) / 2;
  }
  if (std::fabs(x) > 700)
    return exponential(std::fabs(x) - std::numbers::ln2) * std::copysign(1.0, x);
  return (exponential(x) - exponential(-x)) / 2;
}
inline double hyperbolic_cosine(double x) {
  if (std::fabs(x) > 700) return exponential(std::fabs(x) - std::numbers::ln2);
  return (exponential(x) + exponential(-x)) / 2;
}
inline double hyperbolic_tangent(double x) {
  if (std::isnan(x)) return x;
  if (std::fabs(x) > 20) return std::copysign(1.0, x);
  const double up = exponential_minus_one(2 * x);
  return up / (up + 2);
}
inline double area_hyperbolic_sine(double x) {
  const double a = std::fabs(x);
  if (std::isinf(a) || std::isnan(a)) return x;
  const double value = a > 1e8
                           ? natural_logarithm(a) + std::numbers::ln2
                           : natural_logarithm_of_one_plus(a + a * a / (1 + std::sqrt(1 + a * a)));
  return std::copysign(value, x);
}
// NaN below 1.
inline double area_hyperbolic_cosine(double x) {
  if (!(x >= 1)) return elementary::kNaN;
  if (x > 1e8) return natural_logarithm(x) + std::numbers::ln2;
  const double above = x - 1;
  return natural_logarithm_of_one_plus(above + std::sqrt(above * (x + 1)));
}
// NaN outside of -1 .. 1.
inline double area_hyperbolic_tangent(double x) {
  if (!(std::fabs(x) <= 1)) return elementary::kNaN;
  if (std::fabs(x) == 1) return std::copysign(elementary::kInfinity, x);
  const double a = std::fabs(x);
  return std::copysign(natural_logarithm_of_one_plus(2 * a / (1 - a)) / 2, x);
}

// base^exponent, with the special cases of IEEE 754. Whole exponents up to 1024 by multiplication,
// others by e^(exponent ln base), whose relative error is about 1e-16 times that product.
inline double power(double base, double exponent) {
  if (exponent == 0 || base == 1) return 1;
  if (std::isnan(base) || std::isnan(exponent)) return elementary::kNaN;
  const bool whole = std::nearbyint(exponent) == exponent;
  if (whole && std::fabs(exponent) <= 1024) {
    auto left = static_cast<int>(std::fabs(exponent));
    double square = base, product = 1;
    for (; left > 0; left /= 2, square *= square)
      if (left % 2 == 1) product *= square;
    return exponent < 0 ? 1 / product : product;
  }
  if (exponent == 0.5 && base >= 0) return std::sqrt(base);
  if (base < 0 && !whole && !std::isinf(exponent) && !std::isinf(base)) return elementary::kNaN;
  const double size = exponential(exponent * natural_logarithm(std::fabs(base)));
  const bool odd = whole && std::fmod(std::fabs(exponent), 2.0) == 1;
  return odd ? std::copysign(size, base) : std::isnan(size) ? 1.0 : size;
}

}  // namespace geoloom::kernels
