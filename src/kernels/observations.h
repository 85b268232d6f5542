// SPDX-License-Identifier: Apache-2.0
// Observations: all bands of one pixel at one date, taken together as a vector of physical values
// (stored * scale + offset in float, each operation rounded). What kernels that weigh whole
// spectra against each other (geomedian, medoid) read a series through.
//
// An observation counts when all of its bands are valid, finite and within the range of float. At
// most 65535 slices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "hwy/aligned_allocator.h"
#include "kernels/sample_strip.h"
#include "kernels/samples.h"

namespace geoloom::kernels {

// One band of a series as it is stored. All bands of a call have the same number of slices.
struct StoredBand {
  std::variant<Samples<uint8_t>, Samples<uint16_t>, Samples<int16_t>, Samples<float>> samples;
  Validity valid{};
  double scale = 1;
  double offset = 0;
};

size_t slices_of(std::span<const StoredBand> bands);
// Throws std::invalid_argument for no bands, too many slices, or bands of different lengths.
void check_bands(std::span<const StoredBand> bands);

// Zeros that begin with a cache line, so that no vector of a plane lies across two of them.
class AlignedFloats {
 public:
  explicit AlignedFloats(size_t size);
  float* data() { return values_.get(); }
  const float* data() const { return values_.get(); }
  size_t size() const { return size_; }

 private:
  hwy::AlignedFreeUniquePtr<float[]> values_;
  size_t size_;
};

// The observations of up to kMaxTilePixels neighbouring pixels that a kernel works on at a time, as
// planes of `stride` floats: for each kept slice first the gaps (0 where the observation counts,
// NaN where it does not), then one plane per band (0 where it does not count). Slices in which no
// pixel of the tile has an observation are left out, which under clouds are many.
struct ObservationTile {
  static constexpr size_t kMaxTilePixels = 256;

  ObservationTile(size_t slices, size_t bands);

  const float* gaps(size_t row) const { return planes.data() + row * (bands + 1) * stride; }
  float* gaps(size_t row) { return planes.data() + row * (bands + 1) * stride; }
  const float* band(size_t row, size_t b) const { return gaps(row) + (b + 1) * stride; }
  float* band(size_t row, size_t b) { return gaps(row) + (b + 1) * stride; }

  size_t bands;
  size_t pixels;  // room, a multiple of kStrip; those beyond the image have no observation
  size_t stride;
  size_t rows = 0;              // slices kept
  std::vector<uint16_t> slice;  // of each row
  AlignedFloats planes;
  std::vector<uint16_t> count;  // of each pixel: observations
};

namespace reference {

// The observations of one pixel in the order of time.
struct Observation {
  size_t slice;
  std::vector<float> values;
};
std::vector<Observation> observations_of(std::span<const StoredBand> bands, size_t pixel);

}  // namespace reference
}  // namespace geoloom::kernels
