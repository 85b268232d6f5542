// SPDX-License-Identifier: Apache-2.0
// A parsed YAML (or strict JSON) value that remembers where it stood, so that every later complaint
// can name file, line and key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "error/error.h"

namespace geoloom::workflow {

inline constexpr size_t kMaxNesting = 64;
// The parser needs up to 180 bytes of memory per byte of a document made to hurt.
inline constexpr size_t kMaxDocumentBytes = size_t{1} << 20;
inline constexpr size_t kMaxValues = 100000;   // every one knows its place, which takes memory
inline constexpr size_t kMaxPathBytes = 1000;  // of the dotted path of a value

// Value::late of what stands for one value of an axis that is late.
inline constexpr uint8_t kLateItem = 255;

class Value {
 public:
  enum class Kind { null, boolean, integer, number, string, list, map };

  // Defined in value.cpp: here the members of `map` are still incomplete.
  Value();
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  Kind kind = Kind::null;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;       // also set for integers
  std::string text;        // scalars: as written, without quotes
  bool quoted = false;     // a quoted scalar is always a string
  bool reference = false;  // "$item.x", left by resolve() for whoever knows the item
  // > 0: an expression ("= $quality.measured.mean") that waits for what steps report, see
  // late_values.h; the names in it are those of the document (1), of a component that it uses (2),
  // of one within that ...
  uint8_t late = 0;
  std::vector<Value> list;
  std::vector<std::pair<std::string, Value>> map;  // in document order; keys are unique
  // Where it starts; a map member's own key line is the place of that member.
  std::string file;
  int line = 0;
  int column = 0;
  std::string path;  // "steps.map.do[1].median_rgb"

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind != Kind::list && kind != Kind::map; }
  const Value* find(std::string_view key) const;  // map member or nullptr
  std::vector<std::string> keys() const;
  std::string_view kind_name() const;  // "a text", "a whole number", "a list" ... for messages
  std::string described() const;       // the same with the value: "a text ('many')"
  Place place() const;
  size_t count() const;  // of all values it contains, itself included
  size_t bytes() const;  // of all texts it contains
  bool waits() const;    // it, or what it contains, is late
  // Error(invalid) at this place.
  Error error(std::string message) const;
  // Gives this value, and all it contains, another place: a parameter's value is complained about
  // where it is used.
  void move_to(const Place& where);
};

// YAML 1.2 core rules for plain scalars, not YAML 1.1's: only true/false are booleans (`on`, `yes`,
// `no` stay texts), 010 is ten, dates stay texts. A whole number beyond 64 bits is a number; one
// beyond double stays a text. Refused with the place of the offence: duplicate keys, tabs in the
// indentation, anchors, tags and merge keys ('<<'), several documents, an unquoted "${" inside a
// flow collection (YAML would read a map), keys that are empty or not scalars (`1: x` has the key
// "1"), bytes that are not UTF-8 text, and what goes beyond the limits above. An empty document is
// null.
Value parse_yaml(std::string_view text, const std::string& file);

// For -p name=value: a list, map or quoted text in flow style, otherwise one plain scalar in which
// no character is special (`*_B04.tif` and `a: b` are texts).
Value parse_yaml_scalar(std::string_view text, const std::string& origin);

}  // namespace geoloom::workflow
