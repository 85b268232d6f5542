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

// Where a vector of target pixels is: those without a place stay at the window's beginning.
struct PlaceVector {
  hn::Mask<DI> somewhere;
  VI phase_x, phase_y;
  VI corner;  // index of the first pixel that counts
  VI stride;  // from row to row
};

HWY_INLINE PlaceVector place_vector(const WeightedPlane& source, const AxisWeights& columns,
                                    const AxisWeights& rows, const int32_t* place_x,
                                    const int32_t* place_y) {
  const DI di;
  const VI column = hn::LoadU(di, place_x);
  const VI half = hn::Set(di, kPlaceUnits / 2), fraction = hn::Set(di, kPlaceUnits - 1);
  const VI x = hn::Sub(column, half), y = hn::Sub(hn::LoadU(di, place_y), half);
  const VI stride = hn::Set(di, static_cast<int32_t>(source.stride));
  const VI left = hn::Add(hn::ShiftRight<10>(x), hn::Set(di, columns.first));
  const VI top = hn::Add(hn::ShiftRight<10>(y), hn::Set(di, rows.first));
  PlaceVector place;
  place.somewhere = hn::Ne(column, hn::Set(di, kNowhere));
  place.phase_x = hn::IfThenElseZero(place.somewhere, hn::And(x, fraction));
  place.phase_y = hn::IfThenElseZero(place.somewhere, hn::And(y, fraction));
  place.corner = hn::IfThenElseZero(place.somewhere, hn::Add(hn::Mul(top, stride), left));
  place.stride = hn::IfThenElseZero(place.somewhere, stride);
  return place;
}

// The weighted sum, the weight of what is valid and that of all.
struct Sums {
  VF value, weight, whole;
};

template <bool kAllValid>
HWY_INLINE Sums sums_of_any(const WeightedPlane& source, const AxisWeights& columns,
                            const AxisWeights& rows, const PlaceVector& place) {
  const DF d;
  const DI di;
  const VI weights_x = hn::Mul(place.phase_x, hn::Set(di, columns.taps));
  const VI weights_y = hn::Mul(place.phase_y, hn::Set(di, rows.taps));
  const VF total_x = hn::GatherIndex(d, columns.totals.data(), place.phase_x);
  Sums sums{hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  VI row = place.corner;
  for (int32_t j = 0; j < rows.taps; ++j) {
    VF row_sum = hn::Zero(d), row_weight = hn::Zero(d);
    for (int32_t i = 0; i < columns.taps; ++i) {
      const VF w = hn::GatherIndex(d, columns.weights.data() + i, weights_x);
      row_sum = hn::Add(row_sum, hn::Mul(w, hn::GatherIndex(d, source.values + i, row)));
      if constexpr (!kAllValid)
        row_weight = hn::Add(row_weight, hn::Mul(w, hn::GatherIndex(d, source.valid + i, row)));
    }
    const VF w = hn::GatherIndex(d, rows.weights.data() + j, weights_y);
    sums.value = hn::Add(sums.value, hn::Mul(w, row_sum));
    sums.whole = hn::Add(sums.whole, hn::Mul(w, total_x));
    if constexpr (!kAllValid) sums.weight = hn::Add(sums.weight, hn::Mul(w, row_weight));
    row = hn::Add(row, place.stride);
  }
  if constexpr (kAllValid) sums.weight = sums.whole;
  return sums;
}

// The same with four columns, whose weights are looked up once for all rows.
template <bool kAllValid>
HWY_INLINE Sums sums_of_four(const WeightedPlane& source, const AxisWeights& columns,
                             const AxisWeights& rows, const PlaceVector& place) {
  const DF d;
  const DI di;
  const VI weights_x = hn::ShiftLeft<2>(place.phase_x);
  const VI weights_y = hn::Mul(place.phase_y, hn::Set(di, rows.taps));
  const float* table = columns.weights.data();
  const VF w0 = hn::GatherIndex(d, table, weights_x), w1 = hn::GatherIndex(d, table + 1, weights_x);
  const VF w2 = hn::GatherIndex(d, table + 2, weights_x);
  const VF w3 = hn::GatherIndex(d, table + 3, weights_x);
  const VF total_x = hn::GatherIndex(d, columns.totals.data(), place.phase_x);
  const auto along = [&](const float* plane, VI row) HWY_ATTR {
    // From 0, as the reference adds: -0.0 becomes 0.0.
    VF sum = hn::Add(hn::Zero(d), hn::Mul(w0, hn::GatherIndex(d, plane, row)));
    sum = hn::Add(sum, hn::Mul(w1, hn::GatherIndex(d, plane + 1, row)));
    sum = hn::Add(sum, hn::Mul(w2, hn::GatherIndex(d, plane + 2, row)));
    return hn::Add(sum, hn::Mul(w3, hn::GatherIndex(d, plane + 3, row)));
  };
  Sums sums{hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  VI row = place.corner;
  for (int32_t j = 0; j < rows.taps; ++j) {
    const VF w = hn::GatherIndex(d, rows.weights.data() + j, weights_y);
    sums.value = hn::Add(sums.value, hn::Mul(w, along(source.values, row)));
    sums.whole = hn::Add(sums.whole, hn::Mul(w, total_x));
    if constexpr (!kAllValid)
      sums.weight = hn::Add(sums.weight, hn::Mul(w, along(source.valid, row)));
    row = hn::Add(row, place.stride);
  }
  if constexpr (kAllValid) sums.weight = sums.whole;
  return sums;
}

// Two by two pixels with weights that are the phases themselves and add up to 1.
template <bool kAllValid>
HWY_INLINE Sums sums_of_linear(const WeightedPlane& source, const PlaceVector& place) {
  const DF d;
  const VF one = hn::Set(d, 1.0F), unit = hn::Set(d, 1.0F / kPlaceUnits);
  const VF right = hn::Mul(hn::ConvertTo(d, place.phase_x), unit), left = hn::Sub(one, right);
  const VF lower = hn::Mul(hn::ConvertTo(d, place.phase_y), unit), upper = hn::Sub(one, lower);
  const VI below = hn::Add(place.corner, place.stride);
  const auto along = [&](const float* plane, VI row) HWY_ATTR {
    const VF sum = hn::Add(hn::Zero(d), hn::Mul(left, hn::GatherIndex(d, plane, row)));
    return hn::Add(sum, hn::Mul(right, hn::GatherIndex(d, plane + 1, row)));
  };
  const auto both = [&](const float* plane) HWY_ATTR {
    const VF sum = hn::Add(hn::Zero(d), hn::Mul(upper, along(plane, place.corner)));
    return hn::Add(sum, hn::Mul(lower, along(plane, below)));
  };
  return {both(source.values), kAllValid ? one : both(source.valid), one};
}

enum class Taps { any, four, linear };

template <Taps kTaps, bool kAllValid, class T>
HWY_INLINE void resample_vector(const WeightedPlane& source, const AxisWeights& columns,
                                const AxisWeights& rows, const int32_t* place_x,
                                const int32_t* place_y, T* out, uint8_t* valid_out) {
  const DF d;
  const auto place = place_vector(source, columns, rows, place_x, place_y);
  Sums sums;
  if constexpr (kTaps == Taps::linear)
    sums = sums_of_linear<kAllValid>(source, place);
  else if constexpr (kTaps == Taps::four)
    sums = sums_of_four<kAllValid>(source, columns, rows, place);
  else
    sums = sums_of_any<kAllValid>(source, columns, rows, place);
  auto valid = hn::RebindMask(d, place.somewhere);
  if constexpr (!kAllValid)
    valid = hn::And(valid, hn::Ge(sums.weight, hn::Mul(sums.whole, hn::Set(d, 0.5F))));
  store<T>(hn::Div(sums.value, sums.weight), valid, out);
  store_validity(valid, valid_out);
}

// Whole vectors only; returns how many pixels that were.
template <Taps kTaps, class T>
HWY_INLINE size_t resample_with(const WeightedPlane& source, const AxisWeights& columns,
                                const AxisWeights& rows, const Places& places, T* out,
                                uint8_t* valid_out) {
  const size_t lanes = hn::Lanes(DF());
  size_t p = 0;
  for (; p + lanes <= places.pixels; p += lanes) {
    const int32_t *x = places.columns + p, *y = places.rows + p;
    if (source.valid == nullptr)
      resample_vector<kTaps, true>(source, columns, rows, x, y, out + p, valid_out + p);
    else
      resample_vector<kTaps, false>(source, columns, rows, x, y, out + p, valid_out + p);
  }
  return p;
}

template <class T>
HWY_INLINE size_t resample_vectors(const WeightedPlane& source, const AxisWeights& columns,
                                   const AxisWeights& rows, const Places& places, T* out,
                                   uint8_t* valid_out) {
  if (columns.linear && rows.linear)
    return resample_with<Taps::linear>(source, columns, rows, places, out, valid_out);
  if (columns.taps == 4)
    return resample_with<Taps::four>(source, columns, rows, places, out, valid_out);
  return resample_with<Taps::any>(source, columns, rows, places, out, valid_out);
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
