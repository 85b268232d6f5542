// SPDX-License-Identifier: Apache-2.0
#include "raster/exact_statistics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

namespace geoloom::raster {
namespace {

constexpr size_t kExponents = 256;
constexpr int kExponentBias = 150;  // of a mantissa read as an integer

// Both sides are read first: a value that is only read where it is valid keeps vectors away.
template <class T>
void keep_valid(const T* values, const uint8_t* valid, size_t count, T otherwise, T* to) {
  for (size_t i = 0; i < count; ++i) {
    const T value = values[i];
    to[i] = valid[i] != 0 ? value : otherwise;
  }
}

}  // namespace

ExactStatistics::ExactStatistics(PixelType type)
    : type_(type), bins_(type == PixelType::float32 ? kExponents : 1) {}

void ExactStatistics::add_float(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t exponent = (bits >> 23U) & 0xFFU;
  const int64_t fraction = bits & 0x7FFFFFU;
  const int64_t mantissa = exponent == 0 ? fraction : fraction | 0x800000;
  Bin& bin = bins_[std::max<uint32_t>(exponent, 1)];
  bin.sum += std::signbit(value) ? -mantissa : mantissa;
  bin.squares += static_cast<Wide>(mantissa * mantissa);
}

// Whole numbers, some hundred at a time: as many as 32 bits can sum. Each loop does one thing,
// which is what compilers make vectors of.
template <class T>
void ExactStatistics::add_whole(const T* values, const uint8_t* valid, size_t count) {
  // For bytes, what 256 of them need and processors multiply best.
  constexpr bool kBytes = sizeof(T) == 1;
  using Sum = std::conditional_t<kBytes, int16_t,
                                 std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>>;
  constexpr T kLowest = std::numeric_limits<T>::min(), kHighest = std::numeric_limits<T>::max();
  constexpr size_t kChunk = 256;
  std::array<T, kChunk> good, kept;
  T low = kHighest, high = kLowest;
  uint64_t used = 0;
  for (size_t first = 0; first < count; first += kChunk) {
    const size_t here = std::min(kChunk, count - first);
    const T* const value = values + first;
    const uint8_t* const is_valid = valid + first;
    keep_valid(value, is_valid, here, T{0}, good.data());
    keep_valid(value, is_valid, here, kHighest, kept.data());
    for (size_t i = 0; i < here; ++i) low = std::min(low, kept[i]);
    keep_valid(value, is_valid, here, kLowest, kept.data());
    for (size_t i = 0; i < here; ++i) high = std::max(high, kept[i]);
    std::conditional_t<kBytes, uint16_t, Sum> sum = 0;
    for (size_t i = 0; i < here; ++i) sum = static_cast<decltype(sum)>(sum + good[i]);
    std::conditional_t<kBytes, int32_t, uint64_t> squares = 0;
    for (size_t i = 0; i < here; ++i) {
      const auto wide = static_cast<Sum>(good[i]);
      if constexpr (kBytes)
        squares += wide * wide;
      else
        squares += static_cast<uint32_t>(wide * wide);
    }
    uint16_t valid_here = 0;
    for (size_t i = 0; i < here; ++i)
      valid_here = static_cast<uint16_t>(valid_here + (is_valid[i] != 0 ? 1 : 0));
    bins_[0].sum += static_cast<int64_t>(sum);
    bins_[0].squares += static_cast<Wide>(squares);
    used += valid_here;
  }
  if (used == 0) return;
  const auto lowest = static_cast<double>(low), highest = static_cast<double>(high);
  minimum_ = finite_ == 0 ? lowest : std::min(minimum_, lowest);
  maximum_ = finite_ == 0 ? highest : std::max(maximum_, highest);
  valid_ += used;
  finite_ += used;
}

void ExactStatistics::add_floats(const float* values, const uint8_t* valid, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (valid[i] == 0) continue;
    ++valid_;
    if (!std::isfinite(values[i])) continue;
    add_float(values[i]);
    const auto number = static_cast<double>(values[i]);
    minimum_ = finite_ == 0 ? number : std::min(minimum_, number);
    maximum_ = finite_ == 0 ? number : std::max(maximum_, number);
    ++finite_;
  }
}

template <class T>
void ExactStatistics::add(const T* values, const uint8_t* valid, size_t count) {
  if constexpr (std::is_same_v<T, float>)
    add_floats(values, valid, count);
  else
    add_whole(values, valid, count);
}

template void ExactStatistics::add(const uint8_t*, const uint8_t*, size_t);
template void ExactStatistics::add(const uint16_t*, const uint8_t*, size_t);
template void ExactStatistics::add(const int16_t*, const uint8_t*, size_t);
template void ExactStatistics::add(const float*, const uint8_t*, size_t);

void ExactStatistics::merge(const ExactStatistics& other) {
  valid_ += other.valid_;
  if (other.finite_ == 0) return;
  minimum_ = finite_ == 0 ? other.minimum_ : std::min(minimum_, other.minimum_);
  maximum_ = finite_ == 0 ? other.maximum_ : std::max(maximum_, other.maximum_);
  finite_ += other.finite_;
  for (size_t i = 0; i < bins_.size(); ++i) {
    bins_[i].sum += other.bins_[i].sum;
    bins_[i].squares += other.bins_[i].squares;
  }
}

BandStatistics ExactStatistics::result(uint64_t total) const {
  BandStatistics statistics;
  statistics.total = total;
  statistics.valid = valid_;
  if (finite_ == 0) return statistics;
  // Zero keeps no sign: which of two zeros came first must not show.
  statistics.minimum = minimum_ + 0.0;
  statistics.maximum = maximum_ + 0.0;
  const auto count = static_cast<long double>(finite_);
  if (type_ != PixelType::float32) {
    const Wide sum = static_cast<Wide>(std::abs(bins_[0].sum));
    const Wide spread = bins_[0].squares * finite_ - sum * sum;  // never negative, and exact
    statistics.mean = static_cast<double>(static_cast<long double>(bins_[0].sum) / count);
    statistics.deviation = static_cast<double>(std::sqrt(static_cast<long double>(spread)) / count);
    return statistics;
  }
  long double sum = 0, squares = 0;
  for (size_t i = 0; i < kExponents; ++i) {
    const int exponent = static_cast<int>(i) - kExponentBias;
    sum += std::ldexp(static_cast<long double>(bins_[i].sum), exponent);
    squares += std::ldexp(static_cast<long double>(bins_[i].squares), 2 * exponent);
  }
  const long double mean = sum / count;
  statistics.mean = static_cast<double>(mean);
  // One value has no spread; the subtraction below would leave rounding noise.
  const long double variance =
      minimum_ == maximum_ ? 0 : std::max(0.0L, squares / count - mean * mean);
  statistics.deviation = static_cast<double>(std::sqrt(variance));
  return statistics;
}

}  // namespace geoloom::raster
