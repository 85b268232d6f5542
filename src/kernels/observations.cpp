// SPDX-License-Identifier: Apache-2.0
#include "kernels/observations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>

namespace geoloom::kernels {
namespace {

// A tile is visited many times over; it should stay in the caches beside a copy of itself.
constexpr size_t kTileBytes = 1024 * 1024;
// So that the planes of a tile do not fall on the same few cache sets: with whole strips alone, the
// samples of one vector of pixels would not stay in the first-level cache.
constexpr size_t kPadding = 16;

size_t pixels_of_tile(size_t slices, size_t bands) {
  const size_t bytes = std::max<size_t>(slices * (bands + 1) * sizeof(float), 1);
  return std::clamp(kTileBytes / bytes / kStrip * kStrip, kStrip, ObservationTile::kMaxTilePixels);
}

}  // namespace

size_t slices_of(std::span<const StoredBand> bands) {
  return std::visit([](const auto& samples) { return samples.slices; }, bands.front().samples);
}

void check_bands(std::span<const StoredBand> bands) {
  if (bands.empty()) throw std::invalid_argument("observations: no bands");
  if (slices_of(bands) > kMaxSlices)
    throw std::invalid_argument("observations: at most 65535 slices");
  for (size_t b = 1; b < bands.size(); ++b)
    if (slices_of(bands.subspan(b)) != slices_of(bands))
      throw std::invalid_argument("observations: bands of different lengths");
}

AlignedFloats::AlignedFloats(size_t size)
    : values_(hwy::AllocateAligned<float>(size)), size_(size) {
  if (values_ == nullptr) throw std::bad_alloc();
  std::fill_n(values_.get(), size, 0.0F);
}

ObservationTile::ObservationTile(size_t slices, size_t band_count)
    : bands(band_count),
      pixels(pixels_of_tile(slices, band_count)),
      stride(pixels + kPadding),
      slice(slices),
      planes(slices * (band_count + 1) * stride + kStrip),
      count(pixels) {}

namespace reference {

std::vector<Observation> observations_of(std::span<const StoredBand> bands, size_t pixel) {
  std::vector<Observation> out;
  for (size_t t = 0; t < slices_of(bands); ++t) {
    Observation observation{t, {}};
    bool counts = true;
    for (const auto& band : bands) {
      counts = counts && band.valid.data[t * band.valid.slice_stride + pixel] != 0;
      if (!counts) break;
      const float stored = std::visit(
          [&](const auto& s) { return static_cast<float>(s.data[t * s.slice_stride + pixel]); },
          band.samples);
      const float value = stored * static_cast<float>(band.scale) + static_cast<float>(band.offset);
      counts = std::abs(value) <= std::numeric_limits<float>::max();
      observation.values.push_back(value);
    }
    if (counts) out.push_back(std::move(observation));
  }
  return out;
}

}  // namespace reference
}  // namespace geoloom::kernels
