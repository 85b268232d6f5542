// SPDX-License-Identifier: Apache-2.0
#include "kernels/morphology.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace geoloom::kernels {
namespace {

// Columns to the nearest set pixel of the row; the largest value stands for that much or more.
template <class Distance>
void distances_of_row(const uint8_t* row, size_t width, bool outside, Distance* out) {
  constexpr Distance far = std::numeric_limits<Distance>::max();
  const auto next = [](Distance d) { return d == far ? far : static_cast<Distance>(d + 1); };
  Distance distance = outside ? Distance{0} : far;
  for (size_t x = 0; x < width; ++x) out[x] = distance = row[x] != 0 ? Distance{0} : next(distance);
  distance = outside ? Distance{0} : far;
  for (size_t x = width; x-- > 0;) {
    distance = row[x] != 0 ? Distance{0} : next(distance);
    out[x] = std::min(out[x], distance);
  }
}

// Sets what is within reach of a set pixel; `outside` says what is beyond the array. The distances
// along rows are compared with the disk's width at each height. Plain integer loops, which
// compilers turn into vectors.
template <class Distance>
class Dilation {
 public:
  Dilation(const uint8_t* mask, size_t width, size_t height, bool outside)
      : width_(width), height_(height), outside_(outside), distances_(width * height) {
    for (size_t y = 0; y < height; ++y)
      distances_of_row(mask + y * width, width, outside, distances_.data() + y * width);
  }

  void write(const Disk& disk, uint8_t* out) const {
    const auto reach = static_cast<ptrdiff_t>(disk.reach_y());
    const auto height = static_cast<ptrdiff_t>(height_);
    for (ptrdiff_t y = 0; y < height; ++y) {
      uint8_t* row = out + static_cast<size_t>(y) * width_;
      const bool from_outside = outside_ && (y - reach < 0 || y + reach >= height);
      std::fill_n(row, width_, static_cast<uint8_t>(from_outside));
      if (from_outside) continue;
      for (ptrdiff_t v = std::max<ptrdiff_t>(0, y - reach);
           v <= std::min<ptrdiff_t>(height - 1, y + reach); ++v) {
        add_within(distances_.data() + static_cast<size_t>(v) * width_,
                   disk.half_widths[static_cast<size_t>(std::abs(v - y))], row);
      }
    }
  }

 private:
  void add_within(const Distance* distances, int32_t half_width, uint8_t* row) const {
    const auto limit = static_cast<Distance>(half_width);
    for (size_t x = 0; x < width_; ++x)
      row[x] = static_cast<uint8_t>(row[x] | static_cast<uint8_t>(distances[x] <= limit));
  }

  const size_t width_, height_;
  const bool outside_;
  std::vector<Distance> distances_;
};

void dilate(uint8_t* mask, size_t width, size_t height, bool outside, const Disk& disk) {
  // The largest distance must be beyond every width.
  if (disk.reach_x() < std::numeric_limits<uint8_t>::max())
    Dilation<uint8_t>(mask, width, height, outside).write(disk, mask);
  else
    Dilation<uint16_t>(mask, width, height, outside).write(disk, mask);
}

void invert(uint8_t* mask, size_t pixels) {
  for (size_t i = 0; i < pixels; ++i) mask[i] = mask[i] == 0 ? 1 : 0;
}

// Erosion is dilation of what is clear, which is all of the outside.
void erode(uint8_t* mask, size_t width, size_t height, const Disk& disk) {
  invert(mask, width * height);
  dilate(mask, width, height, true, disk);
  invert(mask, width * height);
}

}  // namespace

Disk disk(double radius, double pixel_width, double pixel_height) {
  constexpr double kSlack = 1e-6;
  const double across = radius / pixel_width, down = radius / pixel_height;
  if (!(radius >= 0) || !(across <= kLargestDisk) || !(down <= kLargestDisk))
    throw std::invalid_argument("disk: the radius must be between 0 and 2000 pixels");
  Disk out;
  const auto rows = static_cast<int32_t>(std::floor(down + kSlack));
  for (int32_t dy = 0; dy <= rows; ++dy) {
    const double share = down > 0 ? std::min(1.0, dy / down) : 0;
    out.half_widths.push_back(
        static_cast<int32_t>(std::floor(across * std::sqrt(1 - share * share) + kSlack)));
  }
  return out;
}

CleaningHalo cleaning_halo(std::span<const CleaningStep> steps) {
  CleaningHalo halo;
  for (const auto& step : steps) {
    const bool twice = step.operation == Morphology::open || step.operation == Morphology::close;
    halo.columns += (twice ? 2 : 1) * step.disk.reach_x();
    halo.rows += (twice ? 2 : 1) * step.disk.reach_y();
  }
  return halo;
}

namespace {

// The plane without end: room for what grows beyond the array and comes back.
class Plane {
 public:
  Plane(const uint8_t* mask, size_t width, size_t height, const CleaningHalo& margin)
      : left_(static_cast<size_t>(margin.columns)),
        top_(static_cast<size_t>(margin.rows)),
        width_(width + 2 * left_),
        height_(height + 2 * top_),
        pixels_(width_ * height_) {
    for (size_t y = 0; y < height; ++y)
      std::copy_n(mask + y * width, width, pixels_.data() + (y + top_) * width_ + left_);
  }

  void apply(const CleaningStep& step) {
    if (step.operation == Morphology::erode || step.operation == Morphology::open)
      erode(pixels_.data(), width_, height_, step.disk);
    if (step.operation != Morphology::erode)
      dilate(pixels_.data(), width_, height_, false, step.disk);
    if (step.operation == Morphology::close) erode(pixels_.data(), width_, height_, step.disk);
  }

  void copy_to(uint8_t* mask, size_t width, size_t height) const {
    for (size_t y = 0; y < height; ++y)
      std::copy_n(pixels_.data() + (y + top_) * width_ + left_, width, mask + y * width);
  }

 private:
  size_t left_, top_, width_, height_;
  std::vector<uint8_t> pixels_;
};

}  // namespace

size_t cleaning_bytes(size_t width, size_t height, std::span<const CleaningStep> steps) {
  if (steps.empty()) return 0;
  const auto margin = cleaning_halo(steps);
  const size_t pixels = (width + 2 * static_cast<size_t>(margin.columns)) *
                        (height + 2 * static_cast<size_t>(margin.rows));
  return pixels * (1 + sizeof(uint16_t));  // the plane, and distances along its rows
}

void clean_mask(uint8_t* mask, size_t width, size_t height, std::span<const CleaningStep> steps) {
  for (size_t i = 0; i < width * height; ++i) mask[i] = mask[i] != 0 ? 1 : 0;
  if (steps.empty()) return;
  Plane plane(mask, width, height, cleaning_halo(steps));
  for (const auto& step : steps) plane.apply(step);
  plane.copy_to(mask, width, height);
}

}  // namespace geoloom::kernels
