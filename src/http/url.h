// SPDX-License-Identifier: Apache-2.0
// Addresses of HTTP services, taken apart before anything is sent to them.
#pragma once

#include <string>

namespace geoloom::http {

struct Url {
  std::string text;    // as a request takes it
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; IPv6 in brackets
  int port = 0;        // the scheme's own unless the text names one

  // For messages: never the user, the path or the query, which may hold secrets.
  std::string origin() const;  // "https://example.org:8443"
  // localhost, 127.0.0.0/8 and ::1: what is sent there does not leave the machine.
  bool loopback() const;
};

// Throws Error(invalid) for other schemes, addresses without a host, with a user name, a fragment,
// or with characters that do not belong into one. The message does not repeat the text.
Url parse_url(const std::string& text);

// Letters, digits and "-._~" stay, all other bytes become %XX (RFC 3986).
std::string percent_encode(const std::string& text);

}  // namespace geoloom::http
