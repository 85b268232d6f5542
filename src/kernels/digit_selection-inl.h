// SPDX-License-Identifier: Apache-2.0
// Selecting the sample of a given rank for all pixels of a strip at once and without sorting.
// Included once per CPU target by the kernels that rank along time.
//
// A sample is written as one to four digits of up to eight bits, highest first, so that comparing
// digit by digit compares the samples. The digits of one place of a strip stand in a plane:
// plane[t * kStrip + pixel], signed bytes (the compare every CPU has). Bytes are as small as a lane
// gets, so a register holds the most pixels, and the plane of a strip fits the nearest cache.
//
// A digit is found bit by bit: a bit is set when no more than `rank` digits lie below the value it
// would give. That is one compare and one subtraction for each sample and bit, without a branch.
// Then samples with another digit drop out, and the next plane is searched among the rest.

// Highway includes this file once per target, so the guard flips each time.
#if defined(GEOLOOM_KERNELS_DIGIT_SELECTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GEOLOOM_KERNELS_DIGIT_SELECTION_INL_H
#undef GEOLOOM_KERNELS_DIGIT_SELECTION_INL_H
#else
#define GEOLOOM_KERNELS_DIGIT_SELECTION_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "kernels/sample_rows-inl.h"
#include "kernels/sample_strip.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

using DigitTag = hn::CappedTag<int8_t, kStrip>;
using Digits = hn::Vec<DigitTag>;

// Per pixel of a strip. Before a digit is selected: which of how many candidates is wanted. After
// it: the digit, how many candidates have a smaller one, and how many a smaller or the same.
struct Selection {
  uint16_t rank[kStrip], candidates[kStrip];
  int8_t digit[kStrip];
  uint16_t below[kStrip], up_to[kStrip];

  // Goes on among those with the selected digit.
  void descend() {
    for (size_t i = 0; i < kStrip; ++i) {
      rank[i] = static_cast<uint16_t>(rank[i] - below[i]);
      candidates[i] = static_cast<uint16_t>(up_to[i] - below[i]);
    }
  }
};

// For each lane of a column of at most kByteCount rows: how many digits are below `limit`. Four
// counts side by side, so that no addition waits for the one before.
HWY_INLINE Counts count_below(const int8_t* column, size_t rows, Digits limit) {
  const DigitTag d;
  Counts a = hn::Zero(CountTag()), b = a, c = a, e = a;
  size_t t = 0;
  for (; t + 4 <= rows; t += 4, column += 4 * kStrip) {
    a = count_up(a, d, hn::Lt(hn::LoadU(d, column), limit));
    b = count_up(b, d, hn::Lt(hn::LoadU(d, column + kStrip), limit));
    c = count_up(c, d, hn::Lt(hn::LoadU(d, column + 2 * kStrip), limit));
    e = count_up(e, d, hn::Lt(hn::LoadU(d, column + 3 * kStrip), limit));
  }
  for (; t < rows; ++t, column += kStrip) a = count_up(a, d, hn::Lt(hn::LoadU(d, column), limit));
  return hn::Add(hn::Add(a, b), hn::Add(c, e));
}

// With eight bits digits take the whole signed range; with fewer they are not negative.
HWY_INLINE int8_t least_digit(int bits) {
  return static_cast<int8_t>(bits == 8 ? INT8_MIN : 0);
}

// Adding the bit sets it, as it is still clear; bit 7 wraps INT8_MIN to 0.
HWY_INLINE int8_t digit_step(int bit) {
  return static_cast<int8_t>(static_cast<uint8_t>(1u << bit));
}

// For series that bytes can count: everything stays in registers.
HWY_INLINE void select_digit_of_few(const int8_t* plane, size_t slices, int bits, Selection& s) {
  const DigitTag d;
  const CountTag dc;
  uint8_t rank[kStrip], below_part[kStrip], up_to_part[kStrip];
  for (size_t i = 0; i < kStrip; ++i) {
    rank[i] = static_cast<uint8_t>(s.rank[i]);
    up_to_part[i] = static_cast<uint8_t>(s.candidates[i]);
  }
  for (size_t lane = 0; lane < kStrip; lane += hn::Lanes(d)) {
    const Counts wanted = hn::LoadU(dc, rank + lane);
    Counts below = hn::Zero(dc), up_to = hn::LoadU(dc, up_to_part + lane);
    Digits digit = hn::Set(d, least_digit(bits));
    for (int bit = bits - 1; bit >= 0; --bit) {
      const Digits tried = hn::Add(digit, hn::Set(d, digit_step(bit)));
      const Counts count = count_below(plane + lane, slices, tried);
      const auto take = hn::Not(hn::Lt(wanted, count));
      below = hn::IfThenElse(take, count, below);
      up_to = hn::IfThenElse(take, up_to, count);
      digit = hn::IfThenElse(hn::RebindMask(d, take), tried, digit);
    }
    hn::StoreU(digit, d, s.digit + lane);
    hn::StoreU(below, dc, below_part + lane);
    hn::StoreU(up_to, dc, up_to_part + lane);
  }
  for (size_t i = 0; i < kStrip; ++i) {
    s.below[i] = below_part[i];
    s.up_to[i] = up_to_part[i];
  }
}

HWY_INLINE void count_below_of_many(const int8_t* plane, size_t slices, const int8_t* limit,
                                    uint16_t* count) {
  const DigitTag d;
  uint8_t part[kStrip];
  std::fill_n(count, kStrip, uint16_t{0});
  for (size_t begin = 0; begin < slices; begin += kByteCount) {
    const size_t rows = std::min(kByteCount, slices - begin);
    for (size_t lane = 0; lane < kStrip; lane += hn::Lanes(d)) {
      const Digits tried = hn::LoadU(d, limit + lane);
      hn::StoreU(count_below(plane + begin * kStrip + lane, rows, tried), CountTag(), part + lane);
    }
    for (size_t i = 0; i < kStrip; ++i) count[i] = static_cast<uint16_t>(count[i] + part[i]);
  }
}

HWY_INLINE void select_digit_of_many(const int8_t* plane, size_t slices, int bits, Selection& s) {
  uint16_t count[kStrip];
  int8_t tried[kStrip];
  std::fill_n(s.digit, kStrip, least_digit(bits));
  std::fill_n(s.below, kStrip, uint16_t{0});
  std::copy_n(s.candidates, kStrip, s.up_to);
  for (int bit = bits - 1; bit >= 0; --bit) {
    for (size_t i = 0; i < kStrip; ++i)
      tried[i] = static_cast<int8_t>(s.digit[i] + digit_step(bit));
    count_below_of_many(plane, slices, tried, count);
    for (size_t i = 0; i < kStrip; ++i) {
      const bool take = s.rank[i] >= count[i];
      s.below[i] = take ? count[i] : s.below[i];
      s.up_to[i] = take ? s.up_to[i] : count[i];
      s.digit[i] = take ? tried[i] : s.digit[i];
    }
  }
}

// Selects one digit, given rank and candidates of `s`. Lanes without candidates get any digit.
HWY_INLINE void select_digit(const int8_t* plane, size_t slices, int bits, Selection& s) {
  if (slices <= kByteCount)
    select_digit_of_few(plane, slices, bits, s);
  else
    select_digit_of_many(plane, slices, bits, s);
}

// Takes samples out of planes[place] whose digit in an earlier place is not the selected one. All
// earlier places are compared: in the one before, kOutDigit could be the selected digit itself.
HWY_INLINE void keep_candidates(int8_t* const* planes, const int8_t (*digits)[kStrip], size_t place,
                                size_t slices) {
  const DigitTag d;
  const Digits out = hn::Set(d, kOutDigit);
  for (size_t lane = 0; lane < kStrip; lane += hn::Lanes(d)) {
    const Digits first = hn::LoadU(d, digits[0] + lane);
    const Digits second = hn::LoadU(d, digits[place > 1 ? 1 : 0] + lane);
    const Digits third = hn::LoadU(d, digits[place > 2 ? 2 : 0] + lane);
    for (size_t at = lane; at < slices * kStrip; at += kStrip) {
      auto same = hn::Eq(hn::LoadU(d, planes[0] + at), first);
      if (place > 1) same = hn::And(same, hn::Eq(hn::LoadU(d, planes[1] + at), second));
      if (place > 2) same = hn::And(same, hn::Eq(hn::LoadU(d, planes[2] + at), third));
      hn::StoreU(hn::IfThenElse(same, hn::LoadU(d, planes[place] + at), out), d,
                 planes[place] + at);
    }
  }
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GEOLOOM_KERNELS_DIGIT_SELECTION_INL_H
