// SPDX-License-Identifier: Apache-2.0
// Series of several bands for the tests of kernels that weigh observations.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "kernels/kernel_test.h"
#include "kernels/observations.h"

namespace geoloom::kernels {

// Float bands that share their validity.
struct ObservedSeries {
  std::vector<Series<float>> bands;

  ObservedSeries(size_t band_count, size_t slices, size_t pixels)
      : bands(band_count, Series<float>(slices, pixels)) {
    std::fill(bands[0].valid.begin(), bands[0].valid.end(), uint8_t{1});
  }
  size_t pixels() const { return bands[0].pixels; }
  uint8_t& valid(size_t slice, size_t pixel) {
    return bands[0].valid[slice * bands[0].stride + pixel];
  }
  std::vector<StoredBand> stored() const {
    std::vector<StoredBand> out;
    for (const auto& band : bands) out.push_back({band.samples(), bands[0].validity()});
    return out;
  }
};

// Spectra that vary about those of their pixel; about a tenth are clouds, a fifth missing.
inline ObservedSeries random_spectra(size_t band_count, size_t slices, size_t pixels,
                                     unsigned seed) {
  ObservedSeries series(band_count, slices, pixels);
  std::mt19937 random(seed);
  const auto uniform = [&] { return static_cast<float>(random() % 65536) / 65536.0F; };
  for (size_t p = 0; p < pixels; ++p) {
    const float base = 0.05F + 0.3F * uniform();
    for (size_t t = 0; t < slices; ++t) {
      const float cloud = random() % 10 == 0 ? uniform() : 0.0F;
      series.valid(t, p) = random() % 5 != 0 ? 1 : 0;
      for (auto& band : series.bands) band.at(t, p) = base + 0.1F * uniform() + cloud;
    }
  }
  return series;
}

// One pixel's spectra, in as many pixels as asked for.
inline ObservedSeries series_of_spectra(const std::vector<std::vector<float>>& spectra,
                                        size_t pixels = 1) {
  ObservedSeries series(spectra.front().size(), spectra.size(), pixels);
  for (size_t t = 0; t < spectra.size(); ++t)
    for (size_t b = 0; b < series.bands.size(); ++b)
      for (size_t p = 0; p < pixels; ++p) series.bands[b].at(t, p) = spectra[t][b];
  return series;
}

}  // namespace geoloom::kernels
