// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/resample.h"

namespace geoloom::kernels::reference {
namespace {

constexpr uint32_t kExponent = 0x7F800000;
constexpr uint32_t kOne = 0x3F800000;  // 1.0F

template <class T>
T stored(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    constexpr float lowest = std::numeric_limits<T>::lowest();
    constexpr float highest = std::numeric_limits<T>::max();
    const float limited = value < lowest ? lowest : value > highest ? highest : value;
    return static_cast<T>(std::nearbyint(limited));
  }
}

}  // namespace

template <class T>
bool prepare_plane(const T* pixels, const uint8_t* valid, size_t count, float* values,
                   float* valid_out) {
  uint32_t all = ~0U;
  for (size_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<uint32_t>(static_cast<float>(pixels[i]));
    uint32_t counts = valid[i] != 0 ? ~0U : 0;
    // All ones in the exponent: an infinity or NaN.
    if constexpr (std::is_same_v<T, float>) counts &= (bits & kExponent) != kExponent ? ~0U : 0;
    values[i] = std::bit_cast<float>(bits & counts);
    valid_out[i] = std::bit_cast<float>(kOne & counts);
    all &= counts;
  }
  return all != 0;
}

template <class T>
void resample(const WeightedPlane& source, const AxisWeights& columns, const AxisWeights& rows,
              const Places& places, T* out, uint8_t* valid_out) {
  for (size_t p = 0; p < places.pixels; ++p) {
    out[p] = T{0};
    valid_out[p] = 0;
    if (places.columns[p] == kNowhere) continue;
    const int32_t x = places.columns[p] - kPlaceUnits / 2, y = places.rows[p] - kPlaceUnits / 2;
    const int32_t phase_x = x & (kPlaceUnits - 1), phase_y = y & (kPlaceUnits - 1);
    const float* weights_x = columns.weights.data() + phase_x * columns.taps;
    const float* weights_y = rows.weights.data() + phase_y * rows.taps;
    const float total_x = columns.totals[static_cast<size_t>(phase_x)];
    // The arithmetic shift is a floor.
    const auto corner = ((y >> 10) + rows.first) * static_cast<ptrdiff_t>(source.stride) +
                        (x >> 10) + columns.first;
    float sum = 0, weight = 0, whole = 0;
    for (int32_t j = 0; j < rows.taps; ++j) {
      const auto row = corner + j * static_cast<ptrdiff_t>(source.stride);
      float row_sum = 0, row_weight = 0;
      for (int32_t i = 0; i < columns.taps; ++i) {
        row_sum += weights_x[i] * source.values[row + i];
        row_weight += weights_x[i] * (source.valid != nullptr ? source.valid[row + i] : 1.0F);
      }
      sum += weights_y[j] * row_sum;
      weight += weights_y[j] * row_weight;
      whole += weights_y[j] * total_x;
    }
    if (!(weight >= whole * 0.5F)) continue;
    out[p] = stored<T>(sum / weight);
    valid_out[p] = 1;
  }
}

#define INSTANTIATE(T, suffix)                                                            \
  template bool prepare_plane<T>(const T*, const uint8_t*, size_t, float*, float*);       \
  template void resample<T>(const WeightedPlane&, const AxisWeights&, const AxisWeights&, \
                            const Places&, T*, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels::reference
