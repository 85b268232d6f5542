// SPDX-License-Identifier: Apache-2.0
#include "learn/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "error/error.h"

namespace geoloom::learn {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMostHeaderBytes = 64 << 10;
constexpr uint64_t kMostElements = uint64_t{1} << 48;
constexpr size_t kAlignment = 64;
constexpr size_t kPieceBytes = size_t{1} << 16;

constexpr std::array<std::pair<std::string_view, NpyType>, 12> kCodes{{
    {"b1", NpyType::boolean},
    {"i1", NpyType::int8},
    {"i2", NpyType::int16},
    {"i4", NpyType::int32},
    {"i8", NpyType::int64},
    {"u1", NpyType::uint8},
    {"u2", NpyType::uint16},
    {"u4", NpyType::uint32},
    {"u8", NpyType::uint64},
    {"f4", NpyType::float32},
    {"f8", NpyType::float64},
    {"M8[D]", NpyType::days},
}};

[[noreturn]] void throw_corrupt(const std::string& place, const std::string& why) {
  throw Error(ErrorCode::corrupt, "this is no .npy file: " + why).at({.file = place});
}

// The dictionary of a header, as Python writes it: {'descr': '<f4', 'fortran_order': False,
// 'shape': (3, 4), }
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& place) : text_(text), place_(place) {}

  bool take(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) throw_corrupt(place_, fmt::format("its header lacks a '{}'", c));
  }
  std::string_view quoted() {
    const char quote = take('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) throw_corrupt(place_, "a text of its header does not end");
    const auto text = text_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }
  bool truth() {
    skip_blanks();
    for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)})
      if (text_.substr(at_).starts_with(word)) {
        at_ += std::string_view(word).size();
        return value;
      }
    throw_corrupt(place_, "its header has no True or False where one belongs");
  }
  std::vector<uint64_t> tuple() {
    std::vector<uint64_t> numbers;
    expect('(');
    while (!take(')')) {
      skip_blanks();
      uint64_t number = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
      if (error != std::errc{}) throw_corrupt(place_, "its shape is no list of numbers");
      at_ = static_cast<size_t>(end - text_.data());
      take('L');  // Python 2
      numbers.push_back(number);
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return numbers;
  }
  // Is it a text? Else it is the list of a record's fields.
  bool at_text() {
    skip_blanks();
    return at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"');
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  std::string_view text_;
  const std::string& place_;
  size_t at_ = 0;
};

[[noreturn]] void refuse_type(const std::string& place, std::string_view type) {
  throw Error(ErrorCode::invalid, fmt::format("arrays of the type '{}' are not read", type))
      .at({.file = place})
      .hint("save numbers: numpy.save(path, array.astype('float32'))");
}

void take_type(std::string_view text, const std::string& place, NpyHeader& header) {
  if (text.empty()) throw_corrupt(place, "its type is empty");
  header.big_endian = text[0] == '>';
  const auto code = text.substr(std::string_view("<>|=").find(text[0]) == text.npos ? 0 : 1);
  const auto found = std::find_if(kCodes.begin(), kCodes.end(),
                                  [&](const auto& known) { return known.first == code; });
  if (found == kCodes.end()) refuse_type(place, text);
  header.type = found->second;
}

NpyHeader parsed(std::string_view text, const std::string& place) {
  NpyHeader header;
  bool fortran = false;
  std::array<bool, 3> seen{};
  HeaderText reader(text, place);
  reader.expect('{');
  while (!reader.take('}')) {
    const auto key = reader.quoted();
    reader.expect(':');
    if (key == "descr") {
      if (!reader.at_text()) refuse_type(place, "record");
      take_type(reader.quoted(), place, header);
      seen[0] = true;
    } else if (key == "fortran_order") {
      fortran = reader.truth();
      seen[1] = true;
    } else if (key == "shape") {
      header.shape = reader.tuple();
      seen[2] = true;
    } else {
      throw_corrupt(place, fmt::format("its header has an unknown key '{}'", key));
    }
    if (!reader.take(',')) {
      reader.expect('}');
      break;
    }
  }
  if (!seen[0] || !seen[1] || !seen[2]) throw_corrupt(place, "its header is not whole");
  if (fortran && header.shape.size() > 1)
    throw Error(ErrorCode::invalid, "arrays in Fortran order are not read")
        .at({.file = place})
        .hint("save it as numpy.ascontiguousarray(array)");
  return header;
}

void check_size(const NpyHeader& header, const std::string& place) {
  uint64_t elements = 1;
  if (header.shape.size() > 32) throw_corrupt(place, "it has more than 32 dimensions");
  for (const uint64_t length : header.shape) {
    if (length > kMostElements || (length != 0 && elements > kMostElements / length))
      throw_corrupt(place, "its shape is impossibly large");
    elements *= length;
  }
}

template <class From>
From loaded(const char* from, bool swapped) {
  std::array<char, sizeof(From)> bytes;
  std::memcpy(bytes.data(), from, sizeof(From));
  if (swapped) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<From>(bytes);
}

// nullopt where T cannot hold it.
template <class T, class From>
std::optional<T> converted(From value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else if constexpr (std::is_floating_point_v<From>) {
    if (std::isnan(value) && std::is_same_v<T, int64_t>) return std::numeric_limits<T>::min();
    // 2^63 is a float, the largest int64 is not.
    const auto above = std::ldexp(1.0, std::numeric_limits<T>::digits);
    const auto below = std::is_signed_v<T> ? -above : 0.0;
    const auto number = static_cast<double>(value);
    if (!(number >= below && number < above) || std::trunc(number) != number) return std::nullopt;
    return static_cast<T>(number);
  } else {
    if (!std::in_range<T>(value)) return std::nullopt;
    return static_cast<T>(value);
  }
}

template <class Body>
void with_type(NpyType type, const Body& body) {
  switch (type) {
    case NpyType::boolean:
    case NpyType::uint8:
      return body(uint8_t{});
    case NpyType::int8:
      return body(int8_t{});
    case NpyType::int16:
      return body(int16_t{});
    case NpyType::int32:
      return body(int32_t{});
    case NpyType::int64:
    case NpyType::days:
      return body(int64_t{});
    case NpyType::uint16:
      return body(uint16_t{});
    case NpyType::uint32:
      return body(uint32_t{});
    case NpyType::uint64:
      return body(uint64_t{});
    case NpyType::float32:
      return body(float{});
    case NpyType::float64:
      return body(double{});
  }
}

struct FileCloser {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

}  // namespace

size_t bytes_of(NpyType type) {
  size_t bytes = 0;
  with_type(type, [&]<class T>(T) { bytes = sizeof(T); });
  return bytes;
}

uint64_t NpyHeader::elements() const {
  uint64_t elements = 1;
  for (const uint64_t length : shape) elements *= length;
  return elements;
}

std::string npy_header(NpyType type, const std::vector<uint64_t>& shape) {
  const auto code = std::find_if(kCodes.begin(), kCodes.end(), [&](const auto& known) {
                      return known.second == type;
                    })->first;
  const char order = bytes_of(type) == 1 ? '|' : '<';
  auto text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}", order,
                          code, fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  const size_t before = kMagic.size() + 4;
  const size_t whole = (before + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  text.append(whole - before - text.size() - 1, ' ');
  text += '\n';
  std::string header(kMagic);
  header +=
      {'\x01', '\x00', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return header + text;
}

ByteSource file_bytes(const std::string& path) {
  const std::shared_ptr<std::FILE> file(std::fopen(path.c_str(), "rb"), [](std::FILE* f) {
    if (f != nullptr) FileCloser{}(f);
  });
  if (!file)
    throw Error(errno == ENOENT ? ErrorCode::missing : ErrorCode::denied,
                errno == ENOENT ? "there is no such file" : "the file cannot be read")
        .at({.file = path})
        .cause(std::strerror(errno));
  return [file, path](void* to, size_t bytes) {
    const size_t got = std::fread(to, 1, bytes, file.get());
    if (got < bytes && std::ferror(file.get()) != 0)
      throw Error(ErrorCode::unavailable, "the file cannot be read")
          .at({.file = path})
          .cause(std::strerror(errno));
    return got;
  };
}

NpyReader::NpyReader(ByteSource source, std::string place)
    : source_(std::move(source)), place_(std::move(place)) {
  std::array<unsigned char, 12> start{};
  if (source_(start.data(), 8) != 8 || std::memcmp(start.data(), kMagic.data(), 6) != 0)
    throw_corrupt(place_, "it does not begin as one");
  const int version = start[6];
  if (version < 1 || version > 3) throw_corrupt(place_, fmt::format("its version is {}", version));
  const size_t digits = version == 1 ? 2 : 4;
  if (source_(start.data() + 8, digits) != digits) throw_corrupt(place_, "it ends in its header");
  size_t length = 0;
  for (size_t i = digits; i-- > 0;) length = length << 8 | start[8 + i];
  if (length > kMostHeaderBytes) throw_corrupt(place_, "its header is too long");
  std::string text(length, '\0');
  if (source_(text.data(), length) != length) throw_corrupt(place_, "it ends in its header");
  header_ = parsed(text, place_);
  check_size(header_, place_);
  left_ = header_.elements();
}

template <class T>
void NpyReader::read_as(std::span<T> to) {
  if (to.size() > left_) throw_corrupt(place_, "it has fewer numbers than are needed");
  left_ -= to.size();
  with_type(header_.type, [&]<class From>(From) {
    std::vector<char> bytes(std::min(kPieceBytes, to.size() * sizeof(From)));
    while (!to.empty()) {
      const size_t count = std::min(to.size(), bytes.size() / sizeof(From));
      if (source_(bytes.data(), count * sizeof(From)) != count * sizeof(From))
        throw_corrupt(place_, "it ends before its last number");
      for (size_t i = 0; i < count; ++i) {
        const auto value = loaded<From>(bytes.data() + i * sizeof(From), header_.big_endian);
        const auto number = converted<T>(value);
        if (!number)
          throw Error(ErrorCode::invalid,
                      fmt::format("{} stands where a whole number is needed", value))
              .at({.file = place_});
        to[i] = *number;
      }
      to = to.subspan(count);
    }
  });
}

void NpyReader::read(std::span<float> to) {
  read_as(to);
}
void NpyReader::read(std::span<double> to) {
  read_as(to);
}
void NpyReader::read(std::span<int64_t> to) {
  read_as(to);
}
void NpyReader::read(std::span<uint32_t> to) {
  read_as(to);
}
void NpyReader::read(std::span<int32_t> to) {
  read_as(to);
}

}  // namespace geoloom::learn
