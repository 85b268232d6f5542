// SPDX-License-Identifier: Apache-2.0
#include "tiff/predictor.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/running_sum.h"

namespace geoloom::tiff {
namespace {

static_assert(std::endian::native == std::endian::little);

uint8_t swapped(uint8_t value) {
  return value;
}
uint16_t swapped(uint16_t value) {
  return __builtin_bswap16(value);
}
uint32_t swapped(uint32_t value) {
  return __builtin_bswap32(value);
}
uint64_t swapped(uint64_t value) {
  return __builtin_bswap64(value);
}

// Samples are moved through memcpy: a block of 16-bit samples may begin at an odd address.
template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <class T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

template <class T>
void swap_bytes(std::byte* samples, size_t count) {
  for (size_t i = 0; i < count; ++i)
    store(samples + i * sizeof(T), swapped(load<T>(samples + i * sizeof(T))));
}

// Each sample becomes the sum of the differences of its band from the row's start. kSamples > 0
// keeps the running sums in registers.
template <class T, int kSamples>
void accumulate_row(std::byte* row, size_t width) {
  T sum[kSamples] = {};
  for (size_t i = 0; i < width; ++i) {
    for (int s = 0; s < kSamples; ++s) {
      sum[s] = static_cast<T>(sum[s] + load<T>(row));
      store(row, sum[s]);
      row += sizeof(T);
    }
  }
}

template <class T>
void accumulate_row(std::byte* row, size_t width, size_t samples) {
  switch (samples) {
    case 1:
      if constexpr (sizeof(T) < sizeof(uint64_t)) return kernels::running_sum<T>(row, width);
      return accumulate_row<T, 1>(row, width);
    case 2:
      return accumulate_row<T, 2>(row, width);
    case 3:
      return accumulate_row<T, 3>(row, width);
    case 4:
      return accumulate_row<T, 4>(row, width);
    default:
      break;
  }
  for (size_t i = samples; i < width * samples; ++i) {
    std::byte* at = row + i * sizeof(T);
    store(at, static_cast<T>(load<T>(at) + load<T>(at - samples * sizeof(T))));
  }
}

template <class T>
void difference_row(std::byte* row, size_t width, size_t samples) {
  for (size_t i = width * samples; i-- > samples;) {
    std::byte* at = row + i * sizeof(T);
    store(at, static_cast<T>(load<T>(at) - load<T>(at - samples * sizeof(T))));
  }
}

template <class T>
void undo_horizontal(const BlockFormat& format, std::byte* block) {
  const auto width = static_cast<size_t>(format.width);
  const auto samples = static_cast<size_t>(format.samples);
  for (int y = 0; y < format.height; ++y, block += format.row_bytes()) {
    if (format.big_endian) swap_bytes<T>(block, width * samples);
    if (format.predictor == Predictor::horizontal) accumulate_row<T>(block, width, samples);
  }
}

template <class T>
void apply_horizontal(const BlockFormat& format, std::byte* block) {
  for (int y = 0; y < format.height; ++y, block += format.row_bytes())
    difference_row<T>(block, static_cast<size_t>(format.width),
                      static_cast<size_t>(format.samples));
}

// A row's bytes stand by significance, the highest first, whatever the file's byte order; then each
// byte is the difference from the one a pixel before.
template <class T>
void gather_row(const std::byte* planes, std::byte* row, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    T value = 0;
    for (size_t b = 0; b < sizeof(T); ++b)
      value = static_cast<T>(value << 8 | std::to_integer<T>(planes[b * count + i]));
    store(row + i * sizeof(T), value);
  }
}

template <class T>
void scatter_row(const std::byte* row, std::byte* planes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const T value = load<T>(row + i * sizeof(T));
    for (size_t b = 0; b < sizeof(T); ++b)
      planes[b * count + i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - b)));
  }
}

template <class T>
void undo_floating_point(const BlockFormat& format, std::byte* block, std::vector<std::byte>& row) {
  const auto samples = static_cast<size_t>(format.samples);
  const size_t count = static_cast<size_t>(format.width) * samples;
  row.resize(format.row_bytes());
  for (int y = 0; y < format.height; ++y, block += format.row_bytes()) {
    std::memcpy(row.data(), block, row.size());
    accumulate_row<uint8_t>(row.data(), row.size() / samples, samples);
    gather_row<T>(row.data(), block, count);
  }
}

template <class T>
void apply_floating_point(const BlockFormat& format, std::byte* block,
                          std::vector<std::byte>& row) {
  const auto samples = static_cast<size_t>(format.samples);
  const size_t count = static_cast<size_t>(format.width) * samples;
  row.resize(format.row_bytes());
  for (int y = 0; y < format.height; ++y, block += format.row_bytes()) {
    scatter_row<T>(block, row.data(), count);
    difference_row<uint8_t>(row.data(), row.size() / samples, samples);
    std::memcpy(block, row.data(), row.size());
  }
}

}  // namespace

void undo_predictor(const BlockFormat& format, std::byte* block, std::vector<std::byte>& row) {
  const bool floating = format.predictor == Predictor::floating_point;
  switch (format.bits) {
    case 8:
      return undo_horizontal<uint8_t>(format, block);
    case 16:
      return floating ? undo_floating_point<uint16_t>(format, block, row)
                      : undo_horizontal<uint16_t>(format, block);
    case 32:
      return floating ? undo_floating_point<uint32_t>(format, block, row)
                      : undo_horizontal<uint32_t>(format, block);
    default:
      return floating ? undo_floating_point<uint64_t>(format, block, row)
                      : undo_horizontal<uint64_t>(format, block);
  }
}

void apply_predictor(const BlockFormat& format, std::byte* block, std::vector<std::byte>& row) {
  if (format.predictor == Predictor::none) return;
  const bool floating = format.predictor == Predictor::floating_point;
  switch (format.bits) {
    case 8:
      return apply_horizontal<uint8_t>(format, block);
    case 16:
      return floating ? apply_floating_point<uint16_t>(format, block, row)
                      : apply_horizontal<uint16_t>(format, block);
    case 32:
      return floating ? apply_floating_point<uint32_t>(format, block, row)
                      : apply_horizontal<uint32_t>(format, block);
    default:
      return floating ? apply_floating_point<uint64_t>(format, block, row)
                      : apply_horizontal<uint64_t>(format, block);
  }
}

}  // namespace geoloom::tiff
