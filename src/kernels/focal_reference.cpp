// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "kernels/focal.h"

namespace geoloom::kernels::reference {
namespace {

// The valid pixels around an output pixel: rows from the top, each from the middle outwards.
std::vector<std::vector<float>> rows_around(const float* values, size_t width, const Disk& disk,
                                            size_t x, size_t y) {
  const int64_t rim_x = disk.reach_x(), rim_y = disk.reach_y();
  const int64_t stride = static_cast<int64_t>(width) + 2 * rim_x;
  std::vector<std::vector<float>> rows;
  for (int64_t dy = -rim_y; dy <= rim_y; ++dy) {
    auto& row = rows.emplace_back();
    const int64_t middle =
        (static_cast<int64_t>(y) + rim_y + dy) * stride + static_cast<int64_t>(x) + rim_x;
    const auto take = [&](int64_t at) {
      if (!std::isnan(values[at])) row.push_back(values[at]);
    };
    take(middle);
    const int64_t half = disk.half_widths[static_cast<size_t>(std::abs(dy))];
    for (int64_t w = 1; w <= half; ++w) {
      take(middle - w);
      take(middle + w);
    }
  }
  return rows;
}

std::vector<float> samples_around(const float* values, size_t width, const Disk& disk, size_t x,
                                  size_t y) {
  std::vector<float> samples;
  for (const auto& row : rows_around(values, width, disk, x, y))
    samples.insert(samples.end(), row.begin(), row.end());
  return samples;
}

}  // namespace

void focal_sum(const float* values, size_t width, size_t height, const Disk& disk, double* sum,
               double* count) {
  for (size_t i = 0; i < width * height; ++i) {
    sum[i] = count[i] = 0;
    const auto rows = rows_around(values, width, disk, i % width, i / width);
    for (const auto& row : rows) {
      double of_row = 0;
      for (const float value : row) of_row += value;
      sum[i] += of_row;
      count[i] += static_cast<double>(row.size());
    }
  }
}

void focal_squares(const float* values, size_t width, size_t height, const Disk& disk,
                   const double* mean, double* squares) {
  for (size_t i = 0; i < width * height; ++i) {
    squares[i] = 0;
    const auto samples = samples_around(values, width, disk, i % width, i / width);
    for (const float value : samples)
      squares[i] += (static_cast<double>(value) - mean[i]) * (static_cast<double>(value) - mean[i]);
  }
}

void focal_minimum(const float* values, size_t width, size_t height, const Disk& disk,
                   float* minimum) {
  for (size_t i = 0; i < width * height; ++i) {
    const auto samples = samples_around(values, width, disk, i % width, i / width);
    minimum[i] = samples.empty() ? std::numeric_limits<float>::quiet_NaN()
                                 : *std::min_element(samples.begin(), samples.end());
  }
}

void focal_median(const float* values, size_t width, size_t height, const Disk& disk,
                  float* median) {
  for (size_t i = 0; i < width * height; ++i) {
    auto samples = samples_around(values, width, disk, i % width, i / width);
    std::sort(samples.begin(), samples.end());
    const size_t n = samples.size();
    median[i] =
        n == 0
            ? std::numeric_limits<float>::quiet_NaN()
            : static_cast<float>((static_cast<double>(samples[(n - 1) / 2]) + samples[n / 2]) / 2);
  }
}

}  // namespace geoloom::kernels::reference
