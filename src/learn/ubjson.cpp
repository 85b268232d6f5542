// SPDX-License-Identifier: Apache-2.0
#include "learn/ubjson.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "error/error.h"

namespace geoloom::learn {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 64;

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  Json whole() {
    Json value = read(marker(), 0);
    if (at_ != bytes_.size()) fail("more after its end");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::corrupt,
                fmt::format("this is no whole UBJSON: {} at byte {}", what, at_))
        .at({.file = file_});
  }
  std::string_view take(size_t count) {
    if (count > bytes_.size() - at_) fail("it ends too early");
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  char peek() {
    if (at_ == bytes_.size()) fail("it ends too early");
    return bytes_[at_];
  }
  // No-op markers may stand before any value.
  char marker() {
    char found = take(1)[0];
    while (found == 'N') found = take(1)[0];
    return found;
  }
  template <class Number>
  Number big_endian() {
    Number value = 0;
    for (const char byte : take(sizeof(Number)))
      value = static_cast<Number>(static_cast<Number>(value << 8) | static_cast<uint8_t>(byte));
    return value;
  }
  Json number(char type) {
    switch (type) {
      case 'i':
        return static_cast<int8_t>(take(1)[0]);
      case 'U':
        return static_cast<uint8_t>(take(1)[0]);
      case 'I':
        return static_cast<int16_t>(big_endian<uint16_t>());
      case 'l':
        return static_cast<int32_t>(big_endian<uint32_t>());
      case 'L':
        return static_cast<int64_t>(big_endian<uint64_t>());
      case 'd':
        return std::bit_cast<float>(big_endian<uint32_t>());
      case 'D':
        return std::bit_cast<double>(big_endian<uint64_t>());
      default:
        fail(fmt::format("marker {}", static_cast<int>(type)));
    }
  }
  size_t length(char type) {
    if (std::string_view("iUIlL").find(type) == std::string_view::npos)
      fail("a length that is none");
    const auto value = number(type).get<int64_t>();
    if (value < 0 || static_cast<uint64_t>(value) > bytes_.size())
      fail("a length that is too large");
    return static_cast<size_t>(value);
  }
  std::string text() {
    const size_t count = length(marker());
    std::string value(take(count));
    return value;
  }
  Json read(char type, int depth) {
    if (depth > kDeepest) fail("too many levels");
    switch (type) {
      case 'Z':
        return nullptr;
      case 'T':
        return true;
      case 'F':
        return false;
      case 'C':
        return std::string(take(1));
      case 'S':
        return text();
      case '[':
        return array(depth + 1);
      case '{':
        return object(depth + 1);
      default:
        return number(type);
    }
  }
  // "$" type and "#" count of a container; 0 and npos where they are not given.
  struct Head {
    char type = 0;
    size_t count = std::string_view::npos;
  };
  Head head() {
    Head found;
    if (peek() == '$') {
      take(1);
      found.type = take(1)[0];
      // Values of no bytes could be as many as a count says.
      if (std::string_view("iUIlLdDSC[{").find(found.type) == std::string_view::npos)
        fail("a container of what cannot be counted");
      if (peek() != '#') fail("a type without a count");
    }
    if (peek() == '#') {
      take(1);
      found.count = length(marker());
    }
    return found;
  }
  Json array(int depth) {
    const Head how = head();
    Json::array_t values;
    if (how.count != std::string_view::npos) {
      for (size_t i = 0; i < how.count; ++i)
        values.push_back(read(how.type != 0 ? how.type : marker(), depth));
      return values;
    }
    for (char next = marker(); next != ']'; next = marker()) values.push_back(read(next, depth));
    return values;
  }
  Json object(int depth) {
    const Head how = head();
    Json::object_t values;
    for (size_t i = 0; i != how.count; ++i) {
      if (how.count == std::string_view::npos && peek() == '}') {
        take(1);
        break;
      }
      auto key = text();
      values[std::move(key)] = read(how.type != 0 ? how.type : marker(), depth);
    }
    return values;
  }

  std::string_view bytes_;
  const std::string& file_;
  size_t at_ = 0;
};

}  // namespace

Json read_ubjson(std::string_view bytes, const std::string& file) {
  return Reader(bytes, file).whole();
}

}  // namespace geoloom::learn
