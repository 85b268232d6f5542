// SPDX-License-Identifier: Apache-2.0
// Reclassing: each pixel is replaced by what a table says for its value. Classes are looked up in a
// dense table, continuous values in intervals.
//
// There is no vector version: one load per pixel at a place the data decides is bound by memory,
// and gather instructions are not faster than plain loads.
#pragma once

#include "kernels/samples.h"

// One plane of `pixels` values. An invalid pixel stays invalid; an invalid output holds 0. Out is
// any of the pixel types. The output planes may be the input planes where the types are the same.
namespace geoloom::kernels {

// What pixels get whose value is not in the table: `value`, or invalid.
template <class Out>
struct Unlisted {
  Out value;
  bool valid;
};

// Place of a value in a dense table: 256 entries for uint8, 65536 for the others, smallest value
// first (so -32768 is at 0 for int16).
constexpr size_t table_place(uint8_t value) {
  return value;
}
constexpr size_t table_place(uint16_t value) {
  return value;
}
constexpr size_t table_place(int16_t value) {
  return static_cast<size_t>(value + 32768);
}

template <class Out>
struct DenseTable {
  const Out* value;
  const uint8_t* listed;  // 0: the value is not in the table
};

// In is uint8_t, uint16_t or int16_t.
template <class In, class Out>
void lookup(const In* in, const uint8_t* valid, size_t pixels, DenseTable<Out> table,
            Unlisted<Out> unlisted, Out* out, uint8_t* out_valid);

// `count` half-open intervals [from, to), ascending; gaps are allowed, and infinite ends are.
template <class Out>
struct Intervals {
  const float* from;
  const float* to;
  const Out* value;
  size_t count;
};

// Empty, overlapping or unsorted intervals, or NaN as an end: std::invalid_argument. As the upper
// end is open, +infinity itself is in no interval.
template <class Out>
void lookup(const float* in, const uint8_t* valid, size_t pixels, Intervals<Out> intervals,
            Unlisted<Out> unlisted, Out* out, uint8_t* out_valid);

}  // namespace geoloom::kernels
