// SPDX-License-Identifier: Apache-2.0
#include "kernels/median_rgb.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/median_rgb.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/key_selection-inl.h"

#ifndef GEOLOOM_KERNELS_MEDIAN_RGB_ONCE
#define GEOLOOM_KERNELS_MEDIAN_RGB_ONCE
namespace geoloom::kernels {
namespace {

// Sums of three bytes need ten bits.
constexpr int kKeyBits = 10;

struct RgbSeries {
  const uint8_t* band[3];
  size_t band_stride[3];
  const uint8_t* valid;
  size_t valid_stride;
  size_t slices;
};

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

HWY_INLINE Keys rgb_keys(const uint8_t* red, const uint8_t* green, const uint8_t* blue,
                         hn::Mask<KeyTag> valid) {
  const KeyTag d;
  const hn::Rebind<uint8_t, KeyTag> bytes;
  const Keys sum = hn::Add(
      hn::Add(hn::PromoteTo(d, hn::LoadU(bytes, red)), hn::PromoteTo(d, hn::LoadU(bytes, green))),
      hn::PromoteTo(d, hn::LoadU(bytes, blue)));
  return hn::IfThenElse(valid, sum, hn::Set(d, kInvalidKey));
}

// The slice of the (rank - below)-th of the samples whose key is `value`, in slice order.
HWY_INLINE void pick_slices(const int16_t* keys, size_t slices, const uint16_t* rank,
                            const int16_t* value, const uint16_t* below, uint16_t* slice) {
  const KeyTag d;
  const CountTag dc;
  const size_t lanes = hn::Lanes(d), strip = 2 * lanes;
  for (size_t lane = 0; lane < strip; lane += lanes) {
    const Keys wanted = hn::LoadU(d, value + lane);
    const Counts among = hn::Sub(hn::LoadU(dc, rank + lane), hn::LoadU(dc, below + lane));
    Counts seen = hn::Zero(dc), now = seen, found = seen;
    for (size_t t = 0; t < slices; ++t) {
      const auto equal = hn::Eq(hn::LoadU(d, keys + t * strip + lane), wanted);
      const auto hit = hn::And(hn::RebindMask(dc, equal), hn::Eq(seen, among));
      found = hn::IfThenElse(hit, now, found);
      seen = count_up(seen, equal);
      now = hn::Add(now, hn::Set(dc, uint16_t{1}));
    }
    hn::StoreU(found, dc, slice + lane);
  }
}

size_t rgb_strip_width() {
  return strip_width();
}

void load_rgb_keys(const RgbSeries& series, size_t pixel, size_t strips, int16_t* keys,
                   uint16_t* count) {
  const KeyTag d;
  const size_t lanes = hn::Lanes(d), strip = 2 * lanes;
  for (size_t t = 0; t < series.slices; ++t) {
    const uint8_t* red = series.band[0] + t * series.band_stride[0] + pixel;
    const uint8_t* green = series.band[1] + t * series.band_stride[1] + pixel;
    const uint8_t* blue = series.band[2] + t * series.band_stride[2] + pixel;
    const uint8_t* valid = series.valid + t * series.valid_stride + pixel;
    for (size_t i = 0; i < strips * strip; i += strip) {
      int16_t* row = keys + i * series.slices + t * strip;
      const auto valid0 = valid_lanes(valid + i), valid1 = valid_lanes(valid + i + lanes);
      count_valid(valid0, count + i);
      count_valid(valid1, count + i + lanes);
      hn::StoreU(rgb_keys(red + i, green + i, blue + i, valid0), d, row);
      const size_t j = i + lanes;
      hn::StoreU(rgb_keys(red + j, green + j, blue + j, valid1), d, row + lanes);
    }
  }
}

void find_median_slices(const int16_t* keys, size_t slices, size_t strips, const uint16_t* count,
                        uint16_t* slice) {
  const size_t strip = strip_width();
  uint16_t rank[kMaxStrip], below[kMaxStrip];
  int16_t value[kMaxStrip];
  for (size_t first = 0; first < strips * strip; first += strip) {
    for (size_t i = 0; i < strip; ++i) rank[i] = static_cast<uint16_t>(count[first + i] / 2);
    select_keys(keys + first * slices, slices, kKeyBits, rank, value, below);
    pick_slices(keys + first * slices, slices, rank, value, below, slice + first);
  }
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(rgb_strip_width);
HWY_EXPORT(load_rgb_keys);
HWY_EXPORT(find_median_slices);

// For an image narrower than a strip: keys and counts of lanes beyond its end stay untouched.
void load_few_rgb_keys(const RgbSeries& series, size_t pixels, size_t strip, int16_t* keys,
                       uint16_t* count) {
  for (size_t t = 0; t < series.slices; ++t) {
    for (size_t p = 0; p < pixels; ++p) {
      int sum = 0;
      for (int b = 0; b < 3; ++b) sum += series.band[b][t * series.band_stride[b] + p];
      const bool valid = series.valid[t * series.valid_stride + p] != 0;
      keys[t * strip + p] = valid ? static_cast<int16_t>(sum) : kInvalidKey;
      if (valid) ++count[p];
    }
  }
}

}  // namespace

void median_rgb(Samples<uint8_t> red, Samples<uint8_t> green, Samples<uint8_t> blue, Validity valid,
                size_t pixels, uint8_t* out_red, uint8_t* out_green, uint8_t* out_blue,
                uint8_t* out_valid) {
  const size_t slices = red.slices;
  if (slices > kMaxSlices || slices != green.slices || slices != blue.slices)
    throw std::invalid_argument("median_rgb: three bands of at most 65535 slices each");
  const RgbSeries series{{red.data, green.data, blue.data},
                         {red.slice_stride, green.slice_stride, blue.slice_stride},
                         valid.data,
                         valid.slice_stride,
                         slices};
  const size_t strip = HWY_DYNAMIC_DISPATCH(rgb_strip_width)();
  std::vector<int16_t> keys(slices * strip * strips_per_tile(slices, strip));
  for_each_tile(pixels, slices, strip, [&](size_t first, size_t strips) {
    uint16_t count[kMaxTile] = {}, slice[kMaxTile];
    if (pixels < strip) {
      load_few_rgb_keys(series, pixels, strip, keys.data(), count);
    } else {
      HWY_DYNAMIC_DISPATCH(load_rgb_keys)(series, first, strips, keys.data(), count);
    }
    HWY_DYNAMIC_DISPATCH(find_median_slices)(keys.data(), slices, strips, count, slice);
    for (size_t i = 0; i < std::min(strips * strip, pixels); ++i) {
      const size_t p = first + i, t = slice[i];
      const bool any = count[i] != 0;
      out_red[p] = any ? red.data[t * red.slice_stride + p] : uint8_t{0};
      out_green[p] = any ? green.data[t * green.slice_stride + p] : uint8_t{0};
      out_blue[p] = any ? blue.data[t * blue.slice_stride + p] : uint8_t{0};
      out_valid[p] = any ? 1 : 0;
    }
  });
}

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
