// SPDX-License-Identifier: Apache-2.0
#include "kernels/lookup.h"

#include <algorithm>
#include <stdexcept>

namespace geoloom::kernels {
namespace {

template <class Out>
void check(const Intervals<Out>& intervals) {
  for (size_t i = 0; i < intervals.count; ++i) {
    // Written so that NaN fails.
    const bool ordered = intervals.from[i] < intervals.to[i];
    const bool apart = i == 0 || intervals.to[i - 1] <= intervals.from[i];
    if (!ordered || !apart)
      throw std::invalid_argument("lookup: intervals must be ascending and not overlap");
  }
}

}  // namespace

template <class In, class Out>
void lookup(const In* in, const uint8_t* valid, size_t pixels, DenseTable<Out> table,
            Unlisted<Out> unlisted, Out* out, uint8_t* out_valid) {
  for (size_t p = 0; p < pixels; ++p) {
    const size_t place = table_place(in[p]);
    const bool listed = table.listed[place] != 0;
    const bool has_value = valid[p] != 0 && (listed || unlisted.valid);
    const Out value = listed ? table.value[place] : unlisted.value;
    out[p] = has_value ? value : Out{0};
    out_valid[p] = has_value ? 1 : 0;
  }
}

template <class Out>
void lookup(const float* in, const uint8_t* valid, size_t pixels, Intervals<Out> intervals,
            Unlisted<Out> unlisted, Out* out, uint8_t* out_valid) {
  check(intervals);
  const float* ends = intervals.from + intervals.count;
  for (size_t p = 0; p < pixels; ++p) {
    bool has_value = valid[p] != 0;
    Out value{0};
    if (has_value) {
      // The last interval that begins at or before the value is the only one that can hold it.
      const auto after = std::upper_bound(intervals.from, ends, in[p]) - intervals.from;
      const bool listed = after > 0 && in[p] < intervals.to[after - 1];
      has_value = listed || unlisted.valid;
      if (has_value) value = listed ? intervals.value[after - 1] : unlisted.value;
    }
    out[p] = value;
    out_valid[p] = has_value ? 1 : 0;
  }
}

#define INSTANTIATE_IN(In, Out)                                                                    \
  template void lookup<In, Out>(const In*, const uint8_t*, size_t, DenseTable<Out>, Unlisted<Out>, \
                                Out*, uint8_t*);
#define INSTANTIATE(Out, suffix)                                                                 \
  INSTANTIATE_IN(uint8_t, Out)                                                                   \
  INSTANTIATE_IN(uint16_t, Out)                                                                  \
  INSTANTIATE_IN(int16_t, Out)                                                                   \
  template void lookup<Out>(const float*, const uint8_t*, size_t, Intervals<Out>, Unlisted<Out>, \
                            Out*, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE
#undef INSTANTIATE_IN

}  // namespace geoloom::kernels
