// SPDX-License-Identifier: Apache-2.0
// Features column by column, each value replaced by its rank among the column's different values.
// Trees are grown on ranks: sorting whole numbers of few bits takes a fraction of the time that
// sorting the values would, and a split says which ranks go left.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learn/training_data.h"

namespace geoloom::learn {

class RankedColumns {
 public:
  // No value may be NaN.
  RankedColumns(const TrainingData& data, const ForEachIndex& for_each);

  size_t columns() const { return values_.size(); }
  size_t rows() const { return rows_; }
  const uint32_t* ranks(size_t column) const { return ranks_.data() + column * rows_; }
  // Of a column, rising: values(column)[rank].
  std::span<const float> values(size_t column) const { return values_[column]; }

 private:
  size_t rows_ = 0;
  std::vector<uint32_t> ranks_;
  std::vector<std::vector<float>> values_;
};

// A rank above a row's number: what split search sorts.
using RankKey = uint64_t;

// Sorts keys by rank, whichever way is quickest for their number; the order of equal ranks is the
// same for the same keys, and nothing else is said of it. Ranks are lowest .. highest.
void sort_by_rank(std::vector<RankKey>& keys, std::vector<RankKey>& spare, uint32_t lowest,
                  uint32_t highest);

}  // namespace geoloom::learn
