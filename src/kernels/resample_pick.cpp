// SPDX-License-Identifier: Apache-2.0
// Nearest and mode: what gives values of the source as they are.
#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/resample.h"

namespace geoloom::kernels {
namespace {

// Areas in whole 2048ths of a pixel's side: a box of a whole number of 1024ths ends on one.
constexpr float kAreaUnits = 2 * kPlaceUnits;

std::vector<int64_t> in_area_units(const AxisWeights& axis) {
  std::vector<int64_t> out;
  out.reserve(axis.weights.size());
  for (const float weight : axis.weights)
    out.push_back(static_cast<int64_t>(std::nearbyint(weight * kAreaUnits)));
  return out;
}

// The areas of the values under one target pixel; there are few different ones.
template <class T>
class Areas {
 public:
  void clear() {
    areas_.clear();
    valid_ = whole_ = 0;
  }
  void add_invalid(int64_t area) { whole_ += area; }
  void add(T value, int64_t area) {
    whole_ += area;
    valid_ += area;
    for (auto& [known, sum] : areas_) {
      if (known == value) {
        sum += area;
        return;
      }
    }
    areas_.emplace_back(value, area);
  }
  bool valid() const { return valid_ > 0 && 2 * valid_ >= whole_; }
  T largest() const {
    return std::max_element(areas_.begin(), areas_.end(),
                            [](const auto& a, const auto& b) {
                              return a.second < b.second ||
                                     (a.second == b.second && a.first > b.first);
                            })
        ->first;
  }

 private:
  std::vector<std::pair<T, int64_t>> areas_;
  int64_t valid_ = 0, whole_ = 0;
};

}  // namespace

template <class T>
void resample_mode(const PixelPlane<T>& source, const AxisWeights& columns, const AxisWeights& rows,
                   const Places& places, T* out, uint8_t* valid_out) {
  const auto areas_x = in_area_units(columns), areas_y = in_area_units(rows);
  Areas<T> areas;
  for (size_t p = 0; p < places.pixels; ++p) {
    out[p] = T{0};
    valid_out[p] = 0;
    if (places.columns[p] == kNowhere) continue;
    const int32_t x = places.columns[p] - kPlaceUnits / 2, y = places.rows[p] - kPlaceUnits / 2;
    const int64_t* across = areas_x.data() + (x & (kPlaceUnits - 1)) * columns.taps;
    const int64_t* down = areas_y.data() + (y & (kPlaceUnits - 1)) * rows.taps;
    areas.clear();
    for (int32_t j = 0; j < rows.taps; ++j) {
      const auto row = ((y >> 10) + rows.first + j) * static_cast<ptrdiff_t>(source.stride) +
                       (x >> 10) + columns.first;
      for (int32_t i = 0; i < columns.taps; ++i) {
        const int64_t area = across[i] * down[j];
        if (area == 0) continue;
        if (source.valid != nullptr && source.valid[row + i] == 0)
          areas.add_invalid(area);
        else
          areas.add(source.pixels[row + i], area);
      }
    }
    if (!areas.valid()) continue;
    out[p] = areas.largest();
    valid_out[p] = 1;
  }
}

template <class T>
void pick_nearest(const PixelPlane<T>& source, const int32_t* sources, size_t pixels, T* out,
                  uint8_t* valid_out) {
  for (size_t p = 0; p < pixels; ++p) {
    const bool valid =
        sources[p] >= 0 && (source.valid == nullptr || source.valid[sources[p]] != 0);
    out[p] = valid ? source.pixels[sources[p]] : T{0};
    valid_out[p] = valid ? 1 : 0;
  }
}

#define INSTANTIATE(T, suffix)                                                                 \
  template void resample_mode<T>(const PixelPlane<T>&, const AxisWeights&, const AxisWeights&, \
                                 const Places&, T*, uint8_t*);                                 \
  template void pick_nearest<T>(const PixelPlane<T>&, const int32_t*, size_t, T*, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels
