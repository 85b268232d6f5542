// SPDX-License-Identifier: Apache-2.0
// What every kernel test needs: random series with seeds, and a body run on each CPU target.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/samples.h"
#include "kernels/target.h"

namespace geoloom::kernels {

// Kernels take fifty times as long then. What is wrong with an address is wrong with the first
// thousands of samples, too; how many more the promise holds for is seen without.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

template <class Body>
void on_every_target(Body body) {
  for (const auto name : supported_targets()) {
    SCOPED_TRACE(std::string(name));
    force_target(name);
    body();
  }
  reset_target();
}

// Planes with a stride that differs from the width, so that mixing the two up is seen.
template <class T>
struct Series {
  size_t slices, pixels, stride;
  std::vector<T> data;
  std::vector<uint8_t> valid;

  Series(size_t slice_count, size_t pixel_count)
      : slices(slice_count),
        pixels(pixel_count),
        stride(pixel_count + 5),
        data(slice_count * stride),
        valid(slice_count * stride) {}

  Samples<T> samples() const { return {data.data(), stride, slices}; }
  Validity validity() const { return {valid.data(), stride}; }
  T& at(size_t slice, size_t pixel) { return data[slice * stride + pixel]; }
};

// How the values of a random series are spread.
enum class Spread { whole_type, few_values, ends_of_type };

template <class T>
T random_value(std::mt19937& random, Spread spread) {
  if (spread == Spread::few_values) return static_cast<T>(random() % 4);
  if (spread == Spread::ends_of_type) {
    const T ends[] = {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max(), T{0}, T{1}};
    return ends[random() % 4];
  }
  if constexpr (std::is_floating_point_v<T>) {
    // Any bit pattern but NaN: denormals, infinities and both zeros included.
    const float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    return std::isnan(value) ? -0.0F : value;
  } else {
    return static_cast<T>(random());
  }
}

// Of 256 samples about `valid_of_256` are valid; of those the byte is not always 1. Invalid floats
// are NaN, which must not leak.
template <class T>
Series<T> random_series(size_t slices, size_t pixels, unsigned seed, Spread spread,
                        unsigned valid_of_256 = 200) {
  Series<T> series(slices, pixels);
  std::mt19937 random(seed);
  for (size_t i = 0; i < series.data.size(); ++i) {
    series.data[i] = random_value<T>(random, spread);
    const bool valid = random() % 256 < valid_of_256;
    series.valid[i] = valid ? (random() % 4 == 0 ? 255 : 1) : 0;
    if constexpr (std::is_floating_point_v<T>) {
      if (!valid && random() % 2 == 0) series.data[i] = std::numeric_limits<T>::quiet_NaN();
    }
  }
  return series;
}

// Compares bytes, so that -0.0 differs from 0.0.
template <class T>
void expect_same_bytes(const std::vector<T>& got, const std::vector<T>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(std::memcmp(&got[i], &expected[i], sizeof(T)), 0)
        << "pixel " << i << ": got " << +got[i] << ", expected " << +expected[i];
}

inline const size_t kPixelCounts[] = {1, 2, 15, 31, 32, 33, 63, 64, 65, 127, 131};
inline const size_t kSliceCounts[] = {0, 1, 2, 3, 4, 5, 16, 31, 100, 216, 255, 256, 257, 1000};

}  // namespace geoloom::kernels
