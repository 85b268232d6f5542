// SPDX-License-Identifier: Apache-2.0
#include "kernels/accumulate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/accumulate.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/sample_rows-inl.h"

#ifndef GEOLOOM_KERNELS_ACCUMULATE_ONCE
#define GEOLOOM_KERNELS_ACCUMULATE_ONCE
#include <algorithm>
#include <limits>
#include <type_traits>

namespace geoloom::kernels {
namespace {

// Which sample a pixel keeps.
enum class Keep { least, greatest, first, last };

// What any sample replaces when the greatest is kept.
template <class T>
constexpr T kBelowAll = std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity()
                                                    : std::numeric_limits<T>::lowest();
template <class T>
constexpr T kAboveAll = std::is_floating_point_v<T> ? std::numeric_limits<T>::infinity()
                                                    : std::numeric_limits<T>::max();

// Sums of kByteCount integers, exact.
template <class T>
using PartialSum = std::conditional_t<sizeof(T) == 1, uint16_t,
                                      std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>>;

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

// Calls row(t, first, pixels) for each row of each tile, and flush(first, pixels) after at most
// kByteCount rows. `pixels` is a multiple of kStrip.
template <class Row, class Flush>
HWY_INLINE void for_each_row(size_t slices, size_t pixels, Row row, Flush flush) {
  for (size_t first = 0; first < pixels; first += kMaxTile) {
    const size_t count = std::min(kMaxTile, pixels - first);
    for (size_t t = 0; t < slices; ++t) {
      row(t, first, count);
      if ((t + 1) % kByteCount == 0 || t + 1 == slices) flush(first, count);
    }
  }
}

// The row t of a tile, while those ahead of it are asked for.
template <class T>
HWY_INLINE const T* row_of(const T* data, size_t stride, size_t t, size_t slices, size_t first,
                           size_t pixels) {
  const T* row = data + t * stride + first;
  if (t + kRowsAhead < slices) prefetch_row(row + kRowsAhead * stride, pixels);
  return row;
}

// These do a multiple of kStrip pixels.

void count_samples(Validity valid, size_t slices, size_t pixels, uint32_t* count) {
  uint8_t part[kMaxTile] = {};
  for_each_row(
      slices, pixels,
      [&](size_t t, size_t first, size_t n) HWY_ATTR {
        count_valid_row(row_of(valid.data, valid.slice_stride, t, slices, first, n), n, part);
      },
      [&](size_t first, size_t n) HWY_ATTR { flush_counts(part, n, count + first); });
}

// A pixel that has a sample already keeps the first one; `taken` has its byte set.
template <Keep keep, class T>
HWY_INLINE void keep_row(const T* data, const uint8_t* valid, size_t pixels, T* value,
                         uint8_t* taken) {
  const hn::CappedTag<T, kStrip / sizeof(T)> d;
  for (size_t i = 0; i < pixels; i += hn::Lanes(d)) {
    const auto sample = hn::LoadU(d, data + i), kept = hn::LoadU(d, value + i);
    auto take = valid_lanes(d, valid + i);
    if constexpr (keep == Keep::least) take = hn::And(take, hn::Lt(sample, kept));
    if constexpr (keep == Keep::greatest) take = hn::And(take, hn::Gt(sample, kept));
    if constexpr (keep == Keep::first) take = hn::AndNot(valid_lanes(d, taken + i), take);
    hn::StoreU(hn::IfThenElse(take, sample, kept), d, value + i);
  }
  if constexpr (keep == Keep::first) {
    const CountTag bytes;
    for (size_t i = 0; i < pixels; i += hn::Lanes(bytes))
      hn::StoreU(hn::Or(hn::LoadU(bytes, taken + i), hn::LoadU(bytes, valid + i)), bytes,
                 taken + i);
  }
}

template <Keep keep, class T>
HWY_INLINE void keep_tile(Samples<T> samples, Validity valid, size_t first, size_t pixels, T* value,
                          uint32_t* count) {
  uint8_t part[kMaxTile] = {}, taken[kMaxTile];
  const T start = keep == Keep::least ? kAboveAll<T> : keep == Keep::greatest ? kBelowAll<T> : T{0};
  for (size_t i = 0; i < pixels; ++i) {
    taken[i] = count[i] != 0 ? 1 : 0;
    value[i] = count[i] != 0 ? value[i] : start;
  }
  const size_t slices = samples.slices;
  for (size_t t = 0; t < slices; ++t) {
    const T* row = row_of(samples.data, samples.slice_stride, t, slices, first, pixels);
    const uint8_t* flags = row_of(valid.data, valid.slice_stride, t, slices, first, pixels);
    keep_row<keep>(row, flags, pixels, value, taken);
    count_valid_row(flags, pixels, part);
    if ((t + 1) % kByteCount == 0 || t + 1 == slices) flush_counts(part, pixels, count);
  }
  for (size_t i = 0; i < pixels; ++i) value[i] = count[i] != 0 ? value[i] : T{0};
}

template <Keep keep, class T>
HWY_INLINE void keep_tiles(Samples<T> samples, Validity valid, size_t pixels, T* value,
                           uint32_t* count) {
  for (size_t first = 0; first < pixels; first += kMaxTile)
    keep_tile<keep>(samples, valid, first, std::min(kMaxTile, pixels - first), value + first,
                    count + first);
}

template <class T>
HWY_INLINE void keep_by(Keep keep, Samples<T> samples, Validity valid, size_t pixels, T* value,
                        uint32_t* count) {
  switch (keep) {
    case Keep::least:
      return keep_tiles<Keep::least>(samples, valid, pixels, value, count);
    case Keep::greatest:
      return keep_tiles<Keep::greatest>(samples, valid, pixels, value, count);
    case Keep::first:
      return keep_tiles<Keep::first>(samples, valid, pixels, value, count);
    case Keep::last:
      return keep_tiles<Keep::last>(samples, valid, pixels, value, count);
  }
}

// Adds valid samples to sums that are wider than they are.
template <class T, class Wide>
HWY_INLINE void add_row(const T* data, const uint8_t* valid, size_t pixels, Wide* sum) {
  const hn::CappedTag<Wide, kStrip / sizeof(Wide)> d;
  const hn::Rebind<T, decltype(d)> narrow;
  for (size_t i = 0; i < pixels; i += hn::Lanes(d)) {
    const auto sample = hn::PromoteTo(d, hn::LoadU(narrow, data + i));
    const auto before = hn::LoadU(d, sum + i), after = hn::Add(before, sample);
    hn::StoreU(hn::IfThenElse(valid_lanes(d, valid + i), after, before), d, sum + i);
  }
}

// Integers are added as integers, and then to the double: all of it is exact, so it equals adding
// one by one. Floats are added to the double at once.
template <class T>
HWY_INLINE void sum_samples(Samples<T> samples, Validity valid, size_t pixels, double* sum,
                            uint32_t* count) {
  constexpr bool kExact = !std::is_floating_point_v<T>;
  const size_t slices = samples.slices;
  uint8_t part[kMaxTile] = {};
  PartialSum<T> partial[kMaxTile] = {};
  for_each_row(
      slices, pixels,
      [&](size_t t, size_t first, size_t n) HWY_ATTR {
        const T* row = row_of(samples.data, samples.slice_stride, t, slices, first, n);
        const uint8_t* flags = row_of(valid.data, valid.slice_stride, t, slices, first, n);
        if constexpr (kExact)
          add_row(row, flags, n, partial);
        else
          add_row(row, flags, n, sum + first);
        count_valid_row(flags, n, part);
      },
      [&](size_t first, size_t n) HWY_ATTR {
        if constexpr (kExact) {
          for (size_t i = 0; i < n; ++i) sum[first + i] += partial[i];
          std::fill_n(partial, n, PartialSum<T>{0});
        }
        flush_counts(part, n, count + first);
      });
}

#define DEFINE(T, suffix)                                                                    \
  void sum_##suffix(Samples<T> samples, Validity valid, size_t pixels, double* sum,          \
                    uint32_t* count) {                                                       \
    sum_samples(samples, valid, pixels, sum, count);                                         \
  }                                                                                          \
  void keep_##suffix(Keep keep, Samples<T> samples, Validity valid, size_t pixels, T* value, \
                     uint32_t* count) {                                                      \
    keep_by(keep, samples, valid, pixels, value, count);                                     \
  }
GEOLOOM_FOR_PIXEL_TYPES(DEFINE)
#undef DEFINE

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(count_samples);

#define EXPORT(T, suffix)                                                                  \
  HWY_EXPORT(sum_##suffix);                                                                \
  HWY_EXPORT(keep_##suffix);                                                               \
  void sum_strips(Samples<T> samples, Validity valid, size_t pixels, double* sum,          \
                  uint32_t* count) {                                                       \
    HWY_DYNAMIC_DISPATCH(sum_##suffix)(samples, valid, pixels, sum, count);                \
  }                                                                                        \
  void keep_strips(Keep keep, Samples<T> samples, Validity valid, size_t pixels, T* value, \
                   uint32_t* count) {                                                      \
    HWY_DYNAMIC_DISPATCH(keep_##suffix)(keep, samples, valid, pixels, value, count);       \
  }
GEOLOOM_FOR_PIXEL_TYPES(EXPORT)
#undef EXPORT

// The pixels of whole strips; those after them are left to the reference.
size_t in_strips(size_t pixels) {
  return pixels / kStrip * kStrip;
}

template <class T>
using ReferenceKernel = void (*)(Samples<T>, Validity, size_t, T*, uint32_t*);

template <class T>
void accumulate_kept(Keep keep, ReferenceKernel<T> reference, Samples<T> samples, Validity valid,
                     size_t pixels, T* value, uint32_t* count) {
  if (samples.slices == 0) return;
  const size_t done = in_strips(pixels);
  keep_strips(keep, samples, valid, done, value, count);
  samples.data += done;
  valid.data += done;
  reference(samples, valid, pixels - done, value + done, count + done);
}

}  // namespace

void accumulate_count(Validity valid, size_t slices, size_t pixels, uint32_t* count) {
  if (slices == 0) return;
  const size_t done = in_strips(pixels);
  HWY_DYNAMIC_DISPATCH(count_samples)(valid, slices, done, count);
  valid.data += done;
  reference::accumulate_count(valid, slices, pixels - done, count + done);
}

template <class T>
void accumulate_sum(Samples<T> samples, Validity valid, size_t pixels, double* sum,
                    uint32_t* count) {
  if (samples.slices == 0) return;
  const size_t done = in_strips(pixels);
  sum_strips(samples, valid, done, sum, count);
  samples.data += done;
  valid.data += done;
  reference::accumulate_sum(samples, valid, pixels - done, sum + done, count + done);
}

template <class T>
void accumulate_min(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count) {
  accumulate_kept(Keep::least, reference::accumulate_min<T>, samples, valid, pixels, value, count);
}

template <class T>
void accumulate_max(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count) {
  accumulate_kept(Keep::greatest, reference::accumulate_max<T>, samples, valid, pixels, value,
                  count);
}

template <class T>
void accumulate_first(Samples<T> samples, Validity valid, size_t pixels, T* value,
                      uint32_t* count) {
  accumulate_kept(Keep::first, reference::accumulate_first<T>, samples, valid, pixels, value,
                  count);
}

template <class T>
void accumulate_last(Samples<T> samples, Validity valid, size_t pixels, T* value, uint32_t* count) {
  accumulate_kept(Keep::last, reference::accumulate_last<T>, samples, valid, pixels, value, count);
}

#define INSTANTIATE(T, suffix)                                                       \
  template void accumulate_sum<T>(Samples<T>, Validity, size_t, double*, uint32_t*); \
  template void accumulate_min<T>(Samples<T>, Validity, size_t, T*, uint32_t*);      \
  template void accumulate_max<T>(Samples<T>, Validity, size_t, T*, uint32_t*);      \
  template void accumulate_first<T>(Samples<T>, Validity, size_t, T*, uint32_t*);    \
  template void accumulate_last<T>(Samples<T>, Validity, size_t, T*, uint32_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
