// SPDX-License-Identifier: Apache-2.0
#include "learn/ranked_columns.h"

#include <algorithm>
#include <array>
#include <bit>

namespace geoloom::learn {
namespace {

constexpr size_t kFewKeys = 24;             // below: by insertion
constexpr size_t kKeysWorthCounting = 200;  // below: by comparison
constexpr unsigned kDigitBits = 8;

void insertion_sort(std::vector<RankKey>& keys) {
  for (size_t i = 1; i < keys.size(); ++i) {
    const RankKey key = keys[i];
    size_t at = i;
    for (; at > 0 && keys[at - 1] > key; --at) keys[at] = keys[at - 1];
    keys[at] = key;
  }
}

// One pass of a radix sort, which keeps the order of keys with equal digits.
void sort_by_digit(const std::vector<RankKey>& from, std::vector<RankKey>& to, uint32_t lowest,
                   unsigned shift) {
  constexpr uint32_t kMask = (1U << kDigitBits) - 1;
  std::array<uint32_t, kMask + 1> places{};
  const auto digit = [&](RankKey key) {
    return ((static_cast<uint32_t>(key >> 32) - lowest) >> shift) & kMask;
  };
  for (const RankKey key : from) ++places[digit(key)];
  uint32_t sum = 0;
  for (auto& place : places) {
    const uint32_t count = place;
    place = sum;
    sum += count;
  }
  for (const RankKey key : from) to[places[digit(key)]++] = key;
}

}  // namespace

RankedColumns::RankedColumns(const TrainingData& data, const ForEachIndex& for_each)
    : rows_(data.rows()), ranks_(data.columns * data.rows()), values_(data.columns) {
  for_each(data.columns, [&](size_t column) {
    std::vector<float> different(rows_);
    for (size_t row = 0; row < rows_; ++row)
      different[row] = data.features[row * data.columns + column] + 0.0F;  // -0 becomes 0
    auto& values = values_[column];
    values = different;
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    values.shrink_to_fit();
    uint32_t* ranks = ranks_.data() + column * rows_;
    for (size_t row = 0; row < rows_; ++row)
      ranks[row] = static_cast<uint32_t>(
          std::lower_bound(values.begin(), values.end(), different[row]) - values.begin());
  });
}

void sort_by_rank(std::vector<RankKey>& keys, std::vector<RankKey>& spare, uint32_t lowest,
                  uint32_t highest) {
  if (keys.size() < kFewKeys) return insertion_sort(keys);
  if (keys.size() < kKeysWorthCounting) {
    std::sort(keys.begin(), keys.end());
    return;
  }
  spare.resize(keys.size());
  const auto bits = static_cast<unsigned>(std::bit_width(highest - lowest));
  for (unsigned shift = 0; shift < bits; shift += kDigitBits) {
    sort_by_digit(keys, spare, lowest, shift);
    keys.swap(spare);
  }
}

}  // namespace geoloom::learn
