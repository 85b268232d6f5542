// SPDX-License-Identifier: Apache-2.0
// First along columns: how many rows away the nearest set pixel of the same column is. Then along
// rows: the least sum of squares over the columns within reach, columns ever farther away, until
// they alone are farther than the maximum. Plain loops, which compilers turn into vectors.
#include "kernels/distance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace geoloom::kernels {
namespace {

constexpr double kUnreached = std::numeric_limits<double>::infinity();

// Rows to the nearest set pixel above or at each pixel, as `rows` of all columns; carried from one
// row to the next.
void count_down(const uint8_t* row, size_t columns, double* rows_away) {
  for (size_t x = 0; x < columns; ++x) rows_away[x] = row[x] != 0 ? 0.0 : rows_away[x] + 1;
}

}  // namespace

void distance_to_set(const uint8_t* set, size_t width, size_t height, const DistanceReach& reach,
                     float* distance) {
  const size_t columns = width + 2 * reach.columns, all_rows = height + 2 * reach.rows;
  // Squared distances along the column, of the rows that have a result.
  std::vector<double> nearest(columns * height, kUnreached), away(columns, kUnreached);
  const auto note = [&](size_t row) {
    double* const to = nearest.data() + row * columns;
    for (size_t x = 0; x < columns; ++x) {
      const double length = away[x] * reach.pixel_height;
      const double squared = length * length;
      to[x] = squared < to[x] ? squared : to[x];
    }
  };
  for (size_t y = 0; y < reach.rows + height; ++y) {
    count_down(set + y * columns, columns, away.data());
    if (y >= reach.rows) note(y - reach.rows);
  }
  std::fill(away.begin(), away.end(), kUnreached);
  for (size_t y = all_rows; y-- > reach.rows;) {
    count_down(set + y * columns, columns, away.data());
    if (y < reach.rows + height) note(y - reach.rows);
  }
  const double farthest = reach.maximum * reach.maximum;
  std::vector<double> least(width);
  for (size_t y = 0; y < height; ++y) {
    const double* const middle = nearest.data() + y * columns + reach.columns;
    std::fill(least.begin(), least.end(), farthest);
    for (size_t w = 0; w <= reach.columns; ++w) {
      const double across = static_cast<double>(w) * reach.pixel_width;
      const double squared = across * across;
      const double* const left = middle - w;
      const double* const right = middle + w;
      for (size_t x = 0; x < width; ++x) {
        const double nearer = left[x] < right[x] ? left[x] : right[x];
        const double sum = nearer + squared;
        least[x] = sum < least[x] ? sum : least[x];
      }
    }
    for (size_t x = 0; x < width; ++x)
      distance[y * width + x] = static_cast<float>(std::sqrt(least[x]));
  }
}

}  // namespace geoloom::kernels
