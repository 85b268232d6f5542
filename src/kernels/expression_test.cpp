// SPDX-License-Identifier: Apache-2.0
#include "kernels/expression.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace geoloom::kernels {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double value(const std::string& text, const std::vector<double>& inputs = {}) {
  const auto expression = Expression::parse(text);
  return expression.evaluate_one<double>(inputs);
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
  EXPECT_EQ(expression.evaluate_one<double>(std::vector<double>{2, 3, 1}), 7);
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

// Rows of any length give what single pixels give, bit by bit.
template <class T>
void rows_equal_pixels() {
  const auto expression = Expression::parse(
      "(a - b) / (a + b) > 0.1 and not (max(a, b, c) < 0.5 or sqrt(c) == abs(-b)) or c != c");
  const auto number = Expression::parse("sqrt(abs(a * b - c / 3)) + min(a, c) - max(b, c)");
  std::mt19937 random(7);
  std::uniform_real_distribution<double> draw(-1, 1);
  for (const size_t pixels : {size_t{0}, size_t{1}, size_t{255}, size_t{256}, size_t{1000}}) {
    std::vector<std::vector<T>> bands(3, std::vector<T>(pixels));
    for (auto& band : bands)
      for (auto& each : band) {
        const double drawn = draw(random);
        each = drawn > 0.95    ? std::numeric_limits<T>::quiet_NaN()
               : drawn < -0.95 ? T{0}
                               : static_cast<T>(drawn);
      }
    for (const auto& each : {expression, number}) {
      std::vector<const T*> inputs;
      ASSERT_EQ(each.names().size(), 3U);
      for (const auto& name : each.names())
        inputs.push_back(bands[static_cast<size_t>(name[0] - 'a')].data());
      std::vector<T> out(pixels);
      each.template evaluate<T>(inputs, pixels, out.data());
      for (size_t i = 0; i < pixels; ++i) {
        std::vector<T> one;
        for (const T* input : inputs) one.push_back(input[i]);
        const T expected = each.template evaluate_one<T>(one);
        if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(out[i]));
        } else {
          ASSERT_EQ(out[i], expected) << each.canonical() << " at " << i;
        }
      }
    }
  }
}

TEST(Expression, RowsEqualPixels) {
  rows_equal_pixels<float>();
  rows_equal_pixels<double>();
}

TEST(Expression, NumbersAreRoundedToTheType) {
  const auto expression = Expression::parse("a == 0.1");
  EXPECT_EQ(expression.evaluate_one<float>(std::vector<float>{0.1F}), 1);
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
  EXPECT_THAT(failing("log(a)"), testing::Pair(HasSubstr("no function 'log'"), 0));
  EXPECT_THAT(failing("abs(a, b)"), testing::Pair(HasSubstr("one argument"), 0));
  EXPECT_THAT(failing("min(a)"), testing::Pair(HasSubstr("two arguments"), 0));
  EXPECT_THAT(failing("1e999"), testing::Pair(HasSubstr("cannot be represented"), 0));
  EXPECT_THAT(failing(std::string(5000, '1')), testing::Pair(HasSubstr("4096"), 4096));
  EXPECT_THAT(failing(std::string(100, '(') + "a" + std::string(100, ')')).first,
              HasSubstr("too many parentheses"));
}

// Any text is either taken or refused.
TEST(Expression, RandomTextsAreTakenOrRefused) {
  const std::string letters = "ab1.e+-*/()<>=!,\" andortmix";
  std::mt19937 random(11);
  std::uniform_int_distribution<size_t> letter(0, letters.size() - 1), length(0, 24);
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (size_t n = length(random); n > 0; --n) text += letters[letter(random)];
    try {
      const auto expression = Expression::parse(text);
      const std::vector<double> inputs(expression.names().size(), 0.5);
      (void)expression.evaluate_one<double>(inputs);
      EXPECT_EQ(Expression::parse(expression.canonical()).canonical(), expression.canonical());
      ++taken;
    } catch (const ExpressionError&) {
    }
  }
  EXPECT_GT(taken, 100);
}

}  // namespace
}  // namespace geoloom::kernels
