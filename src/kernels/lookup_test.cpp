// SPDX-License-Identifier: Apache-2.0
#include "kernels/lookup.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <vector>

namespace geoloom::kernels {
namespace {

template <class T>
class Lookup : public testing::Test {};
using IntegerTypes = testing::Types<uint8_t, uint16_t, int16_t>;
TYPED_TEST_SUITE(Lookup, IntegerTypes);

TYPED_TEST(Lookup, ListedClassesAreReplacedAndOthersBecomeInvalidOrTheDefault) {
  using T = TypeParam;
  const T lowest = std::numeric_limits<T>::lowest(), highest = std::numeric_limits<T>::max();
  std::vector<float> value(sizeof(T) == 1 ? 256 : 65536);
  std::vector<uint8_t> listed(value.size());
  for (const auto& [from, to] : {std::pair{lowest, -1.5F}, {T{7}, 70.F}, {highest, 99.F}}) {
    value[table_place(from)] = to;
    listed[table_place(from)] = 1;
  }
  const T in[] = {lowest, 7, highest, 8, 7};
  const uint8_t valid[] = {1, 1, 255, 1, 0};
  float out[5];
  uint8_t out_valid[5];
  const DenseTable<float> table{value.data(), listed.data()};
  lookup(in, valid, 5, table, Unlisted<float>{3, false}, out, out_valid);
  EXPECT_EQ(std::vector<float>(out, out + 5), (std::vector<float>{-1.5F, 70, 99, 0, 0}));
  EXPECT_EQ(std::vector<uint8_t>(out_valid, out_valid + 5), (std::vector<uint8_t>{1, 1, 1, 0, 0}));
  lookup(in, valid, 5, table, Unlisted<float>{3, true}, out, out_valid);
  EXPECT_EQ(std::vector<float>(out, out + 5), (std::vector<float>{-1.5F, 70, 99, 3, 0}));
  EXPECT_EQ(std::vector<uint8_t>(out_valid, out_valid + 5), (std::vector<uint8_t>{1, 1, 1, 1, 0}));
}

TEST(LookupIntervals, LowerEndsAreInAndUpperEndsAreOut) {
  const float inf = std::numeric_limits<float>::infinity();
  const float from[] = {-inf, 1.0F, 5.0F}, to[] = {0.0F, 2.0F, inf};
  const uint8_t value[] = {10, 20, 30};
  const float in[] = {-inf, -0.0F, 0.5F, 1.0F, 2.0F, 5.0F, 1e30F, inf, 1.5F};
  const uint8_t valid[] = {1, 1, 1, 1, 1, 1, 1, 1, 0};
  uint8_t out[9], out_valid[9];
  const Intervals<uint8_t> intervals{from, to, value, 3};
  lookup(in, valid, 9, intervals, Unlisted<uint8_t>{0, false}, out, out_valid);
  EXPECT_EQ(std::vector<uint8_t>(out, out + 9),
            (std::vector<uint8_t>{10, 0, 0, 20, 0, 30, 30, 0, 0}));
  EXPECT_EQ(std::vector<uint8_t>(out_valid, out_valid + 9),
            (std::vector<uint8_t>{1, 0, 0, 1, 0, 1, 1, 0, 0}));
  lookup(in, valid, 9, intervals, Unlisted<uint8_t>{77, true}, out, out_valid);
  EXPECT_EQ(std::vector<uint8_t>(out, out + 9),
            (std::vector<uint8_t>{10, 77, 77, 20, 77, 30, 30, 77, 0}));
}

TEST(LookupIntervals, TouchingIntervalsAreFineOverlappingOnesAreNot) {
  const uint8_t value[] = {1, 2}, valid[] = {1};
  const float in[] = {1.0F};
  uint8_t out, out_valid;
  const auto call = [&](std::vector<float> from, std::vector<float> to) {
    lookup(in, valid, 1, Intervals<uint8_t>{from.data(), to.data(), value, from.size()},
           Unlisted<uint8_t>{0, false}, &out, &out_valid);
    return int{out};
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(call({0, 1}, {1, 2}), 2);
  EXPECT_EQ(call({}, {}), 0);
  EXPECT_THROW(call({0, 1}, {1.5F, 2}), std::invalid_argument);
  EXPECT_THROW(call({1, 0}, {2, 1}), std::invalid_argument);
  EXPECT_THROW(call({1}, {1}), std::invalid_argument);
  EXPECT_THROW(call({nan}, {1}), std::invalid_argument);
}

}  // namespace
}  // namespace geoloom::kernels
