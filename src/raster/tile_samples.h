// SPDX-License-Identifier: Apache-2.0
// Samples on their way into tiles of files: what stands where nothing is valid, and what is valid
// of what stands there.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace geoloom::raster {

// 1 where a sample may stand in the file: valid, and not NaN.
template <class T>
bool is_good(T value, uint8_t valid) {
  if constexpr (std::is_same_v<T, float>)
    return (valid != 0) & !std::isnan(value);
  else
    return valid != 0;
}

// Values where they are good, else `fill`.
template <class T>
void copy_row(const T* from, const uint8_t* valid, size_t count, T fill, T* to) {
  for (size_t i = 0; i < count; ++i) to[i] = is_good(from[i], valid[i]) ? from[i] : fill;
}

// Good values that readers will take for nodata.
template <class T>
uint64_t collisions_in(const T* from, const uint8_t* valid, size_t count, T nodata) {
  uint8_t any = 0;
  for (size_t i = 0; i < count; ++i) any |= static_cast<uint8_t>((from[i] == nodata) & valid[i]);
  if (any == 0) return 0;
  uint64_t found = 0;
  for (size_t i = 0; i < count; ++i) found += from[i] == nodata && valid[i] != 0 ? 1 : 0;
  return found;
}

template <class T>
void keep_good(const T* from, const uint8_t* valid, size_t count, uint8_t* common) {
  for (size_t i = 0; i < count; ++i)
    common[i] = is_good(from[i], valid[i]) ? common[i] : uint8_t{0};
}

template <class T>
void validity_of(const T* values, size_t count, const std::optional<double>& nodata,
                 uint8_t* valid) {
  if constexpr (std::is_same_v<T, float>) {
    if (!nodata || std::isnan(*nodata)) {
      for (size_t i = 0; i < count; ++i) valid[i] = std::isnan(values[i]) ? 0 : 1;
      return;
    }
  }
  const T absent = static_cast<T>(nodata.value_or(0));
  for (size_t i = 0; i < count; ++i) valid[i] = values[i] == absent ? 0 : 1;
}

}  // namespace geoloom::raster
