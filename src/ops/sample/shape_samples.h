// SPDX-License-Identifier: Apache-2.0
// Samples that are not drawn: every labelled pixel of an item, or one sample for each group of
// pixels, as of a polygon.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "geo/grid.h"
#include "learn/pixel_sampling.h"

namespace geoloom::ops {

// Thread-safe. Parts may come in any order; the result does not depend on it.
class ShapeSamples {
 public:
  // More labelled pixels of one item are refused with Error(resource).
  static constexpr size_t kMostPixels = size_t{4} << 20;

  // `features` per pixel; the item is `width` pixels wide.
  ShapeSamples(size_t features, int64_t width) : features_(features), width_(width) {}
  // Takes the eligible pixels; `groups` is empty or has one number per pixel.
  void add(const learn::ItemPart& part, std::span<const int64_t> groups);
  // `value`: "pixel" gives each pixel, in their order; "mean" or "median" one sample per group, by
  // rising number, missing features left out. Labels of a group: the most frequent class (of
  // several the smallest), or mean or median. Pixels of no group are left out then.
  learn::DrawnSamples finish(const std::string& value, learn::LabelType label_type, uint64_t seed);
  // Of a sample that finish() gave: the middle of its pixels.
  double x_of(size_t row, const geo::Grid& grid) const;
  double y_of(size_t row, const geo::Grid& grid) const;

 private:
  struct Pixel {
    uint64_t position = 0;
    int64_t group = learn::kNoGroup, class_label = learn::kNoClass;
    double number_label = 0;
    std::vector<float> features;
  };
  void take(std::span<const Pixel> pixels, const std::string& value, learn::LabelType label_type,
            learn::DrawnSamples& samples);

  const size_t features_;
  const int64_t width_;
  std::mutex mutex_;
  std::vector<Pixel> pixels_;
  std::vector<double> columns_, rows_;  // of samples, in pixels of the item, fractions of them
};

}  // namespace geoloom::ops
