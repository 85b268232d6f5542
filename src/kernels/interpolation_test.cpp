// SPDX-License-Identifier: Apache-2.0
#include "kernels/interpolation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace geoloom::kernels {
namespace {

using testing::ElementsAreArray;
using testing::NanSensitiveFloatEq;

constexpr float kGap = std::numeric_limits<float>::quiet_NaN();
const std::vector<double> kTimes{0, 10, 20, 40};

auto are(const std::vector<float>& expected) {
  std::vector<testing::Matcher<float>> each;
  for (const float value : expected) each.push_back(NanSensitiveFloatEq(value));
  return ElementsAreArray(each);
}

std::vector<float> at(const InterpolationRule& rule, const std::vector<float>& values,
                      const std::vector<double>& wanted) {
  std::vector<float> out(wanted.size(), 77);
  interpolate(kTimes, values.data(), 1, rule, wanted, out.data());
  return out;
}

TEST(Interpolation, MethodsByHand) {
  const std::vector<float> values{kGap, 1, 5, 3};
  const std::vector<double> wanted{5, 10, 12, 15, 18, 20, 30, 40, 41};
  using enum Interpolation;
  EXPECT_THAT(at({.method = linear}, values, wanted), are({kGap, 1, 1.8F, 3, 4.2F, 5, 4, 3, kGap}));
  EXPECT_THAT(at({.method = nearest}, values, wanted), are({kGap, 1, 1, 1, 5, 5, 5, 3, kGap}));
  EXPECT_THAT(at({.method = previous}, values, wanted), are({kGap, 1, 1, 1, 1, 5, 5, 3, 3}));
  EXPECT_THAT(at({.method = next}, values, wanted), are({1, 1, 5, 5, 5, 5, 3, 3, kGap}));
  // The parabola through (10, 1), (20, 5), (40, 3): 1 + 0.4 (t - 10) - (t - 10) (t - 20) / 60.
  EXPECT_THAT(at({.method = cubic}, values, {10, 15, 30, 40}),
              are({1, 3 + 25 / 60.F, 9 - 200 / 60.F, 3}));
}

TEST(Interpolation, CubicGoesThroughACubic) {
  const auto f = [](double t) { return static_cast<float>(t * t * t / 1000 - t); };
  std::vector<float> values;
  for (const double t : kTimes) values.push_back(f(t));
  EXPECT_THAT(at({.method = Interpolation::cubic}, values, {3, 17, 39}), are({f(3), f(17), f(39)}));
  EXPECT_THAT(at({.method = Interpolation::cubic}, {kGap, 1, kGap, 4}, {20, 25}), are({2, 2.5}));
}

TEST(Interpolation, EndsAndLongGaps) {
  const std::vector<float> values{kGap, 1, 5, 3};
  const std::vector<double> wanted{-1, 5, 30, 60};
  using enum Interpolation;
  for (const auto method : {linear, cubic, nearest})
    EXPECT_THAT(at({.method = method, .extend = true, .max_gap = 19}, values, wanted),
                are({1, 1, kGap, kGap}));
  EXPECT_THAT(at({.method = linear, .extend = true}, values, wanted), are({1, 1, 4, 3}));
  EXPECT_THAT(at({.method = previous, .max_gap = 10}, values, wanted), are({kGap, kGap, 5, kGap}));
  EXPECT_THAT(at({.method = next, .max_gap = 4}, values, wanted), are({kGap, kGap, kGap, kGap}));
}

TEST(Interpolation, NothingAndOneSample) {
  EXPECT_THAT(at({.extend = true}, {kGap, kGap, kGap, kGap}, {0, 10}), are({kGap, kGap}));
  for (int method = 0; method < 5; ++method) {
    const InterpolationRule rule{.method = static_cast<Interpolation>(method), .extend = true};
    EXPECT_THAT(at(rule, {kGap, kGap, 6, kGap}, {0, 20, 30}), are({6, 6, 6}));
  }
  EXPECT_THAT(at({}, {kGap, kGap, 6, kGap}, {0, 20, 30}), are({kGap, 6, kGap}));
}

}  // namespace
}  // namespace geoloom::kernels
