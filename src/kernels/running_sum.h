// SPDX-License-Identifier: Apache-2.0
// Samples from the differences between neighbours: what undoes the horizontal predictor of
// TIFF 6.0, section 14.
#pragma once

#include <cstddef>
#include <cstdint>

namespace geoloom::kernels {

// Each of `count` samples becomes the sum of itself and all before it, modulo 2^bits. T is uint8_t,
// uint16_t or uint32_t, in the machine's byte order; `row` need not be aligned.
template <class T>
void running_sum(std::byte* row, size_t count);

namespace reference {

template <class T>
void running_sum(std::byte* row, size_t count, T before = 0);

}  // namespace reference
}  // namespace geoloom::kernels
