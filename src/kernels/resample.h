// SPDX-License-Identifier: Apache-2.0
// Values of a source image at places that are not its pixel centres: the arithmetic of every warp.
//
// A target pixel is given as the place of its centre in a window of the source, in whole 1024ths of
// a source pixel counted from the window's outer corner (the first pixel's centre is at 512, 512).
// Weights are separable: a pixel of the source weighs the product of what its column and its row
// weigh, and these depend on the fraction of the place and on one scale per axis (source pixels per
// target pixel), never on the neighbours. So a target pixel is the same in every tile.
//
//   bilinear  a triangle of one source pixel to each side; wider by the scale when that is above
//             kSamePixelSize, so that every source pixel counts when pixels get larger
//   cubic     Keys' convolution with a = -1/2 (R. Keys, "Cubic convolution interpolation for
//             digital image processing", 1981), two source pixels to each side; wider as above
//   average   the share of each source pixel that lies under the target pixel, taken as a box of
//             scale x scale source pixels
//   mode      the value that fills most of that box; of equals the smallest
//   nearest   the source pixel the centre lies in
//
// Invalid source pixels, and what lies outside of the image, do not count: the rest is divided by
// the weight that is left, and the result is valid if that is at least half of the whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/samples.h"

namespace geoloom::kernels {

enum class Resampling : uint8_t { nearest, bilinear, cubic, average, mode };

inline constexpr int32_t kPlaceUnits = 1024;  // of one source pixel
// A target pixel without a place in the window.
inline constexpr int32_t kNowhere = std::numeric_limits<int32_t>::min();
// Up to this scale pixels count as equally large, and kernels keep their width.
inline constexpr double kSamePixelSize = 1.05;

// What the source's columns (or rows) weigh. With base = floor((place - 512) / 1024) and phase the
// rest, column base + first + i weighs weights[phase * taps + i].
struct AxisWeights {
  int32_t first = 0;
  int32_t taps = 0;
  // Two taps, which weigh 1 - phase / 1024 and phase / 1024.
  bool linear = false;
  std::vector<float> weights;
  // By phase: the sum of its weights, added in order.
  std::vector<float> totals;
};
// `scale` is in source pixels per target pixel, above 0. Not for nearest. Weights of average and
// mode are exact for scales of whole 1024ths.
AxisWeights axis_weights(Resampling method, double scale);

// Places of `pixels` target pixels; all columns and rows that they give weight to are in the
// window. A pixel that has none has kNowhere as its column.
struct Places {
  const int32_t* columns;
  const int32_t* rows;
  size_t pixels;
};

// A window of the source, prepared for weighted sums: 0 where invalid, beside 1 (valid) or 0.
// `valid` is null when all is valid. Rows are `stride` samples apart.
struct WeightedPlane {
  const float* values;
  const float* valid;
  size_t stride;
};
// Prepares a window; `valid` is one byte per pixel. Values that are not finite become invalid.
// Returns whether all pixels are valid.
template <class T>
bool prepare_plane(const T* pixels, const uint8_t* valid, size_t count, float* values,
                   float* valid_out);

// bilinear, cubic, average. Integers are rounded half to even and kept within the type. Sums are
// made in float32: along a row of the source, then down the rows. Invalid results are 0.
template <class T>
void resample(const WeightedPlane& source, const AxisWeights& columns, const AxisWeights& rows,
              const Places& places, T* out, uint8_t* valid_out);

// A window of the source as stored; `valid` is null when all is valid.
template <class T>
struct PixelPlane {
  const T* pixels;
  const uint8_t* valid;
  size_t stride;
};

// `columns` and `rows` are axis_weights(mode, scale).
template <class T>
void resample_mode(const PixelPlane<T>& source, const AxisWeights& columns, const AxisWeights& rows,
                   const Places& places, T* out, uint8_t* valid_out);

// `sources` are indices of pixels of the window; negative: nowhere.
template <class T>
void pick_nearest(const PixelPlane<T>& source, const int32_t* sources, size_t pixels, T* out,
                  uint8_t* valid_out);

namespace reference {

template <class T>
bool prepare_plane(const T* pixels, const uint8_t* valid, size_t count, float* values,
                   float* valid_out);
template <class T>
void resample(const WeightedPlane& source, const AxisWeights& columns, const AxisWeights& rows,
              const Places& places, T* out, uint8_t* valid_out);

}  // namespace reference
}  // namespace geoloom::kernels
