// SPDX-License-Identifier: Apache-2.0
#include "learn/protobuf_fields.h"

#include "error/error.h"

namespace geoloom::learn {

void ProtobufFields::fail() const {
  throw Error(ErrorCode::corrupt, "this is no whole protobuf message").at({.file = file_});
}

uint64_t ProtobufFields::varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) fail();
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return value;
  }
  fail();
}

uint64_t ProtobufFields::fixed(size_t bytes) {
  if (rest_.size() < bytes) fail();
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<uint8_t>(rest_[i]);
  rest_.remove_prefix(bytes);
  return value;
}

std::optional<ProtobufFields::Field> ProtobufFields::next() {
  if (rest_.empty()) return std::nullopt;
  const uint64_t key = varint();
  Field field{static_cast<uint32_t>(key >> 3), static_cast<uint32_t>(key & 7), 0, {}};
  if (key >> 3 == 0 || key >> 3 > 0x1fffffff) fail();
  switch (field.type) {
    case 0:
      field.value = varint();
      return field;
    case 1:
      field.value = fixed(8);
      return field;
    case 2: {
      const uint64_t length = varint();
      if (length > rest_.size()) fail();
      field.bytes = rest_.substr(0, length);
      rest_.remove_prefix(length);
      return field;
    }
    case 5:
      field.value = fixed(4);
      return field;
    default:
      fail();
  }
}

}  // namespace geoloom::learn
