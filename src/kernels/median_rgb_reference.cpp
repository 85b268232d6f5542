// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/median_rgb.h"

namespace geoloom::kernels::reference {

void median_rgb(Samples<uint8_t> red, Samples<uint8_t> green, Samples<uint8_t> blue, Validity valid,
                size_t pixels, uint8_t* out_red, uint8_t* out_green, uint8_t* out_blue,
                uint8_t* out_valid) {
  if (red.slices > 65535 || red.slices != green.slices || red.slices != blue.slices)
    throw std::invalid_argument("median_rgb: three bands of at most 65535 slices each");
  std::vector<std::pair<int, size_t>> ranked;  // key and slice
  for (size_t p = 0; p < pixels; ++p) {
    ranked.clear();
    for (size_t t = 0; t < red.slices; ++t) {
      if (valid.data[t * valid.slice_stride + p] == 0) continue;
      ranked.emplace_back(red.data[t * red.slice_stride + p] +
                              green.data[t * green.slice_stride + p] +
                              blue.data[t * blue.slice_stride + p],
                          t);
    }
    out_valid[p] = ranked.empty() ? 0 : 1;
    out_red[p] = out_green[p] = out_blue[p] = 0;
    if (ranked.empty()) continue;
    std::sort(ranked.begin(), ranked.end());
    const size_t t = ranked[ranked.size() / 2].second;
    out_red[p] = red.data[t * red.slice_stride + p];
    out_green[p] = green.data[t * green.slice_stride + p];
    out_blue[p] = blue.data[t * blue.slice_stride + p];
  }
}

}  // namespace geoloom::kernels::reference
