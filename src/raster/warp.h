// SPDX-License-Identifier: Apache-2.0
// From an image of any CRS and pixel size onto a target grid. Whoever warps asks which window of
// the source is needed for a window of the target, reads it, takes out what it does not trust, and
// gets the target's pixels. The result of a pixel depends on the two grids, the coordinate
// operation and the scale alone: a warp in tiles of any size equals the warp of the whole, byte for
// byte.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "geo/pixel_mapping.h"
#include "kernels/resample.h"
#include "raster/cube.h"

namespace geoloom::raster {

using kernels::Resampling;                 // its rules are in kernels/resample.h
std::string_view name(Resampling method);  // "nearest" ...
std::optional<Resampling> resampling_of(std::string_view name);  // nullopt: no such method
inline bool is_weighted(Resampling method) {                     // makes new values
  return method != Resampling::nearest && method != Resampling::mode;
}

// The geometry of one source image and one target grid. Cheap to make; an immutable value.
class Warp {
 public:
  // `operation` goes from the target's CRS to the source's; `scale` as geo::PixelMapping::scale()
  // told when both were fixed. `source` is the grid of the whole image.
  Warp(const geo::Grid& target, const geo::Grid& source, const geo::CoordinateOperation& operation,
       const geo::PixelScale& scale);

  const geo::PixelMapping& mapping() const { return mapping_; }
  const geo::Window& image() const { return image_; }
  const geo::PixelScale& scale() const { return scale_; }

  // The window of the source that a window of the target needs, roughly, cut at the image's edges.
  // Empty when it needs none.
  geo::Window rough_source_window(const geo::Window& target) const;
  // Parts of a target window, each of which needs about `source_pixels` at most.
  std::vector<geo::Window> parts(const geo::Window& target, int64_t source_pixels) const;

 private:
  geo::PixelMapping mapping_;
  geo::Window image_;
  geo::PixelScale scale_;
};

// What resample() works in, kept from call to call; only ever grows.
struct ResampleScratch {
  std::unique_ptr<float[]> numbers;
  size_t count = 0;
};

// Where the pixels of one target window lie in the source.
class WarpedWindow {
 public:
  // `methods` are those that resample() will be called with.
  WarpedWindow(const Warp& warp, const geo::Window& target, std::span<const Resampling> methods);

  // What resample() needs of the source: may reach over the image's edges, where nothing is valid.
  // Empty when no pixel of the target lies on the image.
  const geo::Window& source() const { return source_; }
  size_t target_pixels() const { return target_pixels_; }

  // values: source().pixels() values of a type; valid: a byte each. Writes the target's values and
  // validity (0 or 1); what is not valid becomes 0. Nothing is read when source() is empty.
  void resample(Resampling method, PixelType type, const void* values, const uint8_t* valid,
                void* out, uint8_t* valid_out, ResampleScratch& scratch) const;

 private:
  template <class T>
  void resample_as(Resampling method, const T* values, const uint8_t* valid, T* out,
                   uint8_t* valid_out, ResampleScratch& scratch) const;
  void place_nearest(const geo::PixelPositions& positions);
  void place_weighted(const geo::PixelPositions& positions);
  geo::Window needed(const geo::PixelPositions& positions) const;

  geo::Window image_, source_;
  geo::PixelScale scale_;
  size_t target_pixels_;
  int64_t margin_x_ = 0, margin_y_ = 0;  // source pixels around the one that a position is in
  std::vector<int32_t> nearest_;         // index in the source window, or -1
  std::vector<int32_t> columns_, rows_;  // of kernels::Places
};

// Bytes of scratch that a warp takes per pixel of the target, and per pixel of the source beside
// its values and validity.
inline constexpr size_t kWarpBytesPerTargetPixel = 2 * sizeof(double) + 3 * sizeof(int32_t);
inline constexpr size_t kWarpBytesPerSourcePixel = 2 * sizeof(float);

}  // namespace geoloom::raster
