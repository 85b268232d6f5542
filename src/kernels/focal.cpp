// SPDX-License-Identifier: Apache-2.0
// Each row of the input grows sums from the middle outwards, one pixel on both sides at a time, and
// gives the sum of each width to the output rows whose neighbourhood has that width there. So the
// cost grows with the radius, and not with the area. Plain loops, which compilers turn into
// vectors.
#include "kernels/focal.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

namespace geoloom::kernels {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

// The input's rows with their rim, seen from the outputs.
struct Rows {
  const float* values;
  size_t width, height;
  size_t rim_x, rim_y, stride;

  Rows(const float* from, size_t columns, size_t lines, const Disk& disk)
      : values(from),
        width(columns),
        height(lines),
        rim_x(static_cast<size_t>(disk.reach_x())),
        rim_y(static_cast<size_t>(disk.reach_y())),
        stride(columns + 2 * rim_x) {}
  size_t input_rows() const { return height + 2 * rim_y; }
  // The first pixel of an input row that lies above or below an output.
  const float* middle(size_t row) const { return values + row * stride + rim_x; }
};

// Calls use(output_row) for each output row whose neighbourhood reaches exactly `half_width` pixels
// to both sides in this input row.
template <class Use>
void for_outputs_of(const Rows& rows, const Disk& disk, size_t input_row, int32_t half_width,
                    Use use) {
  const auto here = static_cast<int64_t>(input_row) - static_cast<int64_t>(rows.rim_y);
  const int64_t reach = disk.reach_y();
  const int64_t first = std::max<int64_t>(0, here - reach);
  const int64_t last = std::min(static_cast<int64_t>(rows.height) - 1, here + reach);
  for (int64_t y = first; y <= last; ++y)
    if (disk.half_widths[static_cast<size_t>(y > here ? y - here : here - y)] == half_width)
      use(static_cast<size_t>(y));
}

void add_row(const double* from, size_t count, double* to) {
  for (size_t x = 0; x < count; ++x) to[x] += from[x];
}

// Grows an extreme as focal_sum() grows sums. `better` keeps the old value for NaN.
template <class Better>
void focal_extreme(const Rows& rows, const Disk& disk, Better better, float* out) {
  std::fill_n(out, rows.width * rows.height, kNone);
  std::vector<float> best(rows.width);
  const auto merge = [&](const float* from, float* to) {
    for (size_t x = 0; x < rows.width; ++x)
      to[x] = better(from[x], to[x]) || to[x] != to[x] ? from[x] : to[x];
  };
  for (size_t row = 0; row < rows.input_rows(); ++row) {
    const float* const middle = rows.middle(row);
    for (int32_t w = 0; w <= disk.reach_x(); ++w) {
      if (w == 0) {
        std::copy_n(middle, rows.width, best.data());
      } else {
        merge(middle - w, best.data());
        merge(middle + w, best.data());
      }
      for_outputs_of(rows, disk, row, w,
                     [&](size_t y) { merge(best.data(), out + y * rows.width); });
    }
  }
}

float median_of(std::vector<float>& samples) {
  if (samples.empty()) return kNone;
  const auto middle = samples.begin() + static_cast<ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  if (samples.size() % 2 == 1) return *middle;
  const float below = *std::max_element(samples.begin(), middle);
  return static_cast<float>((static_cast<double>(below) + *middle) / 2);
}

}  // namespace

Disk square(int32_t radius) {
  if (radius < 0 || radius > kLargestDisk)
    throw std::invalid_argument("square: the radius is negative or too large");
  return {std::vector<int32_t>(static_cast<size_t>(radius) + 1, radius)};
}

void focal_sum(const float* values, size_t width, size_t height, const Disk& disk, double* sum,
               double* count) {
  const Rows rows(values, width, height, disk);
  std::fill_n(sum, width * height, 0.0);
  std::fill_n(count, width * height, 0.0);
  std::vector<double> row_sum(width), row_count(width);
  const auto grow = [&](const float* from) {
    for (size_t x = 0; x < width; ++x) {
      const bool valid = from[x] == from[x];
      row_sum[x] += valid ? static_cast<double>(from[x]) : 0.0;
      row_count[x] += valid ? 1.0 : 0.0;
    }
  };
  for (size_t row = 0; row < rows.input_rows(); ++row) {
    const float* const middle = rows.middle(row);
    std::fill(row_sum.begin(), row_sum.end(), 0.0);
    std::fill(row_count.begin(), row_count.end(), 0.0);
    for (int32_t w = 0; w <= disk.reach_x(); ++w) {
      grow(middle - w);
      if (w > 0) grow(middle + w);
      for_outputs_of(rows, disk, row, w, [&](size_t y) {
        add_row(row_sum.data(), width, sum + y * width);
        add_row(row_count.data(), width, count + y * width);
      });
    }
  }
}

// Each neighbourhood has a mean of its own, so nothing is shared between pixels.
void focal_squares(const float* values, size_t width, size_t height, const Disk& disk,
                   const double* mean, double* squares) {
  const Rows rows(values, width, height, disk);
  std::fill_n(squares, width * height, 0.0);
  const int64_t reach = disk.reach_y();
  for (size_t y = 0; y < height; ++y) {
    const double* const centre = mean + y * width;
    double* const out = squares + y * width;
    const auto add = [&](const float* from) {
      for (size_t x = 0; x < width; ++x) {
        const double away = static_cast<double>(from[x]) - centre[x];
        out[x] += away == away ? away * away : 0.0;
      }
    };
    for (int64_t dy = -reach; dy <= reach; ++dy) {
      const float* const middle =
          rows.middle(static_cast<size_t>(static_cast<int64_t>(y + rows.rim_y) + dy));
      add(middle);
      const int32_t half = disk.half_widths[static_cast<size_t>(dy < 0 ? -dy : dy)];
      for (int32_t w = 1; w <= half; ++w) {
        add(middle - w);
        add(middle + w);
      }
    }
  }
}

void focal_minimum(const float* values, size_t width, size_t height, const Disk& disk,
                   float* minimum) {
  focal_extreme(
      Rows(values, width, height, disk), disk, [](float a, float b) { return a < b; }, minimum);
}

void focal_maximum(const float* values, size_t width, size_t height, const Disk& disk,
                   float* maximum) {
  focal_extreme(
      Rows(values, width, height, disk), disk, [](float a, float b) { return a > b; }, maximum);
}

void focal_median(const float* values, size_t width, size_t height, const Disk& disk,
                  float* median) {
  const Rows rows(values, width, height, disk);
  const int64_t reach = disk.reach_y();
  std::vector<float> samples;
  for (size_t y = 0; y < height; ++y) {
    for (size_t x = 0; x < width; ++x) {
      samples.clear();
      for (int64_t dy = -reach; dy <= reach; ++dy) {
        const int32_t half = disk.half_widths[static_cast<size_t>(dy < 0 ? -dy : dy)];
        const float* const middle =
            rows.middle(static_cast<size_t>(static_cast<int64_t>(y + rows.rim_y) + dy)) + x;
        for (const float* at = middle - half; at <= middle + half; ++at)
          if (*at == *at) samples.push_back(*at);
      }
      median[y * width + x] = median_of(samples);
    }
  }
}

}  // namespace geoloom::kernels
