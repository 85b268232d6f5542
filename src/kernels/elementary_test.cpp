// SPDX-License-Identifier: Apache-2.0
// Against the C library, which is right to about one unit in the last place on any machine.
#include "kernels/elementary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace geoloom::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double units_apart(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double unit = std::nextafter(std::fabs(b), kInfinity) - std::fabs(b);
  return std::fabs(a - b) / unit;
}

using Function = std::function<double(double)>;
// The largest distance over many arguments, evenly spread and also close to 0 and to `near`.
double worst(const Function& ours, const Function& theirs, double low, double high,
             double near = 0) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> even(low, high), small(-12, 0);
  double most = 0;
  for (int i = 0; i < 20000; ++i) {
    double x = even(random);
    if (i % 4 == 0) x = near + (i % 8 == 0 ? 1 : -1) * std::pow(10.0, small(random));
    if (x < low || x > high) continue;
    most = std::max(most, units_apart(ours(x), theirs(x)));
  }
  return most;
}

TEST(Elementary, AgreesWithTheLibraryToAFewUnits) {
  const auto check = [](const char* name, const Function& ours, const Function& theirs, double low,
                        double high, double near = 0, double limit = 3) {
    EXPECT_LE(worst(ours, theirs, low, high, near), limit) << name;
  };
  check(
      "exp", exponential, [](double x) { return std::exp(x); }, -700, 700);
  check(
      "expm1", exponential_minus_one, [](double x) { return std::expm1(x); }, -5, 5, 0, 5);
  check(
      "ln", natural_logarithm, [](double x) { return std::log(x); }, 1e-9, 10, 1);
  check(
      "ln large", natural_logarithm, [](double x) { return std::log(x); }, 1, 1e15);
  check(
      "ln1p", natural_logarithm_of_one_plus, [](double x) { return std::log1p(x); }, -0.9, 5);
  check(
      "log10", decimal_logarithm, [](double x) { return std::log10(x); }, 1e-3, 1e6, 1, 4);
  check(
      "log2", binary_logarithm, [](double x) { return std::log2(x); }, 1e-3, 1e6, 1, 4);
  check(
      "sin", sine, [](double x) { return std::sin(x); }, -0.78, 0.78);
  check(
      "cos", cosine, [](double x) { return std::cos(x); }, -1.5, 1.5);
  check(
      "atan", arc_tangent, [](double x) { return std::atan(x); }, -30, 30);
  check(
      "asin", arc_sine, [](double x) { return std::asin(x); }, -1, 1, 1, 4);
  check(
      "acos", arc_cosine, [](double x) { return std::acos(x); }, -1, 0.9, -1, 4);
  check(
      "sinh", hyperbolic_sine, [](double x) { return std::sinh(x); }, -30, 30, 0, 6);
  check(
      "cosh", hyperbolic_cosine, [](double x) { return std::cosh(x); }, -30, 30);
  check(
      "tanh", hyperbolic_tangent, [](double x) { return std::tanh(x); }, -30, 30, 0, 6);
  check(
      "asinh", area_hyperbolic_sine, [](double x) { return std::asinh(x); }, -1e3, 1e3, 0, 5);
  check(
      "acosh", area_hyperbolic_cosine, [](double x) { return std::acosh(x); }, 1, 1e3, 1, 5);
  check(
      "atanh", area_hyperbolic_tangent, [](double x) { return std::atanh(x); }, -1, 1, 0, 5);
}

// Near multiples of pi / 2 the distance counts as it is, not in units of a value close to 0.
TEST(Elementary, AnglesOfManyTurns) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> even(-1e6, 1e6);
  for (int i = 0; i < 20000; ++i) {
    const double x = even(random);
    EXPECT_NEAR(sine(x), std::sin(x), 3e-16);
    EXPECT_NEAR(cosine(x), std::cos(x), 3e-16);
    const double y = even(random);
    EXPECT_NEAR(arc_tangent2(y, x), std::atan2(y, x), 1e-15);
  }
}

TEST(Elementary, AnglesOfPoints) {
  for (const double y : {-2.0, -1.0, -0.0, 0.0, 0.3, 1.0, 5.0, kInfinity, -kInfinity})
    for (const double x : {-2.0, -1.0, -0.0, 0.0, 0.3, 1.0, 5.0, kInfinity, -kInfinity})
      EXPECT_LE(units_apart(arc_tangent2(y, x), std::atan2(y, x)), 2) << y << " " << x;
}

TEST(Elementary, Powers) {
  for (const double base : {0.001, 0.5, 0.9, 1.0, 1.7, 2.0, 10.0, 123.0})
    for (const double exponent : {-3.0, -1.0, -0.5, 0.0, 0.3, 0.5, 1.0, 2.0, 2.4, 7.0})
      EXPECT_NEAR(power(base, exponent) / std::pow(base, exponent), 1, 1e-14)
          << base << " " << exponent;
  EXPECT_EQ(power(3, 2), 9);
  EXPECT_EQ(power(-2, 3), -8);
  EXPECT_EQ(power(2, -1), 0.5);
  EXPECT_TRUE(std::isnan(power(-2, 0.5)));
  for (const double base : {-kInfinity, -2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, kInfinity, kNaN})
    for (const double exponent :
         {-kInfinity, -3.0, -2.0, -0.5, 0.0, 0.5, 2.0, 3.0, 2001.0, kInfinity, kNaN})
      EXPECT_LE(units_apart(power(base, exponent), std::pow(base, exponent)), 2)
          << base << " to the " << exponent;
}

TEST(Elementary, Edges) {
  EXPECT_EQ(exponential(0), 1);
  EXPECT_EQ(exponential(-kInfinity), 0);
  EXPECT_EQ(exponential(kInfinity), kInfinity);
  EXPECT_EQ(exponential(710), kInfinity);
  EXPECT_EQ(natural_logarithm(1), 0);
  EXPECT_EQ(natural_logarithm(0), -kInfinity);
  EXPECT_EQ(natural_logarithm(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(natural_logarithm(-1)));
  EXPECT_LE(units_apart(natural_logarithm(5e-324), std::log(5e-324)), 1);
  EXPECT_TRUE(std::isnan(sine(kInfinity)));
  EXPECT_TRUE(std::isnan(arc_sine(1.1)));
  EXPECT_TRUE(std::isnan(area_hyperbolic_cosine(0.5)));
  EXPECT_EQ(area_hyperbolic_tangent(1), kInfinity);
  EXPECT_EQ(arc_tangent(kInfinity), std::numbers::pi / 2);
  for (const Function& f : {Function(exponential), Function(natural_logarithm), Function(sine),
                            Function(cosine), Function(arc_tangent), Function(arc_sine),
                            Function(hyperbolic_tangent), Function(area_hyperbolic_sine)})
    EXPECT_TRUE(std::isnan(f(kNaN)));
}

}  // namespace
}  // namespace geoloom::kernels
