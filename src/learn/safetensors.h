// SPDX-License-Identifier: Apache-2.0
// Arrays with names in one file, in the open format of safetensors: 8 bytes that say how long the
// header is, a header of JSON that says where which array stands, the arrays. Its library reads it,
// and so does whoever has a JSON parser; hostile files cannot do more than be refused.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom::learn {

class ArrayFileWriter {
 public:
  // T is float, double, int32_t or int64_t. Arrays stand in the order they are added in: the widest
  // types first keeps all of them aligned.
  template <class T>
  void add(const std::string& name, std::span<const T> values, const std::vector<size_t>& shape);
  // `metadata` is text under names. The same calls give the same bytes.
  std::string bytes(const std::vector<std::pair<std::string, std::string>>& metadata) const;

 private:
  nlohmann::ordered_json header_;
  std::string data_;
};

class ArrayFileReader {
 public:
  // `what` is for messages ("forest of Geoloom"), `file` the place of errors. Keeps a view of
  // `bytes`. Throws Error(corrupt), as all of it does.
  ArrayFileReader(std::string_view bytes, std::string what, std::string file);

  std::string metadata(const std::string& name) const;
  template <class T>
  std::vector<T> array(const std::string& name) const;
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  std::string what_, file_;
  nlohmann::json header_;
  std::string_view data_;
};

}  // namespace geoloom::learn
