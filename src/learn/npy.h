// SPDX-License-Identifier: Apache-2.0
// NumPy's arrays in files (.npy, NEP 1, versions 1 to 3), read and written in pieces. Arrays of
// numbers in C order; Python objects are never unpickled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace geoloom::learn {

enum class NpyType {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  days,  // datetime64[D]: int64 days since 1970-01-01, NaT is the smallest number
};
size_t bytes_of(NpyType type);

struct NpyHeader {
  NpyType type = NpyType::float32;
  bool big_endian = false;
  std::vector<uint64_t> shape;  // empty: a single number

  uint64_t elements() const;  // of all dimensions; below 2^48
  uint64_t rows() const { return shape.empty() ? 1 : shape.front(); }
  uint64_t bytes() const { return elements() * bytes_of(type); }
};

// What a file of version 1 begins with; little-endian, padded so that numbers start at a multiple
// of 64 bytes, as NumPy writes it.
std::string npy_header(NpyType type, const std::vector<uint64_t>& shape);

// Fills up to `bytes` bytes and says how many; fewer only at the end.
using ByteSource = std::function<size_t(void* to, size_t bytes)>;
ByteSource file_bytes(const std::string& path);  // throws Error: missing, denied

class NpyReader {
 public:
  // Reads the header. `place` is for messages: "table.npz/features.npy". Throws Error(corrupt) for
  // what is no such file, and Error(invalid) with a hint for arrays of objects, texts, records,
  // or Fortran order.
  NpyReader(ByteSource source, std::string place);
  const NpyHeader& header() const { return header_; }
  uint64_t left() const { return left_; }  // elements

  // The next elements, as T. Throws Error(corrupt) where the file ends before, and Error(invalid)
  // for whole numbers asked of fractions or of numbers out of range. NaN and NaT become the
  // smallest int64, other integers refuse them.
  void read(std::span<float> to);
  void read(std::span<double> to);
  void read(std::span<int64_t> to);
  void read(std::span<uint32_t> to);
  void read(std::span<int32_t> to);

 private:
  template <class T>
  void read_as(std::span<T> to);
  ByteSource source_;
  std::string place_;
  NpyHeader header_;
  uint64_t left_ = 0;
};

}  // namespace geoloom::learn
