// SPDX-License-Identifier: Apache-2.0
// Numbers that JSON cannot hold, written as STAC does: "nan", "inf", "-inf".
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace geoloom::catalog {

nlohmann::json json_number(double value);  // whole numbers without ".0"
// nullopt when it is neither a number nor one of those words.
std::optional<double> number_of(const nlohmann::json& json);
std::optional<double> number_of_word(std::string_view word);

}  // namespace geoloom::catalog
