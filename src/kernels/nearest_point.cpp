// SPDX-License-Identifier: Apache-2.0
#include "kernels/nearest_point.h"

#include <limits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/nearest_point.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// One pixel per lane and four vectors of them at a time, so that a coordinate is read once for
// many pixels.
HWY_INLINE void nearest_of_four(const float* const* planes, size_t at, const PointSet& set,
                                float* nearest) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto infinite = hn::Set(d, std::numeric_limits<float>::infinity());
  auto least0 = infinite, least1 = infinite, least2 = infinite, least3 = infinite;
  const float* point = set.coordinates;
  for (size_t p = 0; p < set.points; ++p, point += set.columns) {
    auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
    for (size_t c = 0; c < set.columns; ++c) {
      const float* plane = planes[c] + at;
      const auto coordinate = hn::Set(d, point[c]);
      const auto off0 = hn::Sub(hn::LoadU(d, plane), coordinate);
      const auto off1 = hn::Sub(hn::LoadU(d, plane + lanes), coordinate);
      const auto off2 = hn::Sub(hn::LoadU(d, plane + 2 * lanes), coordinate);
      const auto off3 = hn::Sub(hn::LoadU(d, plane + 3 * lanes), coordinate);
      sum0 = hn::Add(sum0, hn::Mul(off0, off0));
      sum1 = hn::Add(sum1, hn::Mul(off1, off1));
      sum2 = hn::Add(sum2, hn::Mul(off2, off2));
      sum3 = hn::Add(sum3, hn::Mul(off3, off3));
    }
    // Where a sum is NaN the least stays, whatever Min would make of it.
    least0 = hn::IfThenElse(hn::Lt(sum0, least0), sum0, least0);
    least1 = hn::IfThenElse(hn::Lt(sum1, least1), sum1, least1);
    least2 = hn::IfThenElse(hn::Lt(sum2, least2), sum2, least2);
    least3 = hn::IfThenElse(hn::Lt(sum3, least3), sum3, least3);
  }
  hn::StoreU(least0, d, nearest);
  hn::StoreU(least1, d, nearest + lanes);
  hn::StoreU(least2, d, nearest + 2 * lanes);
  hn::StoreU(least3, d, nearest + 3 * lanes);
}

size_t nearest_rows(const float* const* planes, size_t pixels, const PointSet& set,
                    float* nearest) {
  const hn::ScalableTag<float> d;
  const size_t together = 4 * hn::Lanes(d);
  size_t i = 0;
  for (; i + together <= pixels; i += together) nearest_of_four(planes, i, set, nearest + i);
  return i;
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(nearest_rows);
}  // namespace

void nearest_point(const float* const* planes, size_t pixels, const PointSet& set, float* nearest) {
  const size_t done = HWY_DYNAMIC_DISPATCH(nearest_rows)(planes, pixels, set, nearest);
  for (size_t i = 0; i < done; ++i)
    for (size_t c = 0; c < set.columns; ++c)
      if (planes[c][i] != planes[c][i]) nearest[i] = std::numeric_limits<float>::quiet_NaN();
  // The pixels after the last whole vectors.
  std::vector<const float*> rest(planes, planes + set.columns);
  for (auto& plane : rest) plane += done;
  reference::nearest_point(rest.data(), pixels - done, set, nearest + done);
}

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
