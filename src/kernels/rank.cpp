// SPDX-License-Identifier: Apache-2.0
// The samples of a tile become order-preserving 16-bit keys (float: a high and a low half), of
// which the wanted rank and, where two samples are mixed, the next one are selected bit by bit.
#include "kernels/rank.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <type_traits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rank.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/key_selection-inl.h"

#ifndef GEOLOOM_KERNELS_RANK_ONCE
#define GEOLOOM_KERNELS_RANK_ONCE
namespace geoloom::kernels {
namespace {

// Scratch for the keys of one tile. `low` is used for float only.
struct KeyTile {
  int16_t* high;
  int16_t* low;
  size_t slices;
  size_t strips;
};

// What is selected for each pixel of a tile; `next_*` only when asked for.
struct Selected {
  uint16_t rank[kMaxTile];
  int16_t high[kMaxTile], low[kMaxTile];
  int16_t next_high[kMaxTile], next_low[kMaxTile];
};

template <class T>
constexpr int kKeyBits = std::is_same_v<T, uint8_t> ? 8 : 16;

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

size_t rank_strip_width() {
  return strip_width();
}

HWY_INLINE Keys keys_of(const uint8_t* data) {
  return hn::PromoteTo(KeyTag(), hn::LoadU(hn::Rebind<uint8_t, KeyTag>(), data));
}
// Flipping the top bit maps 0..65535 to -32768..32767.
HWY_INLINE Keys keys_of(const uint16_t* data) {
  const CountTag d;
  return hn::BitCast(KeyTag(), hn::Xor(hn::LoadU(d, data), hn::Set(d, uint16_t{0x8000})));
}
HWY_INLINE Keys keys_of(const int16_t* data) {
  return hn::LoadU(KeyTag(), data);
}

template <class T>
HWY_INLINE void load_integer_keys(Samples<T> samples, Validity validity, size_t pixel,
                                  const KeyTile& tile, uint16_t* count) {
  const KeyTag d;
  const size_t lanes = hn::Lanes(d), strip = 2 * lanes;
  for (size_t t = 0; t < tile.slices; ++t) {
    const T* data = samples.data + t * samples.slice_stride + pixel;
    const uint8_t* valid = validity.data + t * validity.slice_stride + pixel;
    for (size_t i = 0; i < tile.strips * strip; i += lanes) {
      const size_t lane = i % strip;
      const auto counts = valid_lanes(valid + i);
      count_valid(counts, count + i);
      hn::StoreU(hn::IfThenElse(counts, keys_of(data + i), hn::Set(d, kInvalidKey)), d,
                 tile.high + (i - lane) * tile.slices + t * strip + lane);
    }
  }
}

// As integers, the bits of floats order like the floats once the negative ones, which are stored as
// sign and magnitude, have their magnitude flipped. The halves are demoted to 16 bits as signed
// numbers that fit, so nothing saturates.
HWY_INLINE void split_float_keys(const float* data, const uint8_t* valid, int16_t* high,
                                 int16_t* low) {
  const hn::RepartitionToWide<KeyTag> d32;
  const hn::Rebind<int16_t, decltype(d32)> half;
  const hn::Rebind<uint8_t, decltype(d32)> bytes;
  const auto bits = hn::LoadU(d32, reinterpret_cast<const int32_t*>(data));
  const auto flip = hn::And(hn::ShiftRight<31>(bits), hn::Set(d32, INT32_MAX));
  const auto is_valid = hn::Ne(hn::PromoteTo(d32, hn::LoadU(bytes, valid)), hn::Zero(d32));
  const auto key = hn::IfThenElse(is_valid, hn::Xor(bits, flip), hn::Set(d32, INT32_MAX));
  hn::StoreU(hn::DemoteTo(half, hn::ShiftRight<16>(key)), half, high);
  const auto low_flipped = hn::Xor(key, hn::Set(d32, 0x8000));
  hn::StoreU(hn::DemoteTo(half, hn::ShiftRight<16>(hn::ShiftLeft<16>(low_flipped))), half, low);
}

void load_keys_f32(Samples<float> samples, Validity validity, size_t pixel, const KeyTile& tile,
                   uint16_t* count) {
  const hn::RepartitionToWide<KeyTag> d32;
  const size_t lanes = hn::Lanes(KeyTag()), strip = 2 * lanes;
  for (size_t t = 0; t < tile.slices; ++t) {
    const float* data = samples.data + t * samples.slice_stride + pixel;
    const uint8_t* valid = validity.data + t * validity.slice_stride + pixel;
    for (size_t i = 0; i < tile.strips * strip; i += lanes)
      count_valid(valid_lanes(valid + i), count + i);
    for (size_t i = 0; i < tile.strips * strip; i += hn::Lanes(d32)) {
      const size_t lane = i % strip, at = (i - lane) * tile.slices + t * strip + lane;
      split_float_keys(data + i, valid + i, tile.high + at, tile.low + at);
    }
  }
}

void load_keys_u8(Samples<uint8_t> samples, Validity validity, size_t pixel, const KeyTile& tile,
                  uint16_t* count) {
  load_integer_keys(samples, validity, pixel, tile, count);
}
void load_keys_u16(Samples<uint16_t> samples, Validity validity, size_t pixel, const KeyTile& tile,
                   uint16_t* count) {
  load_integer_keys(samples, validity, pixel, tile, count);
}
void load_keys_i16(Samples<int16_t> samples, Validity validity, size_t pixel, const KeyTile& tile,
                   uint16_t* count) {
  load_integer_keys(samples, validity, pixel, tile, count);
}

// Per lane the smallest key above `value` (kInvalidKey when there is none), and how many keys are
// above it.
HWY_INLINE void find_above(const int16_t* keys, size_t slices, const int16_t* value, int16_t* least,
                           uint16_t* above) {
  const KeyTag d;
  const CountTag dc;
  const size_t lanes = hn::Lanes(d), strip = 2 * lanes;
  for (size_t lane = 0; lane < strip; lane += lanes) {
    const Keys floor = hn::LoadU(d, value + lane);
    Keys smallest = hn::Set(d, kInvalidKey);
    Counts count = hn::Zero(dc);
    for (size_t t = 0; t < slices; ++t) {
      const Keys key = hn::LoadU(d, keys + t * strip + lane);
      const auto higher = hn::Gt(key, floor);
      smallest = hn::IfThenElse(higher, hn::Min(smallest, key), smallest);
      count = count_up(count, higher);
    }
    hn::StoreU(smallest, d, least + lane);
    hn::StoreU(count, dc, above + lane);
  }
}

// The key of rank + 1, given that of `rank`: the same again when enough keys are not above it.
// Without meaning where rank + 1 is not below the number of valid keys.
HWY_INLINE void select_next(const int16_t* keys, size_t slices, const uint16_t* rank,
                            const int16_t* value, int16_t* next) {
  uint16_t above[kMaxStrip];
  find_above(keys, slices, value, next, above);
  for (size_t i = 0; i < strip_width(); ++i) {
    if (size_t{rank[i]} + 1 + above[i] < slices) next[i] = value[i];
  }
}

void select_integers(const KeyTile& tile, int bits, bool with_next, Selected& selected) {
  const size_t strip = strip_width();
  uint16_t below[kMaxStrip];
  for (size_t i = 0; i < tile.strips * strip; i += strip) {
    const int16_t* keys = tile.high + i * tile.slices;
    select_keys(keys, tile.slices, bits, selected.rank + i, selected.high + i, below);
    if (with_next)
      select_next(keys, tile.slices, selected.rank + i, selected.high + i, selected.next_high + i);
  }
}

// Prepares the low halves for the second selection: those whose high half is not `high` go out of
// the race. Counts those that stay, and finds the smallest low half that belongs to `next_high`.
HWY_INLINE void narrow_low(const int16_t* high_keys, int16_t* low_keys, size_t slices,
                           const int16_t* high, const int16_t* next_high, uint16_t* stay,
                           int16_t* next_low) {
  const KeyTag d;
  const CountTag dc;
  const size_t lanes = hn::Lanes(d), strip = 2 * lanes;
  const Keys out = hn::Set(d, kInvalidKey);
  for (size_t lane = 0; lane < strip; lane += lanes) {
    const Keys wanted = hn::LoadU(d, high + lane), wanted_next = hn::LoadU(d, next_high + lane);
    Keys smallest = out;
    Counts count = hn::Zero(dc);
    for (size_t t = 0; t < slices; ++t) {
      const Keys key = hn::LoadU(d, high_keys + t * strip + lane);
      const Keys low = hn::LoadU(d, low_keys + t * strip + lane);
      const auto equal = hn::Eq(key, wanted);
      smallest = hn::Min(smallest, hn::IfThenElse(hn::Eq(key, wanted_next), low, out));
      count = count_up(count, equal);
      hn::StoreU(hn::IfThenElse(equal, low, out), d, low_keys + t * strip + lane);
    }
    hn::StoreU(smallest, d, next_low + lane);
    hn::StoreU(count, dc, stay + lane);
  }
}

// One strip of float keys: high halves first, then the low halves among the equal high ones.
HWY_INLINE void select_float_strip(const int16_t* high_keys, int16_t* low_keys, size_t slices,
                                   bool with_next, size_t at, Selected& selected) {
  int16_t *high = selected.high + at, *low = selected.low + at;
  int16_t *next_high = selected.next_high + at, *next_low = selected.next_low + at;
  uint16_t below[kMaxStrip], stay[kMaxStrip], unused[kMaxStrip], low_rank[kMaxStrip];
  int16_t next_in_high[kMaxStrip];
  select_keys(high_keys, slices, 16, selected.rank + at, high, below);
  std::fill_n(next_high, strip_width(), kInvalidKey);
  if (with_next) find_above(high_keys, slices, high, next_high, unused);
  narrow_low(high_keys, low_keys, slices, high, next_high, stay, next_low);
  for (size_t i = 0; i < strip_width(); ++i)
    low_rank[i] = static_cast<uint16_t>(selected.rank[at + i] - below[i]);
  select_keys(low_keys, slices, 16, low_rank, low, unused);
  if (!with_next) return;
  select_next(low_keys, slices, low_rank, low, next_in_high);
  for (size_t i = 0; i < strip_width(); ++i) {
    if (low_rank[i] + 1 >= stay[i]) continue;  // the next sample has another high half
    next_high[i] = high[i];
    next_low[i] = next_in_high[i];
  }
}

void select_floats(const KeyTile& tile, bool with_next, Selected& selected) {
  const size_t strip = strip_width();
  for (size_t i = 0; i < tile.strips * strip; i += strip)
    select_float_strip(tile.high + i * tile.slices, tile.low + i * tile.slices, tile.slices,
                       with_next, i, selected);
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(rank_strip_width);
HWY_EXPORT(select_integers);
HWY_EXPORT(select_floats);

#define EXPORT(T, suffix)                                                               \
  HWY_EXPORT(load_keys_##suffix);                                                       \
  void load_keys(Samples<T> samples, Validity valid, size_t pixel, const KeyTile& tile, \
                 uint16_t* count) {                                                     \
    HWY_DYNAMIC_DISPATCH(load_keys_##suffix)(samples, valid, pixel, tile, count);       \
  }
GEOLOOM_FOR_PIXEL_TYPES(EXPORT)
#undef EXPORT

// Key and sample, one pixel at a time; the vector code above does the same.
struct Key {
  int16_t high, low;
};

Key key_of(uint8_t value) {
  return {value, 0};
}
Key key_of(uint16_t value) {
  return {static_cast<int16_t>(value ^ 0x8000), 0};
}
Key key_of(int16_t value) {
  return {value, 0};
}
Key key_of(float value) {
  const int32_t bits = std::bit_cast<int32_t>(value);
  const int32_t key = bits < 0 ? bits ^ INT32_MAX : bits;
  return {static_cast<int16_t>(key >> 16), static_cast<int16_t>((key & 0xFFFF) ^ 0x8000)};
}

template <class T>
T sample_of(Key key) {
  if constexpr (std::is_same_v<T, uint16_t>) {
    return static_cast<uint16_t>(static_cast<uint16_t>(key.high) ^ 0x8000);
  } else if constexpr (std::is_same_v<T, float>) {
    const uint32_t high = static_cast<uint16_t>(key.high);
    const uint32_t low = static_cast<uint16_t>(key.low) ^ 0x8000u;
    const uint32_t bits = high << 16 | low;
    return std::bit_cast<float>(bits >> 31 != 0 ? bits ^ 0x7FFFFFFFu : bits);
  } else {
    return static_cast<T>(key.high);
  }
}

// For an image narrower than a strip: keys and counts of lanes beyond its end stay untouched.
template <class T>
void load_few_keys(Samples<T> samples, Validity valid, size_t pixels, size_t strip,
                   const KeyTile& tile, uint16_t* count) {
  for (size_t t = 0; t < samples.slices; ++t) {
    for (size_t p = 0; p < pixels; ++p) {
      const bool counts = valid.data[t * valid.slice_stride + p] != 0;
      const Key key = counts ? key_of(samples.data[t * samples.slice_stride + p])
                             : Key{kInvalidKey, kInvalidKey};
      tile.high[t * strip + p] = key.high;
      if (std::is_same_v<T, float>) tile.low[t * strip + p] = key.low;
      if (counts) ++count[p];
    }
  }
}

template <class T>
void select(const KeyTile& tile, bool with_next, Selected& selected) {
  if constexpr (std::is_same_v<T, float>) {
    HWY_DYNAMIC_DISPATCH(select_floats)(tile, with_next, selected);
  } else {
    HWY_DYNAMIC_DISPATCH(select_integers)(tile, kKeyBits<T>, with_next, selected);
  }
}

// Rule: rank_of(m) is the rank wanted of m > 0 samples, answer(m, x[rank], x[rank + 1]) the result;
// the third argument has a meaning only if with_next and rank + 1 < m.
template <class T, class Out, class Rank, class Answer>
void for_each_pixel(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, Out* out,
                    uint8_t* out_valid, bool with_next, Rank rank_of, Answer answer) {
  const size_t slices = samples.slices;
  if (slices > kMaxSlices) throw std::invalid_argument("rank: at most 65535 slices");
  const size_t strip = HWY_DYNAMIC_DISPATCH(rank_strip_width)();
  const size_t tile_keys = slices * strip * strips_per_tile(slices, strip);
  std::vector<int16_t> high(tile_keys), low(std::is_same_v<T, float> ? tile_keys : 0);
  const size_t least_count = std::max<size_t>(min_count, 1);
  for_each_tile(pixels, slices, strip, [&](size_t first, size_t strips) {
    const KeyTile tile{high.data(), low.data(), slices, strips};
    uint16_t count[kMaxTile] = {};
    Selected selected;
    if (pixels < strip) {
      load_few_keys(samples, valid, pixels, strip, tile, count);
    } else {
      load_keys(samples, valid, first, tile, count);
    }
    for (size_t i = 0; i < strips * strip; ++i)
      selected.rank[i] = static_cast<uint16_t>(count[i] == 0 ? 0 : rank_of(count[i]));
    select<T>(tile, with_next, selected);
    for (size_t i = 0; i < std::min(strips * strip, pixels); ++i) {
      Out result{};
      bool has_value = count[i] >= least_count;
      if (has_value) {
        const T value = sample_of<T>({selected.high[i], selected.low[i]});
        const bool has_next = with_next && selected.rank[i] + 1 < count[i];
        const T next =
            has_next ? sample_of<T>({selected.next_high[i], selected.next_low[i]}) : value;
        result = answer(size_t{count[i]}, value, next);
        has_value = result == result;  // not so for NaN
      }
      out[first + i] = has_value ? result : Out{};
      out_valid[first + i] = has_value ? 1 : 0;
    }
  });
}

void check_quantile(double q) {
  if (!(q >= 0 && q <= 1)) throw std::invalid_argument("rank: a quantile lies in 0..1");
}

// Rounds up by hand: q * m is not negative.
size_t nearest_rank(double q, size_t m) {
  const double place = q * static_cast<double>(m);
  const size_t whole = static_cast<size_t>(place);
  const size_t up = static_cast<double>(whole) < place ? whole + 1 : whole;
  return up == 0 ? 0 : up - 1;
}

}  // namespace

template <class T>
void median_lower(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid) {
  for_each_pixel(
      samples, valid, pixels, min_count, out, out_valid, false,
      [](size_t m) { return (m - 1) / 2; }, [](size_t, T value, T) { return value; });
}

template <class T>
void median_upper(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid) {
  for_each_pixel(
      samples, valid, pixels, min_count, out, out_valid, false, [](size_t m) { return m / 2; },
      [](size_t, T value, T) { return value; });
}

template <class T>
void median_mean(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, float* out,
                 uint8_t* out_valid) {
  for_each_pixel(
      samples, valid, pixels, min_count, out, out_valid, true, [](size_t m) { return (m - 1) / 2; },
      [](size_t m, T value, T next) {
        if (m % 2 == 1) return static_cast<float>(value);
        return static_cast<float>((static_cast<double>(value) + next) / 2);
      });
}

template <class T>
void quantile_nearest(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                      T* out, uint8_t* out_valid) {
  check_quantile(q);
  for_each_pixel(
      samples, valid, pixels, min_count, out, out_valid, false,
      [q](size_t m) { return nearest_rank(q, m); }, [](size_t, T value, T) { return value; });
}

template <class T>
void quantile_linear(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                     float* out, uint8_t* out_valid) {
  check_quantile(q);
  // Truncation is floor here, as nothing is negative.
  const auto place = [q](size_t m) { return static_cast<double>(m - 1) * q; };
  for_each_pixel(
      samples, valid, pixels, min_count, out, out_valid, true,
      [&](size_t m) { return static_cast<size_t>(place(m)); },
      [&](size_t m, T value, T next) {
        const double part = place(m) - static_cast<double>(static_cast<size_t>(place(m)));
        if (part == 0 || value == next) return static_cast<float>(value);
        const double low = value, high = next;
        return static_cast<float>(low + part * (high - low));
      });
}

#define INSTANTIATE(T, suffix)                                                                   \
  template void median_lower<T>(Samples<T>, Validity, size_t, size_t, T*, uint8_t*);             \
  template void median_upper<T>(Samples<T>, Validity, size_t, size_t, T*, uint8_t*);             \
  template void median_mean<T>(Samples<T>, Validity, size_t, size_t, float*, uint8_t*);          \
  template void quantile_nearest<T>(Samples<T>, Validity, size_t, double, size_t, T*, uint8_t*); \
  template void quantile_linear<T>(Samples<T>, Validity, size_t, double, size_t, float*, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
