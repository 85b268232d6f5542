// SPDX-License-Identifier: Apache-2.0
#include "ops/load/show_through.h"

#include <vector>

namespace geoloom::ops {
namespace {

void copy_pixels(const raster::Block& below, raster::Block& block, size_t slice, size_t band,
                 const std::vector<size_t>& pixels) {
  raster::visit(block.type(band), [&]<class T>(T) {
    const auto from = below.plane<T>(band, 0);
    const auto to = block.plane<T>(band, slice);
    for (const size_t i : pixels) to[i] = from[i];
  });
}

}  // namespace

void show_through(const raster::Block& below, raster::Block& block, size_t slice) {
  const bool per_band = block.validity_per_band();
  std::vector<size_t> taken;
  for (size_t band = 0; band < block.bands(); ++band) {
    if (band == 0 || per_band) {
      const auto valid = block.validity(slice, band);
      const auto other = below.validity(0, band);
      taken.clear();
      for (size_t i = 0; i < valid.size(); ++i) {
        if (valid[i] != 0 || other[i] == 0) continue;
        taken.push_back(i);
        valid[i] = 1;
      }
    }
    copy_pixels(below, block, slice, band, taken);
  }
}

}  // namespace geoloom::ops
