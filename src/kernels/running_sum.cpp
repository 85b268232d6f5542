// SPDX-License-Identifier: Apache-2.0
#include "kernels/running_sum.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/running_sum.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Vectors of 16 bytes: lanes do not shift across the blocks of wider ones. Returns how many samples
// whole vectors held, and leaves the sum of them all in `sum`.
template <class T>
HWY_INLINE size_t sum_row([[maybe_unused]] std::byte* row, [[maybe_unused]] size_t count, T& sum) {
#if HWY_TARGET == HWY_SCALAR
  sum = 0;
  return 0;
#else
  const hn::CappedTag<T, 16 / sizeof(T)> d;
  const hn::Repartition<uint8_t, decltype(d)> bytes;
  const size_t lanes = hn::Lanes(d);
  // The bytes of the last lane, over and over.
  const auto last = hn::Or(hn::Set(bytes, static_cast<uint8_t>(16 - sizeof(T))),
                           hn::And(hn::Iota(bytes, 0), hn::Set(bytes, sizeof(T) - 1)));
  auto before = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto* at = reinterpret_cast<uint8_t*>(row) + i * sizeof(T);
    auto sums = hn::BitCast(d, hn::LoadU(bytes, at));
    sums = hn::Add(sums, hn::ShiftLeftLanes<1>(d, sums));
    if constexpr (sizeof(T) <= 4) sums = hn::Add(sums, hn::ShiftLeftLanes<2>(d, sums));
    if constexpr (sizeof(T) <= 2) sums = hn::Add(sums, hn::ShiftLeftLanes<4>(d, sums));
    if constexpr (sizeof(T) == 1) sums = hn::Add(sums, hn::ShiftLeftLanes<8>(d, sums));
    hn::StoreU(hn::BitCast(bytes, hn::Add(sums, before)), bytes, at);
    // One addition is all that a vector waits for of the one before it.
    before = hn::Add(before, hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(bytes, sums), last)));
  }
  sum = hn::GetLane(before);
  return i;
#endif
}

size_t sum8(std::byte* row, size_t count, uint8_t& sum) {
  return sum_row(row, count, sum);
}
size_t sum16(std::byte* row, size_t count, uint16_t& sum) {
  return sum_row(row, count, sum);
}
size_t sum32(std::byte* row, size_t count, uint32_t& sum) {
  return sum_row(row, count, sum);
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(sum8);
HWY_EXPORT(sum16);
HWY_EXPORT(sum32);

size_t sum(std::byte* row, size_t count, uint8_t& sum) {
  return HWY_DYNAMIC_DISPATCH(sum8)(row, count, sum);
}
size_t sum(std::byte* row, size_t count, uint16_t& sum) {
  return HWY_DYNAMIC_DISPATCH(sum16)(row, count, sum);
}
size_t sum(std::byte* row, size_t count, uint32_t& sum) {
  return HWY_DYNAMIC_DISPATCH(sum32)(row, count, sum);
}

}  // namespace

template <class T>
void reference::running_sum(std::byte* row, size_t count, T before) {
  for (size_t i = 0; i < count; ++i, row += sizeof(T)) {
    T sample;
    std::memcpy(&sample, row, sizeof(T));
    before = static_cast<T>(before + sample);
    std::memcpy(row, &before, sizeof(T));
  }
}

// The samples after the last whole vector are left to the reference.
template <class T>
void running_sum(std::byte* row, size_t count) {
  T before = 0;
  const size_t done = sum(row, count, before);
  reference::running_sum<T>(row + done * sizeof(T), count - done, before);
}

#define INSTANTIATE(T)                              \
  template void running_sum<T>(std::byte*, size_t); \
  template void reference::running_sum<T>(std::byte*, size_t, T);
INSTANTIATE(uint8_t)
INSTANTIATE(uint16_t)
INSTANTIATE(uint32_t)
#undef INSTANTIATE

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
