// SPDX-License-Identifier: Apache-2.0
// One pixel per lane. Each pair of observations is looked at once, for both of its sums: in the
// order of pairs, every sum gets its terms in the order of time.
#include "kernels/medoid.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/medoid.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/observations-inl.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

using SumTag = hn::CappedTag<double, kStrip>;
using DistanceTag = hn::Rebind<float, SumTag>;
using Distance = hn::Vec<DistanceTag>;

// Adds a distance to the sum of each of its observations; NaN, where one is a gap, adds nothing.
HWY_INLINE void add_distance(Distance squares, hn::Vec<SumTag>& own, double* other) {
  const SumTag d;
  const auto distance = hn::IfThenElseZero(hn::Eq(squares, squares), hn::Sqrt(squares));
  const auto wide = hn::PromoteTo(d, distance);
  own = hn::Add(own, wide);
  hn::StoreU(hn::Add(hn::LoadU(d, other), wide), d, other);
}

HWY_INLINE Distance add_square(Distance squares, Distance a, Distance b) {
  const auto difference = hn::Sub(a, b);
  return hn::Add(squares, hn::Mul(difference, difference));
}

// The distances of row i to all later ones, into the sums of a vector of pixels, by row.
HWY_INLINE void add_row_pairs(const ObservationTile& tile, size_t i, size_t first, double* sums) {
  const SumTag d;
  const DistanceTag df;
  const size_t lanes = hn::Lanes(d), rows = (tile.bands + 1) * tile.stride;
  const float* mine = tile.gaps(i) + first;
  const auto gap = hn::LoadU(df, mine);
  auto own = hn::LoadU(d, sums + i * lanes);
  size_t j = i + 1;
  for (; j + 4 <= tile.rows; j += 4) {
    const float* theirs = tile.gaps(j) + first;
    auto q0 = hn::Add(gap, hn::LoadU(df, theirs)), q1 = hn::Add(gap, hn::LoadU(df, theirs + rows));
    auto q2 = hn::Add(gap, hn::LoadU(df, theirs + 2 * rows));
    auto q3 = hn::Add(gap, hn::LoadU(df, theirs + 3 * rows));
    for (size_t b = 1; b <= tile.bands; ++b) {
      const auto x = hn::LoadU(df, mine + b * tile.stride);
      const float* y = theirs + b * tile.stride;
      q0 = add_square(q0, x, hn::LoadU(df, y));
      q1 = add_square(q1, x, hn::LoadU(df, y + rows));
      q2 = add_square(q2, x, hn::LoadU(df, y + 2 * rows));
      q3 = add_square(q3, x, hn::LoadU(df, y + 3 * rows));
    }
    add_distance(q0, own, sums + j * lanes);
    add_distance(q1, own, sums + (j + 1) * lanes);
    add_distance(q2, own, sums + (j + 2) * lanes);
    add_distance(q3, own, sums + (j + 3) * lanes);
  }
  for (; j < tile.rows; ++j) {
    const float* theirs = tile.gaps(j) + first;
    auto squares = hn::Add(gap, hn::LoadU(df, theirs));
    for (size_t b = 1; b <= tile.bands; ++b)
      squares = add_square(squares, hn::LoadU(df, mine + b * tile.stride),
                           hn::LoadU(df, theirs + b * tile.stride));
    add_distance(squares, own, sums + j * lanes);
  }
  hn::StoreU(own, d, sums + i * lanes);
}

// The row of the least sum of each lane, of rows that are no gaps.
HWY_INLINE void least_rows(const ObservationTile& tile, size_t first, const double* sums,
                           uint16_t* row) {
  const size_t lanes = hn::Lanes(SumTag());
  double least[kStrip] = {};
  bool found[kStrip] = {};
  for (size_t t = 0; t < tile.rows; ++t) {
    const float* gaps = tile.gaps(t) + first;
    for (size_t i = 0; i < lanes; ++i) {
      const double sum = sums[t * lanes + i];
      if (gaps[i] != gaps[i] || (found[i] && !(sum < least[i]))) continue;
      found[i] = true;
      least[i] = sum;
      row[first + i] = static_cast<uint16_t>(t);
    }
  }
}

// row: of each pixel of the tile, where it has an observation.
void find_medoids(std::span<const StoredBand> bands, size_t first, size_t pixels,
                  ObservationTile& tile, std::vector<double>& sums, uint16_t* row) {
  load_observations(bands, first, pixels, tile);
  const size_t lanes = hn::Lanes(SumTag());
  for (size_t p = 0; p < tile.pixels; p += lanes) {
    std::fill_n(sums.begin(), tile.rows * lanes, 0.0);
    for (size_t i = 0; i < tile.rows; ++i) add_row_pairs(tile, i, p, sums.data());
    least_rows(tile, p, sums.data(), row);
  }
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(find_medoids);

}  // namespace

void medoid(std::span<const StoredBand> bands, size_t pixels, size_t min_count, uint16_t* slice,
            uint8_t* valid, uint16_t* count) {
  check_bands(bands);
  const size_t slices = slices_of(bands);
  ObservationTile tile(slices, bands.size());
  std::vector<double> sums(slices * kStrip);
  std::vector<uint16_t> row(tile.pixels);
  for (size_t first = 0; first < pixels; first += tile.pixels) {
    const size_t here = std::min(tile.pixels, pixels - first);
    HWY_DYNAMIC_DISPATCH(find_medoids)(bands, first, here, tile, sums, row.data());
    for (size_t i = 0; i < here; ++i) {
      const bool enough = tile.count[i] >= std::max<size_t>(min_count, 1);
      valid[first + i] = enough ? 1 : 0;
      slice[first + i] = enough ? tile.slice[row[i]] : uint16_t{0};
      if (count != nullptr) count[first + i] = tile.count[i];
    }
  }
}

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
