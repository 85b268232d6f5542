// SPDX-License-Identifier: Apache-2.0
#include "kernels/shadow.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace geoloom::kernels {
namespace {

void add_shifted(const uint8_t* casting, int64_t width, int64_t height, const PixelShift& shift,
                 uint8_t* shadows) {
  const int64_t left = std::max<int64_t>(0, shift.columns);
  const int64_t right = std::min(width, width + shift.columns);
  const int64_t top = std::max<int64_t>(0, shift.rows);
  const int64_t bottom = std::min(height, height + shift.rows);
  if (left >= right) return;
  const auto count = static_cast<size_t>(right - left);
  for (int64_t y = top; y < bottom; ++y) {
    uint8_t* const to = shadows + y * width + left;
    const uint8_t* const from = casting + (y - shift.rows) * width + left - shift.columns;
    for (size_t i = 0; i < count; ++i)
      to[i] = static_cast<uint8_t>(to[i] | static_cast<uint8_t>(from[i] != 0));
  }
}

}  // namespace

ShadowHalo shadow_halo(std::span<const PixelShift> shifts) {
  ShadowHalo halo;
  for (const auto& shift : shifts) {
    halo.left = std::max(halo.left, shift.columns);
    halo.right = std::max(halo.right, -shift.columns);
    halo.top = std::max(halo.top, shift.rows);
    halo.bottom = std::max(halo.bottom, -shift.rows);
  }
  return halo;
}

void cast_shadows(const uint8_t* casting, size_t width, size_t height,
                  std::span<const PixelShift> shifts, uint8_t* shadows) {
  std::fill_n(shadows, width * height, uint8_t{0});
  for (const auto& shift : shifts)
    add_shifted(casting, static_cast<int64_t>(width), static_cast<int64_t>(height), shift, shadows);
}

ShadowHalo ray_halo(const SunRay& ray, int64_t steps) {
  const double across = ray.across * static_cast<double>(steps);
  const auto after = static_cast<int64_t>(std::ceil(std::max(0.0, across)));
  const auto before = static_cast<int64_t>(std::ceil(std::max(0.0, -across)));
  const int64_t ahead = ray.step > 0 ? steps : 0, behind = ray.step > 0 ? 0 : steps;
  return ray.along_columns ? ShadowHalo{behind, before, ahead, after}
                           : ShadowHalo{before, behind, after, ahead};
}

namespace {

// What a step of the walk looks at, as places relative to the pixel.
struct RayStep {
  ptrdiff_t first, second;  // the pixels on both sides; the same where the walk meets one
  float share;              // of the second one
  float rise;
};

std::vector<RayStep> steps_of(const SunRay& ray, int64_t steps, size_t width) {
  const auto stride = static_cast<ptrdiff_t>(width);
  std::vector<RayStep> out;
  for (int64_t k = 1; k <= steps; ++k) {
    const double across = ray.across * static_cast<double>(k);
    const double whole = std::floor(across);
    const auto share = static_cast<float>(across - whole);
    const auto along = static_cast<ptrdiff_t>(ray.step * k), beside = static_cast<ptrdiff_t>(whole);
    const ptrdiff_t first = ray.along_columns ? beside * stride + along : along * stride + beside;
    const ptrdiff_t next = ray.along_columns ? stride : 1;
    out.push_back({first, share > 0 ? first + next : first, share,
                   static_cast<float>(ray.rise * static_cast<double>(k))});
  }
  return out;
}

// Steps from which on the line to the sun is above all terrain, a metre spared for rounding.
int64_t steps_that_matter(const float* heights, size_t pixels, const SunRay& ray, int64_t steps) {
  float lowest = std::numeric_limits<float>::infinity(), highest = -lowest;
  for (size_t i = 0; i < pixels; ++i) {
    lowest = heights[i] < lowest ? heights[i] : lowest;
    highest = heights[i] > highest ? heights[i] : highest;
  }
  if (!(lowest <= highest)) return 0;
  const double most = (static_cast<double>(highest) - lowest + 1) / ray.rise;
  return most < static_cast<double>(steps) ? static_cast<int64_t>(most) + 1 : steps;
}

}  // namespace

// Plain loops over rows, which compilers turn into vectors: comparisons that keep the old value,
// so that NaN never gets in.
void terrain_shadows(const float* heights, size_t width, size_t height, const ShadowHalo& rim,
                     const SunRay& ray, int64_t steps, uint8_t* shadows) {
  const auto left = static_cast<size_t>(rim.left), top = static_cast<size_t>(rim.top);
  const size_t columns = width - left - static_cast<size_t>(rim.right);
  const size_t rows = height - top - static_cast<size_t>(rim.bottom);
  const auto walk = steps_of(ray, steps_that_matter(heights, width * height, ray, steps), width);
  std::vector<float> horizon(columns);
  for (size_t y = 0; y < rows; ++y) {
    const float* const here = heights + (top + y) * width + left;
    std::fill(horizon.begin(), horizon.end(), -std::numeric_limits<float>::infinity());
    for (const auto& step : walk) {
      const float* const first = here + step.first;
      const float* const second = here + step.second;
      for (size_t x = 0; x < columns; ++x) {
        const float ground = first[x] + (second[x] - first[x]) * step.share;
        const float above = ground - step.rise;
        horizon[x] = above > horizon[x] ? above : horizon[x];
      }
    }
    uint8_t* const out = shadows + y * columns;
    for (size_t x = 0; x < columns; ++x) out[x] = horizon[x] > here[x] ? 1 : 0;
  }
}

}  // namespace geoloom::kernels
