// SPDX-License-Identifier: Apache-2.0
#include "class_erosion.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

namespace geoloom::kernels {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::invalid_argument(what);
}

// How many pixels from here to the right, this one included, are valid and of one class.
std::vector<uint32_t> runs_to_the_right(std::span<const int32_t> classes,
                                        std::span<const uint8_t> valid, size_t width,
                                        size_t height) {
  std::vector<uint32_t> runs(width * height);
  for (size_t y = 0; y < height; ++y) {
    uint32_t run = 0;
    for (size_t x = width; x-- > 0;) {
      const size_t i = y * width + x;
      if (valid[i] == 0)
        run = 0;
      else
        run = run > 0 && classes[i] == classes[i + 1] ? run + 1 : 1;
      runs[i] = run;
    }
  }
  return runs;
}

}  // namespace

Element disk_element(double radius) {
  require(radius >= 0 && radius <= kLargestElement, "radius of an element");
  Element element;
  const double square = radius * radius + 1e-9;
  for (auto dy = -static_cast<int32_t>(radius); dy <= static_cast<int32_t>(radius); ++dy) {
    const auto half = static_cast<int32_t>(std::sqrt(square - static_cast<double>(dy) * dy));
    element.push_back({dy, -half, half});
  }
  return element;
}

Element ellipse_element(int32_t size) {
  require(size >= 1 && size <= kLargestElement, "size of an element");
  const int32_t r = size / 2;
  Element element;
  for (int32_t row = 0; row < size; ++row) {
    const int32_t dy = row - r;
    // OpenCV 4: round(c sqrt((r^2 - dy^2) / r^2)), half to even.
    const double across =
        r == 0 ? 0
               : r * std::sqrt((static_cast<double>(r) * r - static_cast<double>(dy) * dy) *
                               (1.0 / (static_cast<double>(r) * r)));
    const auto dx = static_cast<int32_t>(std::nearbyint(across));
    element.push_back({dy, std::max(r - dx, 0) - r, std::min(r + dx + 1, size) - 1 - r});
  }
  return element;
}

int32_t reach(const Element& element) {
  int32_t most = 0;
  for (const auto& [dy, first, last] : element) most = std::max({most, std::abs(dy), -first, last});
  return most;
}

void keep_inner_pixels(std::span<const int32_t> classes, std::span<const uint8_t> valid,
                       size_t width, size_t height, const Element& element,
                       std::span<uint8_t> keep) {
  const auto runs = runs_to_the_right(classes, valid, width, height);
  const auto columns = static_cast<int64_t>(width), rows = static_cast<int64_t>(height);
  std::copy(valid.begin(), valid.end(), keep.begin());
  for (const auto& [dy, first_dx, last_dx] : element) {
    const int64_t top = std::max<int64_t>(0, -dy), bottom = std::min<int64_t>(rows, rows - dy);
    for (int64_t y = top; y < bottom; ++y) {
      const auto* here = classes.data() + y * columns;
      const auto* there = classes.data() + (y + dy) * columns;
      const auto* run = runs.data() + (y + dy) * columns;
      auto* kept = keep.data() + y * columns;
      for (int64_t x = 0; x < columns; ++x) {
        const int64_t first = std::max<int64_t>(0, x + first_dx);
        const int64_t last = std::min<int64_t>(columns - 1, x + last_dx);
        const bool all = first > last || (there[first] == here[x] && run[first] > last - first);
        kept[x] = kept[x] != 0 && all ? 1 : 0;
      }
    }
  }
}

namespace reference {

void keep_inner_pixels(std::span<const int32_t> classes, std::span<const uint8_t> valid,
                       size_t width, size_t height, const Element& element,
                       std::span<uint8_t> keep) {
  const auto columns = static_cast<int64_t>(width), rows = static_cast<int64_t>(height);
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t x = 0; x < columns; ++x) {
      const auto i = static_cast<size_t>(y * columns + x);
      keep[i] = valid[i] != 0;
      for (const auto& [dy, first, last] : element)
        for (int64_t dx = first; dx <= last; ++dx) {
          const int64_t nx = x + dx, ny = y + dy;
          if (nx < 0 || ny < 0 || nx >= columns || ny >= rows) continue;
          const auto j = static_cast<size_t>(ny * columns + nx);
          if (valid[j] == 0 || classes[j] != classes[i]) keep[i] = 0;
        }
    }
}

}  // namespace reference
}  // namespace geoloom::kernels
