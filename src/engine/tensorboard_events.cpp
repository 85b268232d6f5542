// SPDX-License-Identifier: Apache-2.0
#include "engine/tensorboard_events.h"

#include <fmt/format.h>

#include <bit>
#include <boost/crc.hpp>
#include <cstring>

namespace geoloom::engine {
namespace {

// Castagnoli's polynomial, reflected.
using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

uint32_t masked_crc(const std::string& bytes) {
  Crc32c crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const uint32_t value = crc.checksum();
  return ((value >> 15) | (value << 17)) + 0xA282EAD8U;
}

template <class T>
std::string little_endian(T value) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string record(const std::string& data) {
  const auto length = little_endian(static_cast<uint64_t>(data.size()));
  return length + little_endian(masked_crc(length)) + data + little_endian(masked_crc(data));
}

std::string varint(uint64_t value) {
  std::string bytes;
  while (value >= 0x80) {
    bytes += static_cast<char>((value & 0x7F) | 0x80);
    value >>= 7;
  }
  return bytes += static_cast<char>(value);
}

// Keys of protocol buffers: the field's number and how its value is written.
enum class Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

std::string key(unsigned field, Wire wire) {
  return varint(field << 3U | static_cast<unsigned>(wire));
}

std::string bytes_field(unsigned field, const std::string& bytes) {
  return key(field, Wire::bytes) + varint(bytes.size()) + bytes;
}

// Event: wall_time = 1, step = 2, file_version = 3, summary = 5.
std::string event(double wall_time_s, int64_t step, const std::string& what) {
  std::string bytes = key(1, Wire::fixed64) + little_endian(wall_time_s);
  if (step != 0) bytes += key(2, Wire::varint) + varint(static_cast<uint64_t>(step));
  return bytes + what;
}

// Summary: value = 1; Value: tag = 1, simple_value = 2.
std::string summary(const ScalarPoint& point) {
  const auto value = bytes_field(1, point.tag) + key(2, Wire::fixed32) + little_endian(point.value);
  return bytes_field(5, bytes_field(1, value));
}

}  // namespace

std::string tensorboard_events(const std::vector<ScalarPoint>& points) {
  const double first = points.empty() ? 0 : points.front().wall_time_s;
  std::string file = record(event(first, 0, bytes_field(3, "brain.Event:2")));
  for (const auto& point : points)
    file += record(event(point.wall_time_s, point.step, summary(point)));
  return file;
}

std::string tensorboard_file_name(int64_t seconds, const std::string& host) {
  return fmt::format("events.out.tfevents.{}.{}", seconds, host);
}

}  // namespace geoloom::engine
