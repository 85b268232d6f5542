// SPDX-License-Identifier: Apache-2.0
#include "kernels/season.h"

#include <algorithm>

namespace geoloom::kernels {
namespace {

// Where the curve from sample `inner`, above the level, to `outer`, at or below it, meets the
// level.
double crossing(std::span<const double> times, std::span<const double> values, size_t inner,
                size_t outer, double level) {
  const double part = (values[inner] - level) / (values[inner] - values[outer]);
  return times[inner] + part * (times[outer] - times[inner]);
}

// Under the curve between two times that lie within the samples.
double area(std::span<const double> times, std::span<const double> values, double from, double to) {
  double sum = 0;
  for (size_t i = 0; i + 1 < times.size(); ++i) {
    const double left = std::max(from, times[i]), right = std::min(to, times[i + 1]);
    if (left >= right) continue;
    const double slope = (values[i + 1] - values[i]) / (times[i + 1] - times[i]);
    const double at_left = values[i] + slope * (left - times[i]);
    const double at_right = values[i] + slope * (right - times[i]);
    sum += (at_left + at_right) / 2 * (right - left);
  }
  return sum;
}

}  // namespace

Season season_of(std::span<const double> times, std::span<const double> values, double share) {
  Season season;
  if (times.empty()) return season;
  const auto peak = std::max_element(values.begin(), values.end());
  const auto at = static_cast<size_t>(peak - values.begin());
  const double high = *peak;
  const double left_low = *std::min_element(values.begin(), peak + 1);
  const double right_low = *std::min_element(peak, values.end());
  if (!(left_low < high && right_low < high)) return season;
  season.found = true;
  season.peak = times[at];
  season.base = (left_low + right_low) / 2;
  season.amplitude = high - season.base;
  const double left_level = left_low + share * (high - left_low);
  const double right_level = right_low + share * (high - right_low);
  size_t i = at;
  while (values[i - 1] > left_level) --i;
  season.start = crossing(times, values, i, i - 1, left_level);
  i = at;
  while (values[i + 1] > right_level) ++i;
  season.end = crossing(times, values, i, i + 1, right_level);
  season.large_integral = area(times, values, season.start, season.end);
  season.small_integral = season.large_integral - season.base * (season.end - season.start);
  return season;
}

}  // namespace geoloom::kernels
