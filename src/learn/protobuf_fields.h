// SPDX-License-Identifier: Apache-2.0
// The fields of a protobuf message, one after the other, without a schema: all that reading a few
// members of ONNX files takes. Bounded by the bytes given; nothing is allocated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace geoloom::learn {

class ProtobufFields {
 public:
  // `bytes` and `file` outlive the reader.
  ProtobufFields(std::string_view bytes, const std::string& file) : rest_(bytes), file_(file) {}

  struct Field {
    uint32_t number;
    uint32_t type;           // 0 varint, 1 eight bytes, 2 bytes with a length, 5 four bytes
    uint64_t value;          // of types 0, 1 and 5
    std::string_view bytes;  // of type 2
  };
  // nullopt at the end. Throws Error(corrupt).
  std::optional<Field> next();
  // What is left are numbers one after the other, as packed fields have them.
  bool empty() const { return rest_.empty(); }
  uint64_t varint();
  uint64_t fixed(size_t bytes);

 private:
  [[noreturn]] void fail() const;

  std::string_view rest_;
  const std::string& file_;
};

}  // namespace geoloom::learn
