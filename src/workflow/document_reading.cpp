// SPDX-License-Identifier: Apache-2.0
#include "workflow/document_reading.h"

#include <fmt/format.h>

#include "error/spelling.h"
#include "workflow/document.h"

namespace geoloom::workflow {

const Names& reserved_parameters() {
  static const Names kNames{"item", "slot"};
  return kNames;
}

bool is_proper_name(std::string_view name) {
  const auto proper = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' &&
         std::all_of(name.begin(), name.end(), proper);
}

void check_name(const Value& where, std::string_view what, std::string_view name) {
  if (!is_proper_name(name))
    throw where.error(fmt::format("'{}' cannot be {}", name, what))
        .hint("names begin with a to z and go on with a to z, 0 to 9, '_' and '-'");
}

void check_keys(const Value& map, std::string_view owner, const Names& known,
                const Names& reserved) {
  for (const auto& [key, value] : map.map) {
    if (contains(reserved, key))
      throw value.error(fmt::format("the key '{}' {}", key, kNotCarriedOut));
    if (!contains(known, key))
      throw value.error(fmt::format("unknown key '{}' of {}", key, owner))
          .hint(spelling_hint(key, known));
  }
}

const Value& require_text(const Value& value, const std::string& name) {
  if (value.kind != Value::Kind::string) {
    auto error = value.error(fmt::format("{} must be a text, not {}", name, value.described()));
    if (value.is_scalar() && !value.is_null())
      error.hint(fmt::format("quote it: \"{}\"", value.text));
    throw error;
  }
  if (value.text.empty()) throw value.error(fmt::format("{} is empty", name));
  return value;
}

const Value& require_map(const Value& value, const std::string& name) {
  if (value.kind != Value::Kind::map) throw_wrong_type(value, name, "a map");
  return value;
}

Error invalid_at(const Place& place, std::string message) {
  Error error(ErrorCode::invalid, std::move(message));
  error.at(place);
  return error;
}

}  // namespace geoloom::workflow
