// SPDX-License-Identifier: Apache-2.0
#include "kernels/mask_rules.h"

namespace geoloom::kernels {
namespace {

void set_where(bool condition, uint8_t& unusable) {
  unusable = static_cast<uint8_t>(unusable | static_cast<uint8_t>(condition));
}

}  // namespace

template <class T>
void mask_bits(const T* samples, size_t pixels, uint16_t set, uint16_t clear, uint8_t* unusable) {
  for (size_t i = 0; i < pixels; ++i) {
    const auto bits = static_cast<uint16_t>(samples[i]);
    set_where((bits & set) != 0 || (bits & clear) != clear, unusable[i]);
  }
}

template <class T>
void mask_field(const T* samples, size_t pixels, int shift, int count, uint64_t listed,
                bool listed_are_kept, uint8_t* unusable) {
  const unsigned field = (1U << count) - 1;
  for (size_t i = 0; i < pixels; ++i) {
    const unsigned number = (static_cast<uint16_t>(samples[i]) >> shift) & field;
    set_where(((listed >> number & 1) != 0) != listed_are_kept, unusable[i]);
  }
}

template <class T>
void mask_range(const T* samples, size_t pixels, double lowest, double highest, uint8_t* unusable) {
  for (size_t i = 0; i < pixels; ++i) {
    const auto value = static_cast<double>(samples[i]);
    set_where(value >= lowest && value <= highest, unusable[i]);
  }
}

template <class T>
void mask_outside(const T* samples, size_t pixels, double lowest, double highest,
                  uint8_t* unusable) {
  for (size_t i = 0; i < pixels; ++i) {
    const auto value = static_cast<double>(samples[i]);
    set_where(value < lowest || value > highest, unusable[i]);
  }
}

#define INSTANTIATE(T, suffix)                                             \
  template void mask_range<T>(const T*, size_t, double, double, uint8_t*); \
  template void mask_outside<T>(const T*, size_t, double, double, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

#define INSTANTIATE(T)                                                        \
  template void mask_bits<T>(const T*, size_t, uint16_t, uint16_t, uint8_t*); \
  template void mask_field<T>(const T*, size_t, int, int, uint64_t, bool, uint8_t*);
INSTANTIATE(uint8_t)
INSTANTIATE(uint16_t)
INSTANTIATE(int16_t)
#undef INSTANTIATE

}  // namespace geoloom::kernels
