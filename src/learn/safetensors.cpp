// SPDX-License-Identifier: Apache-2.0
#include "learn/safetensors.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <type_traits>

#include "error/error.h"

namespace geoloom::learn {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 8;
constexpr size_t kLargestHeader = size_t{64} << 20;
constexpr const char* kMetadata = "__metadata__";

static_assert(std::endian::native == std::endian::little, "arrays are copied as they are");

template <class T>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<T, float>) return "F32";
  if constexpr (std::is_same_v<T, double>) return "F64";
  if constexpr (std::is_same_v<T, int32_t>) return "I32";
  return "I64";
}

}  // namespace

template <class T>
void ArrayFileWriter::add(const std::string& name, std::span<const T> values,
                          const std::vector<size_t>& shape) {
  const size_t begin = data_.size();
  data_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  header_[name] = {
      {"dtype", type_name<T>()}, {"shape", shape}, {"data_offsets", {begin, data_.size()}}};
}

std::string ArrayFileWriter::bytes(
    const std::vector<std::pair<std::string, std::string>>& metadata) const {
  nlohmann::ordered_json header;
  for (const auto& [name, text] : metadata) header[kMetadata][name] = text;
  header.update(header_);
  auto text = header.dump();
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), kLengthBytes) + text + data_;
}

ArrayFileReader::ArrayFileReader(std::string_view bytes, std::string what, std::string file)
    : what_(std::move(what)), file_(std::move(file)) {
  uint64_t length = 0;
  if (bytes.size() < kLengthBytes) refuse("it ends early");
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kLargestHeader || length > bytes.size() - kLengthBytes)
    refuse("its header is longer than the file");
  header_ = nlohmann::json::parse(bytes.substr(kLengthBytes, length), nullptr, false);
  if (!header_.is_object()) refuse("its header is no JSON");
  data_ = bytes.substr(kLengthBytes + length);
}

std::string ArrayFileReader::metadata(const std::string& name) const {
  const auto all = header_.find(kMetadata);
  if (all != header_.end() && all->is_object())
    if (const auto found = all->find(name); found != all->end() && found->is_string())
      return found->get<std::string>();
  refuse(fmt::format("it does not say '{}'", name));
}

template <class T>
std::vector<T> ArrayFileReader::array(const std::string& name) const {
  const auto entry = header_.find(name);
  if (entry == header_.end() || !entry->is_object() ||
      entry->value("dtype", nlohmann::json()) != type_name<T>())
    refuse(fmt::format("the array '{}' is missing or of another type", name));
  const auto offsets = entry->value("data_offsets", nlohmann::json());
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    refuse(fmt::format("the place of '{}' is not given", name));
  const auto begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  if (begin > end || end > data_.size() || (end - begin) % sizeof(T) != 0)
    refuse(fmt::format("the array '{}' lies outside of the file", name));
  std::vector<T> values((end - begin) / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), data_.data() + begin, end - begin);
  return values;
}

void ArrayFileReader::refuse(const std::string& why) const {
  throw Error(ErrorCode::corrupt, fmt::format("this is no {}: {}", what_, why)).at({.file = file_});
}

#define INSTANTIATE(T)                                                          \
  template void ArrayFileWriter::add<T>(const std::string&, std::span<const T>, \
                                        const std::vector<size_t>&);            \
  template std::vector<T> ArrayFileReader::array<T>(const std::string&) const;
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(int32_t)
INSTANTIATE(int64_t)
#undef INSTANTIATE

}  // namespace geoloom::learn
