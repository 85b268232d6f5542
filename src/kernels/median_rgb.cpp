// SPDX-License-Identifier: Apache-2.0
// The key, a sum of ten bits, is ranked as two digits: eight high bits, then two low ones among the
// samples with the same high bits.
#include "kernels/median_rgb.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/median_rgb.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/digit_selection-inl.h"

#ifndef GEOLOOM_KERNELS_MEDIAN_RGB_ONCE
#define GEOLOOM_KERNELS_MEDIAN_RGB_ONCE
namespace geoloom::kernels {
namespace {

struct RgbSeries {
  Samples<uint8_t> band[3];
  Validity valid;
  size_t slices;
};

// Scratch for the digits of one tile: for each strip, one after the other, a plane of slices.
struct RgbTile {
  int8_t* high;
  int8_t* low;
  uint16_t count[kMaxTile];  // valid samples
  uint16_t slice[kMaxTile];  // the chosen one
};

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

// Half the digits of a vector have room for sums.
using SumTag = hn::CappedTag<int16_t, kStrip / 2>;

HWY_INLINE void load_rgb_digits(const uint8_t* const* bands, const uint8_t* valid, size_t i,
                                int8_t* high, int8_t* low) {
  const SumTag d;
  const hn::Rebind<uint8_t, SumTag> bytes;
  const hn::Rebind<int8_t, SumTag> digits;
  const auto sum = hn::Add(hn::Add(hn::PromoteTo(d, hn::LoadU(bytes, bands[0] + i)),
                                   hn::PromoteTo(d, hn::LoadU(bytes, bands[1] + i))),
                           hn::PromoteTo(d, hn::LoadU(bytes, bands[2] + i)));
  const auto counts = valid_lanes(digits, valid + i);
  const auto out = hn::Set(digits, kOutDigit);
  // The high digit is stored less 128, so that signed bytes hold it.
  const auto high_digit =
      hn::DemoteTo(digits, hn::Sub(hn::ShiftRight<2>(sum), hn::Set(d, int16_t{128})));
  const auto low_digit = hn::DemoteTo(digits, hn::And(sum, hn::Set(d, int16_t{3})));
  hn::StoreU(hn::IfThenElse(counts, high_digit, out), digits, high);
  hn::StoreU(hn::IfThenElse(counts, low_digit, out), digits, low);
}

void load_rgb_tile(const RgbSeries& series, size_t first, size_t pixels, RgbTile& tile) {
  uint8_t count[kMaxTile] = {};
  std::fill_n(tile.count, pixels, uint16_t{0});
  for (size_t t = 0; t < series.slices; ++t) {
    const uint8_t* bands[3];
    for (size_t b = 0; b < 3; ++b) {
      bands[b] = series.band[b].data + t * series.band[b].slice_stride + first;
      if (t + kRowsAhead < series.slices)
        prefetch_row(bands[b] + kRowsAhead * series.band[b].slice_stride, pixels);
    }
    const uint8_t* valid = series.valid.data + t * series.valid.slice_stride + first;
    if (t + kRowsAhead < series.slices)
      prefetch_row(valid + kRowsAhead * series.valid.slice_stride, pixels);
    for (size_t i = 0; i < pixels; i += hn::Lanes(SumTag())) {
      const size_t pixel = i % kStrip, at = (i - pixel) * series.slices + t * kStrip + pixel;
      load_rgb_digits(bands, valid, i, tile.high + at, tile.low + at);
    }
    count_valid_row(valid, pixels, count);
    if ((t + 1) % kByteCount != 0 && t + 1 != series.slices) continue;
    flush_counts(count, pixels, tile.count);
  }
}

// Within at most kByteCount rows: the row of the among-th digit that is `wanted`, from the first
// row on; kByteCount if there is none, and always for among = kByteCount. `seen` gets the number
// of all such digits.
HWY_INLINE void find_rows(const int8_t* plane, size_t rows, const int8_t* wanted,
                          const uint8_t* among, uint8_t* row, uint8_t* seen) {
  const DigitTag d;
  const CountTag dc;
  for (size_t lane = 0; lane < kStrip; lane += hn::Lanes(d)) {
    const Digits digit = hn::LoadU(d, wanted + lane);
    const Counts target = hn::LoadU(dc, among + lane);
    Counts count = hn::Zero(dc), now = count, found = hn::Set(dc, uint8_t{kByteCount});
    for (size_t t = 0; t < rows; ++t) {
      const auto equal = hn::Eq(hn::LoadU(d, plane + t * kStrip + lane), digit);
      const auto hit = hn::And(hn::RebindMask(dc, equal), hn::Eq(count, target));
      found = hn::IfThenElse(hit, now, found);
      count = count_up(count, d, equal);
      now = hn::Add(now, hn::Set(dc, uint8_t{1}));
    }
    hn::StoreU(found, dc, row + lane);
    hn::StoreU(count, dc, seen + lane);
  }
}

// The slice of the among-th digit that is `wanted`, in slice order.
HWY_INLINE void find_slices(const int8_t* plane, size_t slices, const int8_t* wanted,
                            const uint16_t* among, uint16_t* slice) {
  uint8_t here[kStrip], row[kStrip], seen[kStrip];
  uint16_t before[kStrip] = {};
  std::fill_n(slice, kStrip, uint16_t{0});
  for (size_t begin = 0; begin < slices; begin += kByteCount) {
    for (size_t i = 0; i < kStrip; ++i) {
      const int rest = among[i] - before[i];
      here[i] = static_cast<uint8_t>(rest >= 0 && rest < int{kByteCount} ? rest : kByteCount);
    }
    const size_t rows = std::min(kByteCount, slices - begin);
    find_rows(plane + begin * kStrip, rows, wanted, here, row, seen);
    for (size_t i = 0; i < kStrip; ++i) {
      slice[i] = static_cast<uint16_t>(row[i] == kByteCount ? slice[i] : begin + row[i]);
      before[i] = static_cast<uint16_t>(before[i] + seen[i]);
    }
  }
}

void find_median_slices(size_t slices, size_t pixels, RgbTile& tile) {
  Selection s;
  int8_t high_digit[1][kStrip];
  for (size_t first = 0; first < pixels; first += kStrip) {
    int8_t* planes[] = {tile.high + first * slices, tile.low + first * slices};
    for (size_t i = 0; i < kStrip; ++i) {
      s.candidates[i] = tile.count[first + i];
      s.rank[i] = static_cast<uint16_t>(s.candidates[i] / 2);
    }
    select_digit(planes[0], slices, 8, s);
    std::copy_n(s.digit, kStrip, high_digit[0]);
    s.descend();
    keep_candidates(planes, high_digit, 1, slices);
    select_digit(planes[1], slices, 2, s);
    s.descend();
    find_slices(planes[1], slices, s.digit, s.rank, tile.slice + first);
  }
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(load_rgb_tile);
HWY_EXPORT(find_median_slices);

struct RgbOutput {
  uint8_t* band[3];
  uint8_t* valid;
};

void copy_chosen(const RgbSeries& series, const RgbTile& tile, size_t first, size_t pixels,
                 const RgbOutput& out) {
  for (size_t i = 0; i < pixels; ++i) out.valid[first + i] = tile.count[i] != 0 ? 1 : 0;
  for (size_t b = 0; b < 3; ++b) {
    const auto& band = series.band[b];
    for (size_t i = 0; i < pixels; ++i) {
      const uint8_t value = band.data[tile.slice[i] * band.slice_stride + first + i];
      out.band[b][first + i] = tile.count[i] != 0 ? value : uint8_t{0};
    }
  }
}

void median_rgb_wide(const RgbSeries& series, size_t pixels, const RgbOutput& out) {
  const size_t most = tile_pixels(series.slices, 2);
  std::vector<int8_t> digits(2 * series.slices * most);
  RgbTile tile{digits.data(), digits.data() + series.slices * most, {}, {}};
  for_each_tile(pixels, most, [&](size_t first, size_t count) {
    HWY_DYNAMIC_DISPATCH(load_rgb_tile)(series, first, count, tile);
    HWY_DYNAMIC_DISPATCH(find_median_slices)(series.slices, count, tile);
    copy_chosen(series, tile, first, count, out);
  });
}

}  // namespace

void median_rgb(Samples<uint8_t> red, Samples<uint8_t> green, Samples<uint8_t> blue, Validity valid,
                size_t pixels, uint8_t* out_red, uint8_t* out_green, uint8_t* out_blue,
                uint8_t* out_valid) {
  const size_t slices = red.slices;
  if (slices > kMaxSlices || slices != green.slices || slices != blue.slices)
    throw std::invalid_argument("median_rgb: three bands of at most 65535 slices each");
  const RgbOutput out{{out_red, out_green, out_blue}, out_valid};
  if (slices == 0) {
    for (uint8_t* plane : {out_red, out_green, out_blue, out_valid})
      std::fill_n(plane, pixels, uint8_t{0});
  } else if (pixels >= kStrip) {
    median_rgb_wide({{red, green, blue}, valid, slices}, pixels, out);
  } else {
    const WidenedSeries<uint8_t> wide[] = {
        {red, valid, pixels}, {green, valid, pixels}, {blue, valid, pixels}};
    uint8_t bytes[4][kStrip];
    median_rgb_wide(
        {{wide[0].samples(), wide[1].samples(), wide[2].samples()}, wide[0].validity(), slices},
        kStrip, {{bytes[0], bytes[1], bytes[2]}, bytes[3]});
    for (size_t b = 0; b < 3; ++b) std::copy_n(bytes[b], pixels, out.band[b]);
    std::copy_n(bytes[3], pixels, out_valid);
  }
}

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
