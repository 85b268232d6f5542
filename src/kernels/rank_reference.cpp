// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <compare>
#include <stdexcept>
#include <vector>

#include "kernels/rank.h"

namespace geoloom::kernels::reference {
namespace {

// answer(x) gives the result for the sorted, not empty, valid samples of a pixel.
template <class T, class Out, class Answer>
void for_each_pixel(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, Out* out,
                    uint8_t* out_valid, Answer answer) {
  if (samples.slices > 65535) throw std::invalid_argument("rank: at most 65535 slices");
  std::vector<T> x;
  for (size_t p = 0; p < pixels; ++p) {
    x.clear();
    for (size_t t = 0; t < samples.slices; ++t) {
      if (valid.data[t * valid.slice_stride + p] != 0)
        x.push_back(samples.data[t * samples.slice_stride + p]);
    }
    std::sort(x.begin(), x.end(), [](T a, T b) { return std::strong_order(a, b) < 0; });
    const Out result = x.empty() || x.size() < min_count ? Out{} : answer(x);
    const bool has_value = !x.empty() && x.size() >= min_count && result == result;
    out[p] = has_value ? result : Out{};
    out_valid[p] = has_value ? 1 : 0;
  }
}

void check_quantile(double q) {
  if (!(q >= 0 && q <= 1)) throw std::invalid_argument("rank: a quantile lies in 0..1");
}

}  // namespace

template <class T>
void median_lower(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid) {
  for_each_pixel(samples, valid, pixels, min_count, out, out_valid,
                 [](const std::vector<T>& x) { return x[(x.size() - 1) / 2]; });
}

template <class T>
void median_upper(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, T* out,
                  uint8_t* out_valid) {
  for_each_pixel(samples, valid, pixels, min_count, out, out_valid,
                 [](const std::vector<T>& x) { return x[x.size() / 2]; });
}

template <class T>
void median_mean(Samples<T> samples, Validity valid, size_t pixels, size_t min_count, Mixed<T>* out,
                 uint8_t* out_valid) {
  for_each_pixel(samples, valid, pixels, min_count, out, out_valid, [](const std::vector<T>& x) {
    const size_t m = x.size();
    if (m % 2 == 1) return static_cast<Mixed<T>>(x[m / 2]);
    return static_cast<Mixed<T>>((static_cast<double>(x[m / 2 - 1]) + x[m / 2]) / 2);
  });
}

template <class T>
void quantile_nearest(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                      T* out, uint8_t* out_valid) {
  check_quantile(q);
  for_each_pixel(samples, valid, pixels, min_count, out, out_valid, [q](const std::vector<T>& x) {
    const double place = std::ceil(q * static_cast<double>(x.size()));
    return x[place < 1 ? 0 : static_cast<size_t>(place) - 1];
  });
}

template <class T>
void quantile_rounded(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                      T* out, uint8_t* out_valid) {
  check_quantile(q);
  for_each_pixel(samples, valid, pixels, min_count, out, out_valid, [q](const std::vector<T>& x) {
    return x[static_cast<size_t>(std::nearbyint(q * static_cast<double>(x.size() - 1)))];
  });
}

template <class T>
void quantile_linear(Samples<T> samples, Validity valid, size_t pixels, double q, size_t min_count,
                     Mixed<T>* out, uint8_t* out_valid) {
  check_quantile(q);
  for_each_pixel(samples, valid, pixels, min_count, out, out_valid, [q](const std::vector<T>& x) {
    const double h = static_cast<double>(x.size() - 1) * q;
    const size_t i = static_cast<size_t>(h);
    const double part = h - static_cast<double>(i);
    if (part == 0 || x[i] == x[i + 1]) return static_cast<Mixed<T>>(x[i]);
    const double low = x[i], high = x[i + 1];
    if (std::isinf(low) && !std::isinf(high)) return static_cast<Mixed<T>>(low);
    return static_cast<Mixed<T>>(low + part * (high - low));
  });
}

#define INSTANTIATE(T, suffix)                                                                   \
  template void median_lower<T>(Samples<T>, Validity, size_t, size_t, T*, uint8_t*);             \
  template void median_upper<T>(Samples<T>, Validity, size_t, size_t, T*, uint8_t*);             \
  template void median_mean<T>(Samples<T>, Validity, size_t, size_t, Mixed<T>*, uint8_t*);       \
  template void quantile_nearest<T>(Samples<T>, Validity, size_t, double, size_t, T*, uint8_t*); \
  template void quantile_rounded<T>(Samples<T>, Validity, size_t, double, size_t, T*, uint8_t*); \
  template void quantile_linear<T>(Samples<T>, Validity, size_t, double, size_t, Mixed<T>*,      \
                                   uint8_t*);
GEOLOOM_FOR_PIXEL_TYPES(INSTANTIATE)
INSTANTIATE(double, f64)
#undef INSTANTIATE

}  // namespace geoloom::kernels::reference
