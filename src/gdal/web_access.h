// SPDX-License-Identifier: Apache-2.0
// Files on web servers that do not answer to their plain address: those that want a signed address,
// or a header. Files keep their plain path everywhere, in records, identities and messages; the
// address that is asked is made where a request is sent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace geoloom::gdal {

struct WebAccess {
  // The signed address of a plain one; `renew`: what was given before was refused. Thread-safe; may
  // throw Error. Empty: addresses are asked as they are.
  std::function<std::string(const std::string& address, bool renew)> sign;
  std::vector<std::pair<std::string, std::string>> headers;  // secret
};

// Holds for these paths ("/vsicurl/https://...") while it lives; the last one for a path counts.
class WebAccessRule {
 public:
  WebAccessRule(std::vector<std::string> paths, std::shared_ptr<const WebAccess> access);
  WebAccessRule(const WebAccessRule&) = delete;
  WebAccessRule& operator=(const WebAccessRule&) = delete;
  ~WebAccessRule();

 private:
  std::vector<std::string> paths_;
  std::shared_ptr<const WebAccess> access_;
};

// Null where nothing special holds.
std::shared_ptr<const WebAccess> web_access_of(const std::string& path);

}  // namespace geoloom::gdal
