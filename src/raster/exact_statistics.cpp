// SPDX-License-Identifier: Apache-2.0
#include "raster/exact_statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

namespace geoloom::raster {
namespace {

constexpr size_t kExponents = 256;
constexpr int kExponentBias = 150;  // of a mantissa read as an integer

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

// Whole numbers, some hundred at a time: as many as 32 bits can sum, so that vectors do it.
template <class T>
void ExactStatistics::add_whole(const T* values, const uint8_t* valid, size_t count) {
  using Sum = std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>;
  using Square = std::conditional_t<sizeof(T) == 1, uint32_t, uint64_t>;
  constexpr size_t kChunk = 256;
  T low = std::numeric_limits<T>::max(), high = std::numeric_limits<T>::min();
  uint64_t used = 0;
  for (size_t first = 0; first < count; first += kChunk) {
    const size_t last = std::min(count, first + kChunk);
    Sum sum = 0;
    Square squares = 0;
    uint32_t here = 0;
    for (size_t i = first; i < last; ++i) {
      const bool good = valid[i] != 0;
      const T value = good ? values[i] : T{0};
      const auto wide = static_cast<Sum>(value);
      sum += wide;
      squares += static_cast<Square>(static_cast<uint32_t>(wide * wide));
      here += good ? 1U : 0U;
      low = std::min(low, good ? value : std::numeric_limits<T>::max());
      high = std::max(high, good ? value : std::numeric_limits<T>::min());
    }
    bins_[0].sum += static_cast<int64_t>(sum);
    bins_[0].squares += squares;
    used += here;
  }
  if (used == 0) return;
  minimum_ = finite_ == 0 ? static_cast<double>(low) : std::min(minimum_, static_cast<double>(low));
  maximum_ =
      finite_ == 0 ? static_cast<double>(high) : std::max(maximum_, static_cast<double>(high));
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
