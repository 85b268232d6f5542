// SPDX-License-Identifier: Apache-2.0
// What a service shows: answers to GET and HEAD, which change nothing.
#pragma once

#include <string>

#include "http/server.h"

namespace geoloom::serve {

class Resource {
 public:
  virtual ~Resource() = default;
  virtual bool serves(const std::string& path) const = 0;
  // Called from many threads; may take a while. Throws Error: missing, invalid, denied, and what
  // reading files throws.
  virtual http::Answer get(const http::IncomingRequest& request) const = 0;
};

}  // namespace geoloom::serve
