// SPDX-License-Identifier: Apache-2.0
// The query of an address, as clients send it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace geoloom::http {

// "%41" and '+' as they are meant; what is no such code stays. Throws Error(invalid) for a zero
// byte and other control characters.
std::string percent_decode(std::string_view text);

// "a=1&b=x%20y" by name; of a name that is there twice the last. Throws as percent_decode().
std::map<std::string, std::string> parse_query(std::string_view query);

}  // namespace geoloom::http
