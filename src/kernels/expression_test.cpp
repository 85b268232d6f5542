// SPDX-License-Identifier: Apache-2.0
#include "kernels/expression.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double value(const std::string& text, const std::vector<double>& inputs = {}) {
  const auto expression = Expression::parse(text);
  return expression.evaluate_one<double>(std::span<const double>(inputs));
}

TEST(Expression, ComputesByTheUsualPrecedence) {
  EXPECT_EQ(value("1 + 2 * 3 - 4 / 2"), 5);
  EXPECT_EQ(value("(1 + 2) * 3"), 9);
  EXPECT_EQ(value("8 / 4 / 2"), 1);
  EXPECT_EQ(value("1 - 2 - 3"), -4);
  EXPECT_EQ(value("-2 * -3"), 6);
  EXPECT_EQ(value("1 - -1"), 2);
  EXPECT_EQ(value("1e-3 * 1000 + .5"), 1.5);
  EXPECT_EQ(value("max(1, 3, 2) - min(4, 2) + abs(-1) + sqrt(9)"), 5);
  EXPECT_EQ(value("(b - a) / (b + a)", {3, 1}), 0.5);
}

TEST(Expression, PowersBindCloserThanSigns) {
  EXPECT_EQ(value("-2 ^ 2"), -4);
  EXPECT_EQ(value("2 ^ 3 ^ 2"), 512);
  EXPECT_EQ(value("2 ** -1 * 4"), 2);
  EXPECT_EQ(value("(1 + 2) ^ 2 / 3"), 3);
  EXPECT_EQ(value("2 * 3 ^ 2"), 18);
  EXPECT_EQ(Expression::parse("-a ** 2").canonical(), "(-(a ^ 2))");
}

TEST(Expression, Functions) {
  EXPECT_EQ(value("if(a > 1, 10, 20)", {2}), 10);
  EXPECT_EQ(value("if(a > 1, 10, 20)", {0}), 20);
  EXPECT_EQ(value("clip(a, -1, 1)", {3}), 1);
  EXPECT_EQ(value("between(a, 0, 1)", {1}), 1);
  EXPECT_EQ(value("normalized_difference(3, 1)"), 0.5);
  EXPECT_EQ(value("linear_scale_range(5, 0, 10, 0, 255)"), 127.5);
  EXPECT_EQ(value("ln(exp(1))"), 1);
  EXPECT_EQ(value("log(8, 2) - log2(8)"), 0);
  EXPECT_NEAR(value("sin(pi() / 6)"), 0.5, 1e-15);
  EXPECT_EQ(value("arctan2(0, -1) - pi()"), 0);
  EXPECT_EQ(value("round(2.5) + round(0.35, 1) + round(1234.5, -2)"), 1202.4);
  EXPECT_EQ(value("floor(-0.5) + ceil(0.5) + int(-1.5) + sgn(-3)"), -2);
  EXPECT_EQ(value("-27 % 5"), 3);
  EXPECT_EQ(value("27 % -5"), -3);
  EXPECT_EQ(value("1 < 2 xor 2 < 3"), 0);
  EXPECT_EQ(value("is_nan(a / a) and is_infinite(1 / a) and not is_valid(1 / a)", {0}), 1);
  EXPECT_EQ(value("max(a, 1, 2, e())", {0}), std::exp(1.0));
}

TEST(Expression, EveryFunctionIsKnown) {
  for (const auto& function : kExpressionFunctions) {
    std::string text = std::string(function.name) + "(";
    for (int i = 0; i < function.least; ++i)
      text +=
          (i > 0 ? ", " : "") + std::string(i == 0 && function.first_is_condition ? "a > 1" : "a");
    const auto expression = Expression::parse(text + ")");
    EXPECT_EQ(expression.is_condition(), function.gives_condition) << text;
    EXPECT_EQ(Expression::parse(expression.canonical()).canonical(), expression.canonical());
    EXPECT_FALSE(function.help.empty());
  }
}

TEST(Expression, ConditionsAreOneOrZero) {
  EXPECT_EQ(value("1 < 2 and not 2 < 1"), 1);
  EXPECT_EQ(value("1 > 2 or 2 >= 2 and 1 != 1"), 0);  // and binds closer
  EXPECT_EQ(value("not 1 > 2 and 1 == 1"), 1);
  EXPECT_EQ(value("not (1 < 2 or 1 < 0)"), 0);
  EXPECT_TRUE(Expression::parse("a > 1").is_condition());
  EXPECT_FALSE(Expression::parse("a + 1").is_condition());
}

TEST(Expression, NamesAreListedOnce) {
  const auto expression = Expression::parse("B04 + \"8A\" * B04 - _x");
  EXPECT_THAT(expression.names(), ElementsAre("B04", "8A", "_x"));
  EXPECT_EQ(value("B04 + \"8A\" * B04 - _x", {2, 3, 1}), 7);
}

TEST(Expression, EqualOperationsHaveOneText) {
  EXPECT_EQ(Expression::parse("a>1.50 and(not b<=c)or d!=0").canonical(),
            "(((a > 1.5) and (not (b <= c))) or (d != 0))");
  const auto text = Expression::parse("max(a, -b, 2) * \"8A\"").canonical();
  EXPECT_EQ(text, "(max(a, (-b), 2) * \"8A\")");
  EXPECT_EQ(Expression::parse(text).canonical(), text);
}

// The rules of IEEE 754.
TEST(Expression, NaNAndInfinities) {
  EXPECT_TRUE(std::isinf(value("1 / a", {0})));
  EXPECT_TRUE(std::isnan(value("a / a", {0})));
  EXPECT_TRUE(std::isnan(value("sqrt(a)", {-1})));
  EXPECT_TRUE(std::isnan(value("min(a, 1)", {kNaN})));
  EXPECT_TRUE(std::isnan(value("max(1, a)", {kNaN})));
  for (const auto* text : {"a < 1", "a <= 1", "a > 1", "a >= 1", "a == a"})
    EXPECT_EQ(value(text, {kNaN}), 0) << text;
  EXPECT_EQ(value("a != a", {kNaN}), 1);
  EXPECT_EQ(value("not a < 1", {kNaN}), 1);
}

const std::vector<std::string> kTexts{
    "(a - b) / (a + b) > 0.1 and not (max(a, b, c) < 0.5 or sqrt(c) == abs(-b)) or c != c",
    "sqrt(abs(a * b - c / 3)) + min(a, c) - max(b, c)",
    "if(a > b xor b >= c, clip(a, b, c), normalized_difference(a, b)) ^ 2",
    "between(a, b, c) or is_valid(a) and is_nan(b) and not is_infinite(c)",
    "exp(a) + ln(b) % c - round(a, 1) * log(b, 2) + sgn(c)",
    "linear_scale_range(a, b, c, 0, 255) + arctan2(a, b) + floor(c * 10)",
};

template <class T>
void expect_same(T expected, T found, const std::string& what) {
  if (std::isnan(expected))
    ASSERT_TRUE(std::isnan(found)) << what;
  else
    ASSERT_EQ(expected, found) << what;
}

// Rows of any length, with and without missing samples, give what single pixels give, bit by bit.
template <class T>
void rows_equal_pixels(const std::string& text, size_t pixels) {
  const auto expression = Expression::parse(text);
  ASSERT_EQ(expression.names().size(), 3U);
  std::mt19937 random(7);
  std::uniform_real_distribution<double> draw(-1, 1);
  std::vector<std::vector<T>> bands(3, std::vector<T>(pixels));
  std::vector<std::vector<uint8_t>> flags(3, std::vector<uint8_t>(pixels, 1));
  for (size_t band = 0; band < 3; ++band)
    for (size_t i = 0; i < pixels; ++i) {
      const double drawn = draw(random);
      bands[band][i] = drawn > 0.95    ? std::numeric_limits<T>::quiet_NaN()
                       : drawn > 0.9   ? std::numeric_limits<T>::infinity()
                       : drawn < -0.95 ? T{0}
                                       : static_cast<T>(drawn);
      // The second row of 256 has no gaps.
      if (i / 256 != 1 && draw(random) > 0.8) flags[band][i] = 0;
    }
  std::vector<const T*> inputs;
  std::vector<const uint8_t*> valid;
  std::vector<size_t> order;
  for (const auto& name : expression.names()) order.push_back(static_cast<size_t>(name[0] - 'a'));
  for (const size_t band : order) {
    inputs.push_back(bands[band].data());
    valid.push_back(flags[band].data());
  }
  std::vector<T> plain(pixels), out(pixels);
  std::vector<uint8_t> out_valid(pixels);
  expression.evaluate<T>(inputs, pixels, plain.data());
  expression.evaluate<T>(inputs, valid, pixels, out.data(), out_valid.data());
  for (size_t i = 0; i < pixels; ++i) {
    std::vector<T> one;
    std::vector<Expression::Sample<T>> samples;
    for (const size_t band : order) {
      one.push_back(bands[band][i]);
      samples.push_back({bands[band][i], flags[band][i] != 0});
    }
    expect_same(expression.evaluate_one<T>(std::span<const T>(one)), plain[i], text);
    const auto expected =
        expression.evaluate_one<T>(std::span<const Expression::Sample<T>>(samples));
    ASSERT_EQ(expected.valid, out_valid[i] != 0) << text << " at " << i;
    if (expected.valid) expect_same(expected.value, out[i], text);
  }
}

TEST(Expression, RowsEqualPixels) {
  on_every_target([] {
    for (const auto& text : kTexts)
      for (const size_t pixels : {size_t{0}, size_t{1}, size_t{255}, size_t{256}, size_t{1000}}) {
        rows_equal_pixels<float>(text, pixels);
        rows_equal_pixels<double>(text, pixels);
      }
  });
}

TEST(Expression, MissingSamples) {
  using Sample = Expression::Sample<double>;
  const auto of = [](const std::string& text, const std::vector<Sample>& inputs) {
    return Expression::parse(text).evaluate_one<double>(std::span<const Sample>(inputs));
  };
  const Sample missing{5, false}, two{2, true};
  EXPECT_FALSE(of("a + b", {missing, two}).valid);
  EXPECT_FALSE(of("a > 1", {missing}).valid);
  EXPECT_EQ(of("min(a, b)", {missing, two}).value, 2);
  EXPECT_FALSE(of("clip(a, 0, 1)", {missing}).valid);
  EXPECT_TRUE(of("a > 1 and b > 9", {missing, two}).valid);
  EXPECT_FALSE(of("a > 1 and b > 1", {missing, two}).valid);
  EXPECT_EQ(of("a > 1 or b > 1", {missing, two}).value, 1);
  EXPECT_EQ(of("if(a > 1, 10, b)", {missing, two}).value, 2);
  EXPECT_EQ(of("if(is_valid(a), a, b)", {missing, two}).value, 2);
  EXPECT_EQ(of("is_nan(a)", {missing}).value, 0);
}

TEST(Expression, NumbersAreRoundedToTheType) {
  const auto expression = Expression::parse("a == 0.1");
  EXPECT_EQ(expression.evaluate_one<float>(std::span<const float>(std::vector<float>{0.1F})), 1);
}

TEST(Expression, MayWriteOverAnInput) {
  std::vector<float> a(600, 2), b(600, 3);
  Expression::parse("a * b").evaluate<float>(std::vector<const float*>{a.data(), b.data()}, 600,
                                             a.data());
  EXPECT_THAT(a, testing::Each(6.0F));
}

std::pair<std::string, size_t> failing(const std::string& text) {
  try {
    Expression::parse(text);
  } catch (const ExpressionError& error) {
    return {error.what(), error.position};
  }
  ADD_FAILURE() << text << " was taken";
  return {};
}

TEST(Expression, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(failing(""), testing::Pair(HasSubstr("missing at the end"), 0));
  EXPECT_THAT(failing("a + "), testing::Pair(HasSubstr("missing at the end"), 4));
  EXPECT_THAT(failing("a > 1 b"), testing::Pair(HasSubstr("'b' is not expected"), 6));
  EXPECT_THAT(failing("(a > 1"), testing::Pair(HasSubstr("')' is missing"), 6));
  EXPECT_THAT(failing("a = 1"), testing::Pair(HasSubstr("write =="), 2));
  EXPECT_THAT(failing("a > 1 & b > 1"), testing::Pair(HasSubstr("write and"), 6));
  EXPECT_THAT(failing("a < b < c"), testing::Pair(HasSubstr("not chained"), 6));
  EXPECT_THAT(failing("a and b > 1"), testing::Pair(HasSubstr("and needs conditions"), 0));
  EXPECT_THAT(failing("1 + (a > 2)"), testing::Pair(HasSubstr("needs numbers"), 4));
  EXPECT_THAT(failing("not a"), testing::Pair(HasSubstr("not needs conditions"), 4));
  EXPECT_THAT(failing("8A > 1"), testing::Pair(HasSubstr("double quotes"), 0));
  EXPECT_THAT(failing("\"8A > 1"), testing::Pair(HasSubstr("without its end"), 0));
  EXPECT_THAT(failing("lg(a)"), testing::Pair(HasSubstr("no function 'lg'"), 0));
  EXPECT_THAT(failing("log(a)"), testing::Pair(HasSubstr("two arguments"), 0));
  EXPECT_THAT(failing("abs(a,)"), testing::Pair(HasSubstr("one argument"), 0));
  EXPECT_THAT(failing("if(a, 1, 2)"), testing::Pair(HasSubstr("needs conditions"), 3));
  EXPECT_THAT(failing("if(a > 1, 1)"), testing::Pair(HasSubstr("three arguments"), 0));
  EXPECT_THAT(failing("round(a, 1, 2)"), testing::Pair(HasSubstr("one or two arguments"), 0));
  EXPECT_THAT(failing("pi(1)"), testing::Pair(HasSubstr("')' is missing"), 3));
  EXPECT_THAT(failing("abs(a, b)"), testing::Pair(HasSubstr("one argument"), 0));
  EXPECT_THAT(failing("min(a)"), testing::Pair(HasSubstr("two arguments"), 0));
  EXPECT_THAT(failing("1e999"), testing::Pair(HasSubstr("cannot be represented"), 0));
  EXPECT_THAT(failing(std::string(5000, '1')), testing::Pair(HasSubstr("4096"), 4096));
  EXPECT_THAT(failing(std::string(100, '(') + "a" + std::string(100, ')')).first,
              HasSubstr("too many parentheses"));
}

// Any text is either taken or refused.
TEST(Expression, RandomTextsAreTakenOrRefused) {
  const std::string letters = "ab1.e+-*/^%()<>=!,\" andortmixf";
  std::mt19937 random(11);
  std::uniform_int_distribution<size_t> letter(0, letters.size() - 1), length(0, 24);
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (size_t n = length(random); n > 0; --n) text += letters[letter(random)];
    try {
      const auto expression = Expression::parse(text);
      const std::vector<double> inputs(expression.names().size(), 0.5);
      (void)expression.evaluate_one<double>(std::span<const double>(inputs));
      EXPECT_EQ(Expression::parse(expression.canonical()).canonical(), expression.canonical());
      ++taken;
    } catch (const ExpressionError&) {
    }
  }
  EXPECT_GT(taken, 100);
}

}  // namespace
}  // namespace geoloom::kernels
