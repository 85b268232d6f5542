// SPDX-License-Identifier: Apache-2.0
// JSON of archives, looked at where the parser has left it.
//
// Answers of 100 000 items are gigabytes, most of which nothing here uses, so that no tree of parts
// is made of them. A document that may be anything is read without exceptions: what is not there,
// is null or has another type is nothing, an empty text or no number.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/json_number.h"
#include "error/error.h"

namespace geoloom::catalog {

// Copying or printing JSON recurses; real documents nest about 10 deep.
inline constexpr int kDeepestJson = 100;

// A value of a document, or nothing; nothing stands for null, too. Cheap to copy, and good for as
// long as its document is neither read anew nor destroyed. Thread-safe.
class JsonView {
 public:
  JsonView() = default;
  explicit operator bool() const { return place_[0] != 0; }

  bool is_object() const;
  bool is_array() const;
  bool is_text() const;
  bool is_number() const;
  bool is_primitive() const;  // a text, a number or a truth value
  bool is_true() const;

  std::string_view text() const;         // empty when it is no text
  std::optional<double> number() const;  // "nan", "inf" and "-inf" are numbers, see json_number.h

  // A member of an object; of several of one name the last.
  JsonView operator[](std::string_view name) const;
  // All members, ordered by name bytewise; of several of one name the last.
  std::vector<std::pair<std::string_view, JsonView>> members() const;
  std::vector<JsonView> elements() const;  // of an array; null elements are nothing

  nlohmann::json tree() const;  // a copy of it all

 private:
  friend class JsonDocument;
  struct Access;
  std::array<uint64_t, 2> place_{};  // simdjson's element
};

// The first of several places that has the number.
std::optional<double> first_number(
    std::initializer_list<std::pair<JsonView, std::string_view>> places);

class JsonDocument {
 public:
  JsonDocument();
  JsonDocument(const std::string& text, const std::string& file);
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  // Takes another text, with the memory that the one before needed. `text` is not needed after
  // that. Throws Error(invalid) with file, line and column for what is no JSON, is nested more than
  // kDeepestJson deep, or holds a number that no double can hold.
  void read(const std::string& text, const std::string& file);

  JsonView root() const { return root_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  JsonView root_;
};

inline Place in_file(const std::string& file, const std::string& pointer = "") {
  Place place;
  place.file = file;
  place.key = pointer;
  return place;
}

}  // namespace geoloom::catalog
