// SPDX-License-Identifier: Apache-2.0
#include "catalog/json_number.h"

#include <cmath>
#include <limits>
#include <string>

namespace geoloom::catalog {

nlohmann::json json_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  constexpr double exact = 9007199254740992.0;
  if (value == std::floor(value) && std::abs(value) < exact) return static_cast<int64_t>(value);
  return value;
}

std::optional<double> number_of(const nlohmann::json& json) {
  if (json.is_number()) return json.get<double>();
  return json.is_string() ? number_of_word(json.get_ref<const std::string&>()) : std::nullopt;
}

std::optional<double> number_of_word(std::string_view word) {
  if (word == "nan" || word == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (word == "inf") return std::numeric_limits<double>::infinity();
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

}  // namespace geoloom::catalog
