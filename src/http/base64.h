// SPDX-License-Identifier: Apache-2.0
// Base64 as messages and tokens use it (RFC 4648).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace geoloom::http {

enum class Base64 {
  standard,  // "+/", padded: bodies of messages
  url        // "-_", no padding: tokens
};

std::string encode_base64(std::string_view bytes, Base64 alphabet);
// nullopt for anything but what encode_base64 writes: other characters (line breaks too), wrong
// padding, bits left over. `standard` may also come without its padding.
std::optional<std::string> decode_base64(std::string_view text, Base64 alphabet);

}  // namespace geoloom::http
