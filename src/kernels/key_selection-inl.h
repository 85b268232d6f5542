// SPDX-License-Identifier: Apache-2.0
// Selecting the k-th smallest of many 16-bit keys, for all pixels of a strip at once and without
// sorting. Included once per CPU target by the kernels that rank along time.
//
// A strip is two vectors wide, one pixel per lane. Its keys stand in a scratch that fits the
// nearest cache: keys[t * strip + lane] (a tile is several strips, one after the other), signed
// 16-bit (the compare every CPU has), kInvalidKey for invalid samples. As that is the largest key,
// invalid samples come last and a rank below the number of valid samples never lands on one by
// value, even where a valid sample has the same key.

// Highway includes this file once per target, so the guard flips each time.
#if defined(GEOLOOM_KERNELS_KEY_SELECTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GEOLOOM_KERNELS_KEY_SELECTION_INL_H
#undef GEOLOOM_KERNELS_KEY_SELECTION_INL_H
#else
#define GEOLOOM_KERNELS_KEY_SELECTION_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "kernels/key_strip.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Capped, so that a strip never exceeds kMaxStrip on CPUs with very wide vectors.
using KeyTag = hn::CappedTag<int16_t, kMaxStrip / 2>;
using CountTag = hn::RebindToUnsigned<KeyTag>;
using Keys = hn::Vec<KeyTag>;
using Counts = hn::Vec<CountTag>;

HWY_INLINE size_t strip_width() {
  return 2 * hn::Lanes(KeyTag());
}

// count - (-1) where the mask is set: one subtraction, as a true lane is all ones.
template <class Mask>
HWY_INLINE Counts count_up(Counts count, Mask where) {
  return hn::Sub(count, hn::BitCast(CountTag(), hn::VecFromMask(KeyTag(), where)));
}

// A byte of validity per lane, as a mask on keys.
HWY_INLINE hn::Mask<KeyTag> valid_lanes(const uint8_t* valid) {
  const KeyTag d;
  const hn::Rebind<uint8_t, KeyTag> bytes;
  return hn::Ne(hn::PromoteTo(d, hn::LoadU(bytes, valid)), hn::Zero(d));
}

// One more valid sample for each pixel of a vector whose lane is set.
HWY_INLINE void count_valid(hn::Mask<KeyTag> valid, uint16_t* count) {
  const CountTag d;
  hn::StoreU(count_up(hn::LoadU(d, count), valid), d, count);
}

// Per lane the key of the given 0-based rank, found from the highest of `bits` bits downwards: a
// bit is set when no more than `rank` keys are below the value it would give. With 16 bits keys
// take the whole signed range; with fewer they are not negative. Also counts the keys below it.
HWY_INLINE void select_keys(const int16_t* keys, size_t slices, int bits, const uint16_t* rank,
                            int16_t* value, uint16_t* below) {
  const KeyTag d;
  const CountTag dc;
  const size_t lanes = hn::Lanes(d), strip = 2 * lanes;
  const Counts rank0 = hn::LoadU(dc, rank), rank1 = hn::LoadU(dc, rank + lanes);
  Keys value0 = hn::Set(d, static_cast<int16_t>(bits == 16 ? INT16_MIN : 0)), value1 = value0;
  Counts below0 = hn::Zero(dc), below1 = below0;
  for (int bit = bits - 1; bit >= 0; --bit) {
    // Adding the bit sets it, as it is still clear; bit 15 wraps INT16_MIN to 0.
    const Keys step = hn::Set(d, static_cast<int16_t>(static_cast<uint16_t>(1u << bit)));
    const Keys try0 = hn::Add(value0, step), try1 = hn::Add(value1, step);
    // Even and odd slices are counted apart, so that no addition waits for the one before.
    Counts even0 = hn::Zero(dc), even1 = even0, odd0 = even0, odd1 = even0;
    const int16_t* row = keys;
    size_t t = 0;
    for (; t + 2 <= slices; t += 2, row += 2 * strip) {
      even0 = count_up(even0, hn::Lt(hn::LoadU(d, row), try0));
      even1 = count_up(even1, hn::Lt(hn::LoadU(d, row + lanes), try1));
      odd0 = count_up(odd0, hn::Lt(hn::LoadU(d, row + strip), try0));
      odd1 = count_up(odd1, hn::Lt(hn::LoadU(d, row + strip + lanes), try1));
    }
    if (t < slices) {
      even0 = count_up(even0, hn::Lt(hn::LoadU(d, row), try0));
      even1 = count_up(even1, hn::Lt(hn::LoadU(d, row + lanes), try1));
    }
    const Counts count0 = hn::Add(even0, odd0), count1 = hn::Add(even1, odd1);
    const auto take0 = hn::Not(hn::Lt(rank0, count0)), take1 = hn::Not(hn::Lt(rank1, count1));
    below0 = hn::IfThenElse(take0, count0, below0);
    below1 = hn::IfThenElse(take1, count1, below1);
    value0 = hn::IfThenElse(hn::RebindMask(d, take0), try0, value0);
    value1 = hn::IfThenElse(hn::RebindMask(d, take1), try1, value1);
  }
  hn::StoreU(value0, d, value);
  hn::StoreU(value1, d, value + lanes);
  hn::StoreU(below0, dc, below);
  hn::StoreU(below1, dc, below + lanes);
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GEOLOOM_KERNELS_KEY_SELECTION_INL_H
