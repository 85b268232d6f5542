// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/reject.h"

namespace geoloom::kernels::reference {

template <class T>
void reject_any_band_in(const T* const* bands, size_t band_count, const T* values,
                        size_t value_count, size_t pixels, uint8_t* valid_inout) {
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t b = 0; b < band_count; ++b) {
      if (std::find(values, values + value_count, bands[b][p]) != values + value_count)
        valid_inout[p] = 0;
    }
  }
}

template <class T>
void apply_class_mask(const T* classes, size_t pixels, const T* listed, size_t listed_count,
                      bool listed_are_kept, uint8_t* valid_inout) {
  for (size_t p = 0; p < pixels; ++p) {
    const bool is_listed =
        std::find(listed, listed + listed_count, classes[p]) != listed + listed_count;
    if (is_listed != listed_are_kept) valid_inout[p] = 0;
  }
}

template <class T>
void invalidate_value(const T* data, T nodata, size_t pixels, uint8_t* valid_inout) {
  for (size_t p = 0; p < pixels; ++p) {
    // Only NaN differs from itself.
    if (data[p] == nodata || data[p] != data[p]) valid_inout[p] = 0;
  }
}

#define INSTANTIATE(T, suffix)                                                           \
  template void reject_any_band_in<T>(const T* const*, size_t, const T*, size_t, size_t, \
                                      uint8_t*);                                         \
  template void apply_class_mask<T>(const T*, size_t, const T*, size_t, bool, uint8_t*); \
  template void invalidate_value<T>(const T*, T, size_t, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels::reference
