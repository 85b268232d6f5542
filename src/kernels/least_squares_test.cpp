// SPDX-License-Identifier: Apache-2.0
#include "kernels/least_squares.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

constexpr float kGap = std::numeric_limits<float>::quiet_NaN();

struct Fit {
  std::vector<double> coefficients, squares;
  std::vector<uint32_t> count;
  std::vector<uint8_t> solved;
};

#define FIT_WITH(kernels)                                                                        \
  [](const Regressors& x, const std::vector<float>& values, size_t min_count) {                  \
    const size_t n = x.dates == 0 ? 1 : values.size() / x.dates;                                 \
    Fit fit{std::vector<double>(x.columns * n, 7), std::vector<double>(n, 7),                    \
            std::vector<uint32_t>(n, 7), std::vector<uint8_t>(n, 7)};                            \
    kernels::least_squares(x, values.data(), n, min_count, fit.coefficients.data(),              \
                           fit.count.data(), fit.solved.data());                                 \
    kernels::residual_squares(x, values.data(), n, fit.coefficients.data(), fit.squares.data()); \
    return fit;                                                                                  \
  }
const auto kPlain = FIT_WITH(reference);
const auto kVector = FIT_WITH(geoloom::kernels);
#undef FIT_WITH

Regressors random_regressors(size_t dates, size_t columns, unsigned seed) {
  std::mt19937 random(seed);
  Regressors x{dates, columns, {}};
  for (size_t i = 0; i < dates * columns; ++i)
    x.rows.push_back(i % columns == 0 ? 1.0 : static_cast<double>(random() % 2001) / 1000 - 1);
  return x;
}

TEST(LeastSquares, EveryTargetGivesTheBytesOfTheReference) {
  unsigned seed = 1;
  for (const size_t dates : {0U, 1U, 6U, 24U, 61U}) {
    for (const size_t pixels : kPixelCounts) {
      for (const size_t columns : {1U, 2U, 5U, 16U}) {
        if (dates == 0 && pixels != 1) continue;
        std::mt19937 random(++seed);
        const auto x = random_regressors(dates, columns, seed);
        std::vector<float> values(dates * pixels);
        for (auto& value : values)
          value = random() % 5 < seed % 6 ? static_cast<float>(random() % 10000) * 1e-4F : kGap;
        const auto expected = kPlain(x, values, seed % 9);
        on_every_target([&] {
          const auto got = kVector(x, values, seed % 9);
          expect_same_bytes(got.coefficients, expected.coefficients);
          expect_same_bytes(got.squares, expected.squares);
          expect_same_bytes(got.count, expected.count);
          expect_same_bytes(got.solved, expected.solved);
        });
      }
    }
  }
}

TEST(LeastSquares, FindsTheLineByHand) {
  // Through (-1, 2), (0, 3), (1, 7): slope 5/2, mean 4; residuals 1/2, -1, 1/2.
  const Regressors x{4, 2, {1, -1, 1, 0, 1, 0.5, 1, 1}};
  const auto fit = kVector(x, {2, 3, kGap, 7}, 1);
  EXPECT_DOUBLE_EQ(fit.coefficients[0], 4);
  EXPECT_DOUBLE_EQ(fit.coefficients[1], 2.5);
  EXPECT_DOUBLE_EQ(fit.squares[0], 1.5);
  EXPECT_EQ(fit.count[0], 3U);
  EXPECT_EQ(fit.solved[0], 1);
  float model[4];
  evaluate(x, fit.coefficients.data(), 1, model);
  EXPECT_EQ(model[2], 5.25F);
}

TEST(LeastSquares, SaysWhereThereIsNoAnswer) {
  const Regressors x{4, 2, {1, -1, 1, -1, 1, 0, 1, 1}};
  EXPECT_EQ(kVector(x, {2, 3, kGap, kGap}, 1).solved[0], 0);  // both at -1
  EXPECT_EQ(kVector(x, {2, kGap, kGap, kGap}, 1).solved[0], 0);
  EXPECT_EQ(kVector(x, {2, kGap, 1, kGap}, 1).solved[0], 1);
  EXPECT_EQ(kVector(x, {2, kGap, 1, kGap}, 3).solved[0], 0);
  EXPECT_EQ(kVector(x, {kGap, kGap, kGap, kGap}, 0).solved[0], 0);
  const Regressors wide{1, 17, std::vector<double>(17)};
  EXPECT_THROW(kVector(wide, {1}, 1), std::invalid_argument);
  EXPECT_THROW(kPlain(wide, {1}, 1), std::invalid_argument);
}

}  // namespace
}  // namespace geoloom::kernels
