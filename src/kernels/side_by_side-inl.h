// SPDX-License-Identifier: Apache-2.0
// Equations of kSide pixels that are solved together: numbers of a kind lie side by side, in rows
// of kSide doubles. Included once per CPU target by the kernels that solve them.

#ifndef GEOLOOM_KERNELS_SIDE_BY_SIDE_ONCE
#define GEOLOOM_KERNELS_SIDE_BY_SIDE_ONCE
#include <cstddef>

namespace geoloom::kernels {
inline constexpr size_t kSide = 16;
}  // namespace geoloom::kernels
#endif

// Highway includes this file once per target, so the guard flips each time.
#if defined(GEOLOOM_KERNELS_SIDE_BY_SIDE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GEOLOOM_KERNELS_SIDE_BY_SIDE_INL_H
#undef GEOLOOM_KERNELS_SIDE_BY_SIDE_INL_H
#else
#define GEOLOOM_KERNELS_SIDE_BY_SIDE_INL_H
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::CappedTag<double, kSide>;

// to -= a * b
HWY_INLINE void take_products(const double* a, const double* b, double* to) {
  const Lanes d;
  for (size_t i = 0; i < kSide; i += hn::Lanes(d)) {
    const auto product = hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    hn::StoreU(hn::Sub(hn::LoadU(d, to + i), product), d, to + i);
  }
}

// to -= a * b * c
HWY_INLINE void take_products(const double* a, const double* b, const double* c, double* to) {
  const Lanes d;
  for (size_t i = 0; i < kSide; i += hn::Lanes(d)) {
    const auto product =
        hn::Mul(hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), hn::LoadU(d, c + i));
    hn::StoreU(hn::Sub(hn::LoadU(d, to + i), product), d, to + i);
  }
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
