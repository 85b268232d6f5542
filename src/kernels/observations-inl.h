// SPDX-License-Identifier: Apache-2.0
// Reading a tile of observations. Included once per CPU target by the kernels that weigh them.

// Highway includes this file once per target, so the guard flips each time.
#if defined(GEOLOOM_KERNELS_OBSERVATIONS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GEOLOOM_KERNELS_OBSERVATIONS_INL_H
#undef GEOLOOM_KERNELS_OBSERVATIONS_INL_H
#else
#define GEOLOOM_KERNELS_OBSERVATIONS_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "hwy/highway.h"
#include "kernels/observations.h"
#include "kernels/sample_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

// Physical values of one band in one slice, and a NaN in `gaps` where one is not finite.
template <class T>
HWY_INLINE void load_physical(const T* from, size_t pixels, float scale, float offset, float* to,
                              float* gaps) {
  const hn::CappedTag<float, kStrip> d;
  const auto by = hn::Set(d, scale), plus = hn::Set(d, offset);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= pixels; i += hn::Lanes(d)) {
    const auto value = hn::Add(hn::Mul(stored_as_float(d, from + i), by), plus);
    hn::StoreU(value, d, to + i);
    // 0 * infinity is NaN.
    hn::StoreU(hn::Add(hn::LoadU(d, gaps + i), hn::Mul(value, hn::Zero(d))), d, gaps + i);
  }
  for (; i < pixels; ++i) {
    to[i] = static_cast<float>(from[i]) * scale + offset;
    gaps[i] += to[i] * 0.0F;
  }
}

// NaN where the byte is not set, else as it was.
HWY_INLINE void mark_gaps(const uint8_t* valid, size_t pixels, float* gaps) {
  const hn::CappedTag<float, kStrip> d;
  const auto nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  size_t i = 0;
  for (; i + hn::Lanes(d) <= pixels; i += hn::Lanes(d))
    hn::StoreU(hn::IfThenElse(valid_lanes(d, valid + i), hn::LoadU(d, gaps + i), nan), d, gaps + i);
  for (; i < pixels; ++i)
    if (valid[i] == 0) gaps[i] = std::numeric_limits<float>::quiet_NaN();
}

// What lies beyond the pixels of the image is a gap.
HWY_INLINE bool any_observation(const float* gaps, size_t pixels) {
  const hn::CappedTag<float, kStrip> d;
  for (size_t i = 0; i < pixels; i += hn::Lanes(d)) {
    const auto gap = hn::LoadU(d, gaps + i);
    if (!hn::AllFalse(d, hn::Eq(gap, gap))) return true;
  }
  return false;
}

// Reads one slice into the next row; false when no pixel has an observation in it.
HWY_INLINE bool load_observation_row(std::span<const StoredBand> bands, size_t t, size_t first,
                                     size_t pixels, ObservationTile& tile) {
  float* gaps = tile.gaps(tile.rows);
  std::fill_n(gaps, pixels, 0.0F);
  std::fill(gaps + pixels, gaps + tile.stride, std::numeric_limits<float>::quiet_NaN());
  const uint8_t* before = nullptr;
  for (const auto& band : bands) {
    const uint8_t* valid = band.valid.data + t * band.valid.slice_stride + first;
    if (valid != before) mark_gaps(valid, pixels, gaps);
    before = valid;
  }
  if (!any_observation(gaps, tile.pixels)) return false;
  for (size_t b = 0; b < bands.size(); ++b) {
    std::visit(
        [&](const auto& s) {
          if (t + 1 < s.slices) prefetch_row(s.data + (t + 1) * s.slice_stride + first, pixels);
          load_physical(s.data + t * s.slice_stride + first, pixels,
                        static_cast<float>(bands[b].scale), static_cast<float>(bands[b].offset),
                        tile.band(tile.rows, b), gaps);
        },
        bands[b].samples);
  }
  return any_observation(gaps, tile.pixels);
}

// Puts 0 in all bands where there is a gap, and counts the observations.
HWY_INLINE void clear_gaps(ObservationTile& tile, size_t row) {
  const hn::CappedTag<float, kStrip> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<uint16_t, decltype(d)> dc;
  const float* gaps = tile.gaps(row);
  for (size_t i = 0; i < tile.pixels; i += hn::Lanes(d)) {
    const auto gap = hn::LoadU(d, gaps + i);
    const auto counts = hn::Eq(gap, gap);
    for (size_t b = 0; b < tile.bands; ++b) {
      float* at = tile.band(row, b) + i;
      hn::StoreU(hn::IfThenElseZero(counts, hn::LoadU(d, at)), d, at);
    }
    const auto one = hn::IfThenElseZero(hn::RebindMask(di, counts), hn::Set(di, 1));
    uint16_t* count = tile.count.data() + i;
    hn::StoreU(hn::Add(hn::LoadU(dc, count), hn::DemoteTo(dc, one)), dc, count);
  }
}

// Fills the tile with the observations of `pixels` pixels from `first` on.
HWY_INLINE void load_observations(std::span<const StoredBand> bands, size_t first, size_t pixels,
                                  ObservationTile& tile) {
  const size_t slices = slices_of(bands);
  std::fill(tile.count.begin(), tile.count.end(), uint16_t{0});
  tile.rows = 0;
  for (size_t t = 0; t < slices; ++t) {
    if (!load_observation_row(bands, t, first, pixels, tile)) continue;
    clear_gaps(tile, tile.rows);
    tile.slice[tile.rows++] = static_cast<uint16_t>(t);
  }
}

// Of as many pixels as d has lanes, in its type.
template <class D>
HWY_INLINE hn::Vec<D> load_sample(D d, const float* from) {
  if constexpr (sizeof(hn::TFromD<D>) == sizeof(double))
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), from));
  else
    return hn::LoadU(d, from);
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GEOLOOM_KERNELS_OBSERVATIONS_INL_H
