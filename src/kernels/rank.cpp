// SPDX-License-Identifier: Apache-2.0
// The samples of a tile become digits that order like the samples, of which those at the wanted
// rank are selected bit by bit. Where two samples are mixed, the next one is found after that.
// Short series are sorted.
#include "kernels/rank.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <type_traits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rank.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/digit_selection-inl.h"

#ifndef GEOLOOM_KERNELS_RANK_ONCE
#define GEOLOOM_KERNELS_RANK_ONCE
namespace geoloom::kernels {
namespace {

constexpr size_t kMaxDigits = 4;
// Series of at most this many slices are sorted instead: the samples of a vector of pixels stay in
// registers, and short series need fewer comparisons than digits have bits.
constexpr size_t kMostSorted = 16;

// Scratch for the digits of one tile: for each strip, one after the other, a plane of slices.
struct DigitTile {
  int8_t* planes[kMaxDigits];
  size_t slices, first, pixels;
};

// What is selected for each pixel of a tile.
template <class T>
struct Selected {
  uint16_t count[kMaxTile];  // valid samples
  T value[kMaxTile];         // the sample of the wanted rank
  T next[kMaxTile];          // that of the rank after it, if asked for and if there is one
};

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

// Digits of 0..255 are stored less 128, so that signed bytes hold them.
HWY_INLINE Digits less_128(Counts digit) {
  return hn::BitCast(DigitTag(), hn::Xor(digit, hn::Set(CountTag(), uint8_t{128})));
}

// A vector of pixels, by digit from the highest. Samples are little-endian.
HWY_INLINE void load_digits(const uint8_t* data, Digits* digits) {
  digits[0] = less_128(hn::LoadU(CountTag(), data));
}
HWY_INLINE void load_digits(const uint16_t* data, Digits* digits) {
  Counts low, high;
  hn::LoadInterleaved2(CountTag(), reinterpret_cast<const uint8_t*>(data), low, high);
  digits[0] = less_128(high);
  digits[1] = less_128(low);
}
HWY_INLINE void load_digits(const int16_t* data, Digits* digits) {
  Counts low, high;
  hn::LoadInterleaved2(CountTag(), reinterpret_cast<const uint8_t*>(data), low, high);
  digits[0] = hn::BitCast(DigitTag(), high);
  digits[1] = less_128(low);
}
// As integers, the bits of floats order like the floats once the negative ones, which are stored as
// sign and magnitude, have their magnitude flipped.
HWY_INLINE void load_digits(const float* data, Digits* digits) {
  const CountTag dc;
  const DigitTag d;
  Counts bytes[4];
  hn::LoadInterleaved4(dc, reinterpret_cast<const uint8_t*>(data), bytes[3], bytes[2], bytes[1],
                       bytes[0]);
  const Digits top = hn::BitCast(d, bytes[0]);
  const Counts flip = hn::BitCast(dc, hn::VecFromMask(d, hn::Lt(top, hn::Zero(d))));
  digits[0] = hn::Xor(top, hn::BitCast(d, hn::And(flip, hn::Set(dc, uint8_t{127}))));
  for (size_t place = 1; place < 4; ++place) digits[place] = less_128(hn::Xor(bytes[place], flip));
}

template <class T>
HWY_INLINE void load_row(const T* data, const uint8_t* valid, size_t t, const DigitTile& tile,
                         uint8_t* count) {
  const DigitTag d;
  const Digits out = hn::Set(d, kOutDigit);
  Digits digits[sizeof(T)];
  count_valid_row(valid, tile.pixels, count);
  for (size_t i = 0; i < tile.pixels; i += hn::Lanes(d)) {
    const size_t pixel = i % kStrip, at = (i - pixel) * tile.slices + t * kStrip + pixel;
    const auto counts = valid_lanes(d, valid + i);
    load_digits(data + i, digits);
    for (size_t place = 0; place < sizeof(T); ++place)
      hn::StoreU(hn::IfThenElse(counts, digits[place], out), d, tile.planes[place] + at);
  }
}

template <class T>
HWY_INLINE void load_tile(Samples<T> samples, Validity validity, const DigitTile& tile,
                          uint16_t* count) {
  uint8_t part[kMaxTile] = {};
  std::fill_n(count, tile.pixels, uint16_t{0});
  for (size_t t = 0; t < tile.slices; ++t) {
    const T* data = samples.data + t * samples.slice_stride + tile.first;
    const uint8_t* valid = validity.data + t * validity.slice_stride + tile.first;
    if (t + kRowsAhead < tile.slices) {
      prefetch_row(data + kRowsAhead * samples.slice_stride, tile.pixels);
      prefetch_row(valid + kRowsAhead * validity.slice_stride, tile.pixels);
    }
    load_row(data, valid, t, tile, part);
    if ((t + 1) % kByteCount != 0 && t + 1 != tile.slices) continue;
    flush_counts(part, tile.pixels, count);
  }
}

// Integers that order like the samples, of the same size.
template <class T>
using KeyOf = std::conditional_t<std::is_same_v<T, float>, int32_t, T>;

HWY_INLINE hn::Vec<hn::CappedTag<int32_t, kStrip>> ordered_keys(const float* data) {
  const hn::CappedTag<int32_t, kStrip> d;
  const auto bits = hn::LoadU(d, reinterpret_cast<const int32_t*>(data));
  return hn::Xor(bits, hn::And(hn::ShiftRight<31>(bits), hn::Set(d, INT32_MAX)));
}
template <class T>
HWY_INLINE hn::Vec<hn::CappedTag<T, kStrip>> ordered_keys(const T* data) {
  return hn::LoadU(hn::CappedTag<T, kStrip>(), data);
}

template <class T>
T sample_of_key(T key) {
  return key;
}
float sample_of_key(int32_t key) {
  return std::bit_cast<float>(key < 0 ? key ^ INT32_MAX : key);
}

// The key of the smallest valid sample above that in `floor`, for each pixel of a strip; without
// meaning if there is none.
template <class T, class Key>
HWY_INLINE void find_above(Samples<T> samples, Validity validity, size_t pixel, const T* floor,
                           Key* least) {
  const hn::CappedTag<Key, kStrip> d;
  const auto greatest = hn::Set(d, std::numeric_limits<Key>::max());
  for (size_t lane = 0; lane < kStrip; lane += hn::Lanes(d)) {
    const T* data = samples.data + pixel + lane;
    const uint8_t* valid = validity.data + pixel + lane;
    const auto limit = ordered_keys(floor + lane);
    auto smallest = greatest;
    for (size_t t = 0; t < samples.slices; ++t) {
      const auto key = ordered_keys(data + t * samples.slice_stride);
      const auto counts = valid_lanes(d, valid + t * validity.slice_stride);
      const auto above = hn::And(counts, hn::Gt(key, limit));
      smallest = hn::Min(smallest, hn::IfThenElse(above, key, greatest));
    }
    hn::StoreU(smallest, d, least + lane);
  }
}

// Digits as they are stored, back to samples.
void join_digits(const int8_t (*digits)[kStrip], uint8_t* value) {
  for (size_t i = 0; i < kStrip; ++i) value[i] = static_cast<uint8_t>(digits[0][i] ^ 0x80);
}
void join_digits(const int8_t (*digits)[kStrip], int16_t* value) {
  for (size_t i = 0; i < kStrip; ++i)
    value[i] = static_cast<int16_t>(digits[0][i] * 256 + (digits[1][i] + 128));
}
void join_digits(const int8_t (*digits)[kStrip], uint16_t* value) {
  for (size_t i = 0; i < kStrip; ++i)
    value[i] = static_cast<uint16_t>((digits[0][i] + 128) * 256 + (digits[1][i] + 128));
}
void join_digits(const int8_t (*digits)[kStrip], float* value) {
  for (size_t i = 0; i < kStrip; ++i) {
    uint32_t key = static_cast<uint8_t>(digits[0][i]);
    for (size_t place = 1; place < 4; ++place)
      key = key << 8 | static_cast<uint8_t>(digits[place][i] ^ 0x80);
    value[i] = sample_of_key(static_cast<int32_t>(key));
  }
}

// One strip; `next` is left alone if it is null.
template <class T>
HWY_INLINE void select_strip(Samples<T> samples, Validity validity, const DigitTile& tile,
                             size_t strip, Selection& s, T* value, T* next) {
  int8_t digits[sizeof(T)][kStrip];
  int8_t* planes[sizeof(T)];
  for (size_t place = 0; place < sizeof(T); ++place)
    planes[place] = tile.planes[place] + strip * tile.slices;
  for (size_t place = 0; place < sizeof(T); ++place) {
    if (place > 0) keep_candidates(planes, digits, place, tile.slices);
    select_digit(planes[place], tile.slices, 8, s);
    std::copy_n(s.digit, kStrip, digits[place]);
    s.descend();
  }
  join_digits(digits, value);
  if (next == nullptr) return;
  KeyOf<T> least[kStrip];
  find_above(samples, validity, tile.first + strip, value, least);
  // Equal samples follow each other.
  for (size_t i = 0; i < kStrip; ++i)
    next[i] = s.rank[i] + 1 < s.candidates[i] ? value[i] : sample_of_key(least[i]);
}

// In ascending order, by insertion: kSlices is small, and all loops are unrolled.
template <size_t kSlices, class V>
HWY_INLINE void sort(V* keys) {
  HWY_UNROLL(16)
  for (size_t end = 1; end < kSlices; ++end) {
    HWY_UNROLL(16)
    for (size_t k = end; k > 0; --k) {
      const V low = hn::Min(keys[k - 1], keys[k]);
      keys[k] = hn::Max(keys[k - 1], keys[k]);
      keys[k - 1] = low;
    }
  }
}

// The keys of the wanted rank and of the rank after it, and the number of samples, of a vector of
// pixels. Missing samples come last; where they are as great as a sample, that has the same key.
template <size_t kSlices, class T>
HWY_INLINE void select_sorted_at(Samples<T> samples, Validity validity, size_t pixel,
                                 const uint16_t* rank_of, KeyOf<T>* count, KeyOf<T>* value,
                                 KeyOf<T>* next) {
  using Key = KeyOf<T>;
  const hn::CappedTag<Key, kStrip> d;
  const auto as_key = [&](size_t number) HWY_ATTR { return hn::Set(d, static_cast<Key>(number)); };
  const auto greatest = hn::Set(d, std::numeric_limits<Key>::max());
  hn::Vec<hn::CappedTag<Key, kStrip>> keys[kSlices];
  auto valid_samples = hn::Zero(d);
  for (size_t t = 0; t < kSlices; ++t) {
    const auto counts = valid_lanes(d, validity.data + t * validity.slice_stride + pixel);
    const auto key = ordered_keys(samples.data + t * samples.slice_stride + pixel);
    keys[t] = hn::IfThenElse(counts, key, greatest);
    valid_samples = hn::Add(valid_samples, hn::IfThenElseZero(counts, as_key(1)));
  }
  sort<kSlices>(keys);
  auto rank = hn::Zero(d);
  for (size_t m = 1; m <= kSlices; ++m)
    rank = hn::IfThenElse(hn::Eq(valid_samples, as_key(m)), as_key(rank_of[m]), rank);
  auto chosen = keys[0], after = keys[0];
  for (size_t k = 1; k < kSlices; ++k) {
    chosen = hn::IfThenElse(hn::Eq(rank, as_key(k)), keys[k], chosen);
    after = hn::IfThenElse(hn::Eq(rank, as_key(k - 1)), keys[k], after);
  }
  hn::StoreU(valid_samples, d, count);
  hn::StoreU(chosen, d, value);
  hn::StoreU(after, d, next);
}

template <size_t kSlices, class T>
HWY_INLINE void select_sorted(Samples<T> samples, Validity validity, const DigitTile& tile,
                              const uint16_t* rank_of, Selected<T>& selected) {
  const size_t lanes = hn::Lanes(hn::CappedTag<KeyOf<T>, kStrip>());
  KeyOf<T> count[kStrip], value[kStrip], next[kStrip];
  for (size_t strip = 0; strip < tile.pixels; strip += kStrip) {
    for (size_t i = 0; i < kStrip; i += lanes)
      select_sorted_at<kSlices>(samples, validity, tile.first + strip + i, rank_of, count + i,
                                value + i, next + i);
    for (size_t i = 0; i < kStrip; ++i) {
      selected.count[strip + i] = static_cast<uint16_t>(count[i]);
      selected.value[strip + i] = sample_of_key(value[i]);
      selected.next[strip + i] = sample_of_key(next[i]);
    }
  }
}

// False where the series is too long for it.
template <size_t kSlices, class T>
HWY_INLINE bool select_if_short(Samples<T> samples, Validity validity, const DigitTile& tile,
                                const uint16_t* rank_of, Selected<T>& selected) {
  if constexpr (kSlices <= kMostSorted) {
    if (samples.slices != kSlices)
      return select_if_short<kSlices + 1>(samples, validity, tile, rank_of, selected);
    select_sorted<kSlices>(samples, validity, tile, rank_of, selected);
    return true;
  }
  return false;
}

// rank_of[m] is the rank wanted of m samples.
template <class T>
HWY_INLINE void select_tile(Samples<T> samples, Validity validity, const DigitTile& tile,
                            const uint16_t* rank_of, bool with_next, Selected<T>& selected) {
  if (select_if_short<1>(samples, validity, tile, rank_of, selected)) return;
  load_tile(samples, validity, tile, selected.count);
  Selection s;
  for (size_t strip = 0; strip < tile.pixels; strip += kStrip) {
    for (size_t i = 0; i < kStrip; ++i) {
      s.candidates[i] = selected.count[strip + i];
      s.rank[i] = rank_of[s.candidates[i]];
    }
    select_strip(samples, validity, tile, strip, s, selected.value + strip,
                 with_next ? selected.next + strip : nullptr);
  }
}

#define DEFINE(T, suffix)                                                                \
  void select_##suffix(Samples<T> samples, Validity validity, const DigitTile& tile,     \
                       const uint16_t* rank_of, bool with_next, Selected<T>& selected) { \
    select_tile(samples, validity, tile, rank_of, with_next, selected);                  \
  }
GEOLOOM_FOR_PIXEL_TYPES(DEFINE)
#undef DEFINE

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

#define EXPORT(T, suffix)                                                                         \
  HWY_EXPORT(select_##suffix);                                                                    \
  void select(Samples<T> samples, Validity validity, const DigitTile& tile,                       \
              const uint16_t* rank_of, bool with_next, Selected<T>& selected) {                   \
    HWY_DYNAMIC_DISPATCH(select_##suffix)(samples, validity, tile, rank_of, with_next, selected); \
  }
GEOLOOM_FOR_PIXEL_TYPES(EXPORT)
#undef EXPORT

// What a kernel is, beyond selecting: rank_of(m) is the rank wanted of m > 0 samples, and
// answer(m, x[rank], x[rank + 1]) the result; the third argument has a meaning only if with_next is
// set and rank + 1 < m.
template <class Rank, class Answer>
struct Rule {
  bool with_next;
  Rank rank_of;
  Answer answer;
};

template <class Rank, class Answer>
Rule(bool, Rank, Answer) -> Rule<Rank, Answer>;

template <class T, class Out>
struct Job {
  Samples<T> samples;
  Validity validity;
  size_t min_count;
  Out* out;
  uint8_t* out_valid;
};

template <class T, class Out, class Answer>
void write_answers(const Selected<T>& selected, size_t pixels, Answer answer, size_t min_count,
                   Out* out, uint8_t* out_valid) {
  const size_t least_count = std::max<size_t>(min_count, 1);
  for (size_t i = 0; i < pixels; ++i) {
    const size_t m = selected.count[i];
    const Out result = answer(m, selected.value[i], selected.next[i]);
    const bool has_value = m >= least_count && result == result;  // not so for NaN
    out[i] = has_value ? result : Out{};
    out_valid[i] = has_value ? 1 : 0;
  }
}

template <class T, class Out, class Rank, class Answer>
void for_each_wide(const Job<T, Out>& job, size_t pixels, const Rule<Rank, Answer>& rule) {
  const size_t slices = job.samples.slices;
  std::vector<uint16_t> rank_of(slices + 1);
  for (size_t m = 1; m <= slices; ++m) rank_of[m] = static_cast<uint16_t>(rule.rank_of(m));
  // The next sample is looked up in the samples themselves, so these should still be in the cache.
  const size_t bytes = rule.with_next ? 2 * sizeof(T) + 1 : sizeof(T);
  const size_t most = tile_pixels(slices, bytes), plane = slices * most;
  std::vector<int8_t> digits(slices <= kMostSorted ? 0 : sizeof(T) * plane);
  DigitTile tile{{}, slices, 0, 0};
  for (size_t place = 0; place < sizeof(T) && !digits.empty(); ++place)
    tile.planes[place] = digits.data() + place * plane;
  Selected<T> selected{};
  for_each_tile(pixels, most, [&](size_t first, size_t count) {
    tile.first = first;
    tile.pixels = count;
    select(job.samples, job.validity, tile, rank_of.data(), rule.with_next, selected);
    write_answers(selected, count, rule.answer, job.min_count, job.out + first,
                  job.out_valid + first);
  });
}

template <class T, class Out, class Rank, class Answer>
void for_each_pixel(const Job<T, Out>& job, size_t pixels, const Rule<Rank, Answer>& rule) {
  const size_t slices = job.samples.slices;
  if (slices > kMaxSlices) throw std::invalid_argument("rank: at most 65535 slices");
  if (slices == 0) {
    std::fill_n(job.out, pixels, Out{});
    std::fill_n(job.out_valid, pixels, uint8_t{0});
  } else if (pixels >= kStrip) {
    for_each_wide(job, pixels, rule);
  } else {
    const WidenedSeries<T> wide(job.samples, job.validity, pixels);
    Out out[kStrip];
    uint8_t out_valid[kStrip];
    for_each_wide(Job<T, Out>{wide.samples(), wide.validity(), job.min_count, out, out_valid},
                  kStrip, rule);
    std::copy_n(out, pixels, job.out);
    std::copy_n(out_valid, pixels, job.out_valid);
  }
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

// Between minus infinity and a number, where high - low has lost both.
bool stays_low(double low, double high) {
  return std::isinf(low) && !std::isinf(high);
}

size_t rounded_place(double q, size_t m) {
  return static_cast<size_t>(std::nearbyint(q * static_cast<double>(m - 1)));
}

// The answer of kernels that give an observed sample.
constexpr auto kSample = [](size_t, auto value, auto) { return value; };

}  // namespace

template <class T>
void median_lower(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid) {
  const Rule rule{false, [](size_t m) { return (m - 1) / 2; }, kSample};
  for_each_pixel(Job<T, T>{samples, valid, min_count, out, out_valid}, pixels, rule);
}

template <class T>
void median_upper(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid) {
  const Rule rule{false, [](size_t m) { return m / 2; }, kSample};
  for_each_pixel(Job<T, T>{samples, valid, min_count, out, out_valid}, pixels, rule);
}

template <class T>
void median_mean(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, Mixed<T>* out,
                 uint8_t* out_valid) {
  const Rule rule{true, [](size_t m) { return (m - 1) / 2; },
                  [](size_t m, T value, T next) {
                    if (m % 2 == 1) return static_cast<float>(value);
                    return static_cast<float>((static_cast<double>(value) + next) / 2);
                  }};
  for_each_pixel(Job<T, float>{samples, valid, min_count, out, out_valid}, pixels, rule);
}

template <class T>
void quantile_nearest(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                      T* out, uint8_t* out_valid) {
  check_quantile(q);
  const Rule rule{false, [q](size_t m) { return nearest_rank(q, m); }, kSample};
  for_each_pixel(Job<T, T>{samples, valid, min_count, out, out_valid}, pixels, rule);
}

template <class T>
void quantile_rounded(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                      T* out, uint8_t* out_valid) {
  check_quantile(q);
  const Rule rule{false, [q](size_t m) { return m == 0 ? 0 : rounded_place(q, m); }, kSample};
  for_each_pixel(Job<T, T>{samples, valid, min_count, out, out_valid}, pixels, rule);
}

template <class T>
void quantile_linear(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                     Mixed<T>* out, uint8_t* out_valid) {
  check_quantile(q);
  const auto place = [q](size_t m) { return m == 0 ? 0 : static_cast<double>(m - 1) * q; };
  // Truncation is floor here, as nothing is negative.
  const Rule rule{true, [&](size_t m) { return static_cast<size_t>(place(m)); },
                  [&](size_t m, T value, T next) {
                    const double part =
                        place(m) - static_cast<double>(static_cast<size_t>(place(m)));
                    if (part == 0 || value == next) return static_cast<float>(value);
                    const double low = value, high = next;
                    if (stays_low(low, high)) return static_cast<float>(low);
                    return static_cast<float>(low + part * (high - low));
                  }};
  for_each_pixel(Job<T, float>{samples, valid, min_count, out, out_valid}, pixels, rule);
}

#define INSTANTIATE(T, suffix)                                                                   \
  template void median_lower<T>(Samples<T>, Validity, size_t, size_t, T*, uint8_t*);             \
  template void median_upper<T>(Samples<T>, Validity, size_t, size_t, T*, uint8_t*);             \
  template void median_mean<T>(Samples<T>, Validity, size_t, size_t, float*, uint8_t*);          \
  template void quantile_nearest<T>(Samples<T>, Validity, size_t, double, size_t, T*, uint8_t*); \
  template void quantile_rounded<T>(Samples<T>, Validity, size_t, double, size_t, T*, uint8_t*); \
  template void quantile_linear<T>(Samples<T>, Validity, size_t, double, size_t, float*, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
