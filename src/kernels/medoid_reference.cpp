// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/medoid.h"

namespace geoloom::kernels::reference {
namespace {

float distance(const Observation& a, const Observation& b) {
  float squares = 0;
  for (size_t i = 0; i < a.values.size(); ++i)
    squares += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
  return std::sqrt(squares);
}

}  // namespace

void medoid(std::span<const StoredBand> bands, size_t pixels, size_t min_count, uint16_t* slice,
            uint8_t* valid, uint16_t* count) {
  check_bands(bands);
  for (size_t p = 0; p < pixels; ++p) {
    const auto observations = observations_of(bands, p);
    const size_t n = observations.size();
    if (count != nullptr) count[p] = static_cast<uint16_t>(n);
    valid[p] = n >= std::max<size_t>(min_count, 1) ? 1 : 0;
    slice[p] = 0;
    double least = 0;
    for (size_t i = 0; i < n && valid[p] != 0; ++i) {
      double sum = 0;
      for (size_t j = 0; j < n; ++j)
        sum += i == j ? 0.0 : static_cast<double>(distance(observations[i], observations[j]));
      if (i > 0 && !(sum < least)) continue;
      least = sum;
      slice[p] = static_cast<uint16_t>(observations[i].slice);
    }
  }
}

}  // namespace geoloom::kernels::reference
