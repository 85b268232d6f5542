// SPDX-License-Identifier: Apache-2.0
// Planes of validity: one byte for each pixel, 1 where it is valid and 0 where it is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace geoloom::kernels {

// Leaves valid what is valid in both planes. They must not overlap.
inline void keep_where(const uint8_t* also, size_t pixels, uint8_t* valid_inout) {
  // By words, as compilers do not know that the planes do not overlap.
  size_t p = 0;
  for (; p + sizeof(uint64_t) <= pixels; p += sizeof(uint64_t)) {
    uint64_t both, other;
    std::memcpy(&both, valid_inout + p, sizeof both);
    std::memcpy(&other, also + p, sizeof other);
    both &= other;
    std::memcpy(valid_inout + p, &both, sizeof both);
  }
  for (; p < pixels; ++p) valid_inout[p] &= also[p];
}

}  // namespace geoloom::kernels
