// SPDX-License-Identifier: Apache-2.0
// Areas of equal values: pixels of one value that touch each other. Clusters are clumped into
// segments by them, and maps are sieved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace geoloom::kernels {

// Which pixels touch: the four that share an edge, or those at the corners too.
enum class Connectivity : uint8_t { edges, corners };

// Labels areas 1, 2, ... in the order of their first pixels, row by row; invalid pixels get 0.
// `values` and `valid` are dense planes; without `valid` all are valid. Returns how many areas
// there are. Throws std::invalid_argument for 2^32 - 1 pixels and more. T: uint8_t, uint16_t,
// int16_t, uint32_t.
template <class T>
uint32_t label_components(const T* values, const uint8_t* valid, size_t width, size_t height,
                          Connectivity connectivity, uint32_t* labels);

// Labelling of an image that is never in memory as a whole. All rows are shown from the top: once
// to add_row(), then as often as wanted to label_row(), after rewind(). Memory grows with the
// number of areas and the width, not with the number of rows. T as above.
template <class T>
class ComponentSweep {
 public:
  ComponentSweep(size_t width, Connectivity connectivity);

  // `pixel_size` is what each pixel of the row adds to the size of its area.
  void add_row(const T* values, const uint8_t* valid, double pixel_size);
  // After the last row.
  void close();
  // By the number of the area, which is 1 or more.
  const std::vector<double>& sizes() const { return sizes_; }
  // What it holds for areas, beside rows.
  size_t bytes() const {
    return parents_.size() * sizeof(uint32_t) + sizes_.size() * sizeof(double);
  }

  void rewind();
  void label_row(const T* values, const uint8_t* valid, uint32_t* labels);

 private:
  void sweep_row(const T* values, const uint8_t* valid, bool joining);
  uint32_t provisional(const T* values, const uint8_t* valid, size_t x, bool joining);
  uint32_t root(uint32_t number);
  void join(uint32_t a, uint32_t b);

  size_t width_;
  Connectivity connectivity_;
  // Numbers that pixels get before it is known which areas are one. They rise row by row, so the
  // least of an area is that of its first pixel.
  std::vector<uint32_t> parents_;  // after close(): the areas' numbers
  std::vector<double> sizes_;      // by provisional number; after close() by area
  std::vector<T> values_above_;
  std::vector<uint32_t> above_, row_;  // with a 0 on either side
  uint32_t numbers_ = 0;
};

// Which areas of a map are too small, and which neighbour takes each over: the largest one, of
// equally large ones that which begins first. Where that is too small as well, its own largest
// neighbour does, and so on; an area from which this way leads in a circle stays. This is the rule
// of GDALSieveFilter(), which decides ties by the order it meets areas in.
class SmallAreas {
 public:
  static constexpr uint32_t kStays = 0;

  // `sizes` by area, as ComponentSweep has them; neighbours touch as areas were labelled.
  SmallAreas(std::span<const double> sizes, Connectivity connectivity);
  // Rows of labels from the top; `above` is null for the first.
  void add_row(const uint32_t* above, const uint32_t* row, size_t width);
  // By area: who takes it over when areas below `smallest` go, or kStays.
  std::vector<uint32_t> taken_over_by(double smallest) const;

 private:
  void touch(uint32_t a, uint32_t b);
  bool larger(uint32_t a, uint32_t than) const;

  std::span<const double> sizes_;
  Connectivity connectivity_;
  std::vector<uint32_t> largest_neighbour_;
};

namespace reference {
// By flooding from each first pixel.
template <class T>
uint32_t label_components(const T* values, const uint8_t* valid, size_t width, size_t height,
                          Connectivity connectivity, uint32_t* labels);
}  // namespace reference
}  // namespace geoloom::kernels
