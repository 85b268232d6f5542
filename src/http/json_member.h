// SPDX-License-Identifier: Apache-2.0
// Members of JSON that other programs sent.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace geoloom::http {

// The text of a member; empty where it is absent or no text.
template <typename Json>
std::string text_member(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->template get<std::string>()
                                                   : std::string();
}

}  // namespace geoloom::http
