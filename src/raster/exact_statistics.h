// SPDX-License-Identifier: Apache-2.0
// Minimum, maximum, mean and deviation of pixels that arrive in any order and by any number of
// threads, with one result to the last bit: all sums are kept as integers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "raster/cube.h"

namespace geoloom::raster {

class ExactStatistics {
 public:
  explicit ExactStatistics(PixelType type);
  // Adds the values where valid is not 0. The type is that of the constructor.
  template <class T>
  void add(const T* values, const uint8_t* valid, size_t count);
  void merge(const ExactStatistics& other);
  BandStatistics result(uint64_t total) const;

 private:
  __extension__ using Wide = unsigned __int128;

  // Integers use bin 0. A float is mantissa * 2^(exponent - 150): mantissas are summed per
  // exponent, where 2^39 of them (and 2^80 of their squares) fit.
  struct Bin {
    int64_t sum = 0;
    Wide squares = 0;
  };
  void add_float(float value);
  void add_floats(const float* values, const uint8_t* valid, size_t count);
  template <class T>
  void add_whole(const T* values, const uint8_t* valid, size_t count);

  PixelType type_;
  uint64_t valid_ = 0;  // with infinities
  uint64_t finite_ = 0;
  double minimum_ = 0, maximum_ = 0;
  std::vector<Bin> bins_;
};

}  // namespace geoloom::raster
