// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/resample.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<DF>;
using VF = hn::Vec<DF>;
using VI = hn::Vec<DI>;

// Rounded half to even and kept within the type; the range is cut first, so that no conversion
// overflows.
template <class T>
HWY_INLINE void store(VF value, hn::Mask<DF> valid, T* out) {
  const DF d;
  const VF kept = hn::IfThenElseZero(valid, value);
  if constexpr (std::is_same_v<T, float>) {
    hn::StoreU(kept, d, out);
  } else {
    const VF lowest = hn::Set(d, std::numeric_limits<T>::lowest());
    const VF highest = hn::Set(d, std::numeric_limits<T>::max());
    const VI whole = hn::NearestInt(hn::Min(hn::Max(kept, lowest), highest));
    const hn::Rebind<T, DF> to;
    hn::StoreU(hn::DemoteTo(to, whole), to, out);
  }
}

HWY_INLINE void store_validity(hn::Mask<DF> valid, uint8_t* out) {
  const DI di;
  const hn::Rebind<uint8_t, DF> to;
  const VI ones = hn::IfThenElseZero(hn::RebindMask(di, valid), hn::Set(di, 1));
  hn::StoreU(hn::DemoteTo(to, ones), to, out);
}

// A vector of target pixels; those without a place read what lies at the window's beginning.
template <bool kAllValid, class T>
HWY_INLINE void resample_vector(const WeightedPlane& source, const AxisWeights& columns,
                                const AxisWeights& rows, const int32_t* place_x,
                                const int32_t* place_y, T* out, uint8_t* valid_out) {
  const DF d;
  const DI di;
  const VI column = hn::LoadU(di, place_x);
  const auto somewhere = hn::Ne(column, hn::Set(di, kNowhere));
  const VI half = hn::Set(di, kPlaceUnits / 2), fraction = hn::Set(di, kPlaceUnits - 1);
  const VI x = hn::Sub(column, half), y = hn::Sub(hn::LoadU(di, place_y), half);
  const VI phase_x = hn::IfThenElseZero(somewhere, hn::And(x, fraction));
  const VI phase_y = hn::IfThenElseZero(somewhere, hn::And(y, fraction));
  const VI left = hn::Add(hn::ShiftRight<10>(x), hn::Set(di, columns.first));
  const VI top = hn::Add(hn::ShiftRight<10>(y), hn::Set(di, rows.first));
  const VI stride = hn::Set(di, static_cast<int32_t>(source.stride));
  VI row = hn::IfThenElseZero(somewhere, hn::Add(hn::Mul(top, stride), left));
  const VI weights_x = hn::Mul(phase_x, hn::Set(di, columns.taps));
  const VI weights_y = hn::Mul(phase_y, hn::Set(di, rows.taps));
  const VF total_x = hn::GatherIndex(d, columns.totals.data(), phase_x);
  VF sum = hn::Zero(d), weight = hn::Zero(d), whole = hn::Zero(d);
  for (int32_t j = 0; j < rows.taps; ++j) {
    VF row_sum = hn::Zero(d), row_weight = hn::Zero(d);
    for (int32_t i = 0; i < columns.taps; ++i) {
      const VF w = hn::GatherIndex(d, columns.weights.data() + i, weights_x);
      row_sum = hn::Add(row_sum, hn::Mul(w, hn::GatherIndex(d, source.values + i, row)));
      if constexpr (!kAllValid)
        row_weight = hn::Add(row_weight, hn::Mul(w, hn::GatherIndex(d, source.valid + i, row)));
    }
    const VF w = hn::GatherIndex(d, rows.weights.data() + j, weights_y);
    sum = hn::Add(sum, hn::Mul(w, row_sum));
    whole = hn::Add(whole, hn::Mul(w, total_x));
    if constexpr (!kAllValid) weight = hn::Add(weight, hn::Mul(w, row_weight));
    row = hn::Add(row, hn::IfThenElseZero(somewhere, stride));
  }
  if constexpr (kAllValid) weight = whole;
  const auto valid =
      hn::And(hn::RebindMask(d, somewhere), hn::Ge(weight, hn::Mul(whole, hn::Set(d, 0.5F))));
  store<T>(hn::Div(sum, weight), valid, out);
  store_validity(valid, valid_out);
}

// Whole vectors only; returns how many pixels that were.
template <class T>
HWY_INLINE size_t resample_vectors(const WeightedPlane& source, const AxisWeights& columns,
                                   const AxisWeights& rows, const Places& places, T* out,
                                   uint8_t* valid_out) {
  const size_t lanes = hn::Lanes(DF());
  size_t p = 0;
  for (; p + lanes <= places.pixels; p += lanes) {
    if (source.valid == nullptr)
      resample_vector<true>(source, columns, rows, places.columns + p, places.rows + p, out + p,
                            valid_out + p);
    else
      resample_vector<false>(source, columns, rows, places.columns + p, places.rows + p, out + p,
                             valid_out + p);
  }
  return p;
}

#define DEFINE(T, suffix)                                                           \
  size_t resample_##suffix(const WeightedPlane& source, const AxisWeights& columns, \
                           const AxisWeights& rows, const Places& places, T* out,   \
                           uint8_t* valid_out) {                                    \
    return resample_vectors(source, columns, rows, places, out, valid_out);         \
  }
GEOLOOM_FOR_PIXEL_TYPES(DEFINE)
#undef DEFINE

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
// The pixels after the last whole vector are left to the reference.
namespace geoloom::kernels {
namespace {

#define EXPORT(T, suffix)                                                                          \
  HWY_EXPORT(resample_##suffix);                                                                   \
  size_t vectors(const WeightedPlane& source, const AxisWeights& columns, const AxisWeights& rows, \
                 const Places& places, T* out, uint8_t* valid_out) {                               \
    return HWY_DYNAMIC_DISPATCH(resample_##suffix)(source, columns, rows, places, out, valid_out); \
  }
GEOLOOM_FOR_PIXEL_TYPES(EXPORT)
#undef EXPORT

}  // namespace

template <class T>
bool prepare_plane(const T* pixels, const uint8_t* valid, size_t count, float* values,
                   float* valid_out) {
  return reference::prepare_plane(pixels, valid, count, values, valid_out);
}

template <class T>
void resample(const WeightedPlane& source, const AxisWeights& columns, const AxisWeights& rows,
              const Places& places, T* out, uint8_t* valid_out) {
  const size_t done = vectors(source, columns, rows, places, out, valid_out);
  reference::resample(source, columns, rows,
                      {places.columns + done, places.rows + done, places.pixels - done}, out + done,
                      valid_out + done);
}

#define INSTANTIATE(T, suffix)                                                            \
  template bool prepare_plane<T>(const T*, const uint8_t*, size_t, float*, float*);       \
  template void resample<T>(const WeightedPlane&, const AxisWeights&, const AxisWeights&, \
                            const Places&, T*, uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
#undef INSTANTIATE

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
