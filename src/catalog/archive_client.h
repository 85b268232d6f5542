// SPDX-License-Identifier: Apache-2.0
// Requests to an archive's server: STAC APIs and catalogues on web servers.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "catalog/json_document.h"
#include "http/client.h"
#include "http/retry.h"

namespace geoloom::catalog {

// How a server is asked. Headers hold secrets: they are never part of a record or a message.
struct ArchiveAccess {
  std::vector<std::pair<std::string, std::string>> headers;
  // The address that may see the headers: other servers that links or redirects lead to do not.
  std::string origin;  // "https://example.org"
  size_t requests_in_flight = 8;
  http::Timeouts timeouts{.connect = std::chrono::milliseconds(10'000),
                          .total = std::chrono::milliseconds(300'000),
                          .stall = std::chrono::seconds(60)};
  http::RetryRules retries{
      .attempts = 5, .give_up_after = std::chrono::milliseconds(300'000), .backoff = {}};
};

// Thread-safe.
class ArchiveClient {
 public:
  explicit ArchiveClient(ArchiveAccess access,
                         http::Surroundings surroundings = http::real_surroundings());

  // Addresses begin with http:// or https://, or with GDAL's /vsicurl/ before that. Answers of 429
  // and 5xx are asked for again, with back-off and jitter; redirects are followed (5 at most).
  // Errors name the address without what signs it.
  //
  // Throws Error: denied (401, 403, and places that this process may not read), missing (404, 410),
  // unavailable (no answer, or 429 and 5xx to the end), invalid (other refusals, with what the
  // server says of them; an answer that is not JSON), corrupt (an answer above 256 MiB).
  JsonDocument get(const std::string& address);
  std::string get_text(const std::string& address);
  std::string post_text(const std::string& address, std::string json);
  // The answer whatever its status; only what keeps an answer from coming is thrown.
  http::Response send(http::Request request);
  // Throws as get() does, unless the status is 2xx.
  static void check(const http::Response& response, const std::string& address);

  const ArchiveAccess& access() const { return access_; }

 private:
  ArchiveAccess access_;
  http::Client client_;
  http::Surroundings surroundings_;
};

// "/vsicurl/https://h/x" and "https://h/x" as "https://h/x".
std::string web_address(const std::string& path);
bool is_web_address(const std::string& path);

}  // namespace geoloom::catalog
