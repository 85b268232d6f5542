// SPDX-License-Identifier: Apache-2.0
// Physical values of stored ones, and which results of arithmetic on them are numbers. Arrays do
// not overlap.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/samples.h"

namespace geoloom::kernels {

// to[i] = from[i] * scale + offset in float, each operation rounded.
template <class T>
void physical_values(const T* from, size_t pixels, float scale, float offset, float* to);

enum class Numbers { finite, finite_or_infinite };

// valid[i] becomes 0 where values[i] is no such number, and stays what it was elsewhere.
void keep_numbers(const float* values, size_t pixels, Numbers kept, uint8_t* valid);

namespace reference {
template <class T>
void physical_values(const T* from, size_t pixels, float scale, float offset, float* to);
void keep_numbers(const float* values, size_t pixels, Numbers kept, uint8_t* valid);
}  // namespace reference

}  // namespace geoloom::kernels
