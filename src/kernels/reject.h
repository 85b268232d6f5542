// SPDX-License-Identifier: Apache-2.0
// Taking samples out of a series by their value: nodata, saturated or filled bands, classes of a
// mask. These kernels only ever clear validity bytes; they never set one.
#pragma once

#include "kernels/samples.h"

// One slice at a time: `bands`, `classes`, `data` and `valid_inout` are planes of `pixels` values.
// Values are compared by ==, so -0.0 is 0.0, and NaN is equal to nothing. T is one of the pixel
// types. `valid_inout` must not overlap the other planes.
namespace geoloom::kernels {

// Clears pixels where at least one of the bands equals at least one of the values.
template <class T>
void reject_any_band_in(const T* const* bands, size_t band_count, const T* values,
                        size_t value_count, size_t pixels, uint8_t* valid_inout);

// Clears pixels whose class is not listed (listed_are_kept) or is listed (otherwise).
template <class T>
void apply_class_mask(const T* classes, size_t pixels, const T* listed, size_t listed_count,
                      bool listed_are_kept, uint8_t* valid_inout);

// Clears pixels that equal nodata and, for float, those that are NaN. A nodata of NaN is allowed.
template <class T>
void invalidate_value(const T* data, T nodata, size_t pixels, uint8_t* valid_inout);

namespace reference {

template <class T>
void reject_any_band_in(const T* const* bands, size_t band_count, const T* values,
                        size_t value_count, size_t pixels, uint8_t* valid_inout);
template <class T>
void apply_class_mask(const T* classes, size_t pixels, const T* listed, size_t listed_count,
                      bool listed_are_kept, uint8_t* valid_inout);
template <class T>
void invalidate_value(const T* data, T nodata, size_t pixels, uint8_t* valid_inout);

}  // namespace reference
}  // namespace geoloom::kernels
