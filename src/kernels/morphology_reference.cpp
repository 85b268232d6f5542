// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <vector>

#include "kernels/morphology.h"

namespace geoloom::kernels::reference {
namespace {

struct Grown {
  int64_t width, height;
  std::vector<uint8_t> pixels;
  bool at(int64_t x, int64_t y) const {
    return x >= 0 && y >= 0 && x < width && y < height &&
           pixels[static_cast<size_t>(y * width + x)] != 0;
  }
};

// `wanted` within reach makes `wanted`: dilation of what is set, or of what is clear.
Grown spread(const Grown& in, const Disk& disk, bool wanted) {
  Grown out = in;
  for (int64_t y = 0; y < in.height; ++y) {
    for (int64_t x = 0; x < in.width; ++x) {
      bool found = false;
      for (int64_t dy = -disk.reach_y(); dy <= disk.reach_y(); ++dy) {
        const int64_t half = disk.half_widths[static_cast<size_t>(std::abs(dy))];
        for (int64_t dx = -half; dx <= half; ++dx) found = found || in.at(x + dx, y + dy) == wanted;
      }
      if (found) out.pixels[static_cast<size_t>(y * in.width + x)] = wanted ? 1 : 0;
    }
  }
  return out;
}

}  // namespace

void clean_mask(uint8_t* mask, size_t width, size_t height, std::span<const CleaningStep> steps) {
  const auto halo = cleaning_halo(steps);
  const auto w = static_cast<int64_t>(width), h = static_cast<int64_t>(height);
  Grown plane{w + 2 * halo.columns, h + 2 * halo.rows, {}};
  plane.pixels.resize(static_cast<size_t>(plane.width * plane.height));
  const auto place = [&](int64_t x, int64_t y) {
    return static_cast<size_t>((y + halo.rows) * plane.width + x + halo.columns);
  };
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x) plane.pixels[place(x, y)] = mask[y * w + x] != 0 ? 1 : 0;
  for (const auto& step : steps) {
    if (step.operation == Morphology::erode || step.operation == Morphology::open)
      plane = spread(plane, step.disk, false);
    if (step.operation != Morphology::erode) plane = spread(plane, step.disk, true);
    if (step.operation == Morphology::close) plane = spread(plane, step.disk, false);
  }
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x) mask[y * w + x] = plane.pixels[place(x, y)];
}

}  // namespace geoloom::kernels::reference
