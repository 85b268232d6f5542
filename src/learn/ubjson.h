// SPDX-License-Identifier: Apache-2.0
// Universal Binary JSON (ubjson.org, draft 12), as XGBoost writes it: read into the JSON it stands
// for, with a bound on nesting and no trust in counts. Numbers of high precision are not read.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace geoloom::learn {

// Throws Error(corrupt).
nlohmann::json read_ubjson(std::string_view bytes, const std::string& file);

}  // namespace geoloom::learn
