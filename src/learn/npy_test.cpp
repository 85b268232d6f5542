// SPDX-License-Identifier: Apache-2.0
#include "learn/npy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "error/error.h"

namespace geoloom::learn {
namespace {

ByteSource bytes_in(const std::string& text) {
  return [text, at = size_t{0}](void* to, size_t bytes) mutable {
    const size_t got = std::min(bytes, text.size() - at);
    std::memcpy(to, text.data() + at, got);
    at += got;
    return got;
  };
}

template <class T>
std::string bytes_of_numbers(const std::vector<T>& numbers) {
  std::string bytes(numbers.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

// A file whose header is this text.
std::string with_header(const std::string& text, const std::string& numbers = "") {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += {static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return file + text + numbers;
}

ErrorCode code_of(const std::string& file, size_t count = 0) {
  try {
    NpyReader reader(bytes_in(file), "a.npy");
    std::vector<int64_t> numbers(count);
    reader.read(std::span(numbers));
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(Npy, HeaderIsNumPys) {
  // What numpy 1.24 writes for numpy.zeros((3, 4), "f4") and numpy.zeros(5, "u1").
  const auto header = npy_header(NpyType::float32, {3, 4});
  EXPECT_EQ(header.size(), 128U);
  EXPECT_EQ(header.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(header.substr(10, 60), "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } ");
  EXPECT_EQ(header.back(), '\n');
  EXPECT_EQ(npy_header(NpyType::uint8, {5}).substr(10, 57),
            "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }");
}

TEST(Npy, ReadsWhatItWrites) {
  const std::vector<float> numbers{1.5F, -2, std::numeric_limits<float>::quiet_NaN(), 7};
  NpyReader reader(bytes_in(npy_header(NpyType::float32, {2, 2}) + bytes_of_numbers(numbers)),
                   "a.npy");
  EXPECT_EQ(reader.header().shape, (std::vector<uint64_t>{2, 2}));
  std::vector<double> read(3);
  reader.read(std::span(read));
  EXPECT_EQ(read[0], 1.5);
  EXPECT_EQ(read[1], -2);
  EXPECT_TRUE(std::isnan(read[2]));
  EXPECT_EQ(reader.left(), 1U);
  EXPECT_THROW(reader.read(std::span(read)), Error);
}

TEST(Npy, ConvertsWhatFits) {
  const std::string big("\x00\x01\xff\xfe", 4);
  NpyReader reader(
      bytes_in(with_header("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }\n", big)),
      "a.npy");
  std::vector<int64_t> numbers(2);
  reader.read(std::span(numbers));
  EXPECT_EQ(numbers, (std::vector<int64_t>{1, -2}));

  const auto floats = [](double value) {
    return npy_header(NpyType::float64, {1}) + bytes_of_numbers<double>({value});
  };
  EXPECT_EQ(code_of(floats(3), 1), ErrorCode::internal);  // none
  EXPECT_EQ(code_of(floats(3.5), 1), ErrorCode::invalid);
  EXPECT_EQ(code_of(floats(1e300), 1), ErrorCode::invalid);
  EXPECT_EQ(code_of(floats(0x1p63), 1), ErrorCode::invalid);
  EXPECT_EQ(code_of(floats(std::numeric_limits<double>::quiet_NaN()), 1), ErrorCode::internal);
}

TEST(Npy, RefusesWhatItCannotRead) {
  EXPECT_EQ(code_of(""), ErrorCode::corrupt);
  EXPECT_EQ(code_of("PK\x03\x04 and so on"), ErrorCode::corrupt);
  const auto whole = npy_header(NpyType::int64, {2}) + std::string(16, '\0');
  EXPECT_EQ(code_of(whole, 2), ErrorCode::internal);
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(code_of(whole.substr(0, length), 2), ErrorCode::corrupt) << length;
  EXPECT_EQ(code_of(with_header("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }")),
            ErrorCode::invalid);
  EXPECT_EQ(code_of(with_header("{'descr': '<U8', 'fortran_order': False, 'shape': (2,), }")),
            ErrorCode::invalid);
  EXPECT_EQ(
      code_of(with_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }")),
      ErrorCode::invalid);
  EXPECT_EQ(code_of(with_header("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }")),
            ErrorCode::invalid);
  for (const auto* text :
       {"{'descr': '<f4', 'shape': (2,), }", "{'descr': '<f4', 'fortran_order': False, 'shape': (",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
        "{'descr': '', 'fortran_order': False, 'shape': (2,), }", "[]", "{", "{'a': 1}"})
    EXPECT_EQ(code_of(with_header(text)), ErrorCode::corrupt) << text;
}

}  // namespace
}  // namespace geoloom::learn
