// SPDX-License-Identifier: Apache-2.0
#include "catalog/archive_client.h"

#include <fmt/format.h>

#include "catalog/href.h"
#include "catalog/json_document.h"
#include "error/error.h"
#include "gdal/allowed_roots.h"
#include "http/url.h"

namespace geoloom::catalog {
namespace {

constexpr size_t kLargestAnswer = size_t{256} << 20;
constexpr int kMostRedirects = 5;
constexpr size_t kLongestReason = 300;
constexpr std::string_view kWebPrefix = "/vsicurl/";

http::ClientOptions client_options(const ArchiveAccess& access) {
  http::ClientOptions options;
  options.most_in_flight_per_host = access.requests_in_flight;
  return options;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Where a redirect leads; "" where it says nothing usable.
std::string target_of(const std::string& from, const std::string& location) {
  if (location.starts_with("http://") || location.starts_with("https://")) return location;
  if (!location.starts_with('/') || location.starts_with("//")) return "";
  return http::parse_url(from).origin() + location;
}

// What servers say of a refusal: {"code", "description"}, {"detail"}, {"message"}.
std::string reason_of(const http::Response& response) {
  std::string reason;
  try {
    const JsonDocument body(response.body, "");
    for (const char* key : {"description", "detail", "message", "error"}) {
      if (reason.empty()) reason = body.root()[key].text();
    }
  } catch (const Error&) {
    // Not JSON: the status has to do.
  }
  if (reason.size() > kLongestReason) reason = reason.substr(0, kLongestReason) + "...";
  return fmt::format("HTTP {}{}{}", response.status, reason.empty() ? "" : ": ", reason);
}

ErrorCode code_of(int status) {
  if (status == 401 || status == 403 || status == 407) return ErrorCode::denied;
  if (status == 404 || status == 410) return ErrorCode::missing;
  const auto verdict = http::verdict_of(status);
  const bool later = verdict == http::Verdict::transient || verdict == http::Verdict::flow_control;
  return later ? ErrorCode::unavailable : ErrorCode::invalid;
}

std::string hint_of(int status) {
  if (status == 401) return "the server wants to know who asks: give the source `auth`";
  if (status == 403) return "the server knows who asks and refuses: look at the source's `auth`";
  if (status == 404) return "check the address; that of an API is its landing page";
  return "";
}

}  // namespace

std::string web_address(const std::string& path) {
  return path.starts_with(kWebPrefix) ? path.substr(kWebPrefix.size()) : path;
}

bool is_web_address(const std::string& path) {
  const std::string address = web_address(path);
  return address.starts_with("http://") || address.starts_with("https://");
}

ArchiveClient::ArchiveClient(ArchiveAccess access, http::Surroundings surroundings)
    : access_(std::move(access)),
      client_(client_options(access_)),
      surroundings_(std::move(surroundings)) {}

http::Response ArchiveClient::send(http::Request request) {
  request.timeouts = access_.timeouts;
  request.largest_answer_bytes = kLargestAnswer;
  const auto own_headers = request.headers;
  for (int redirects = 0;; ++redirects) {
    gdal::check_readable(request.url);
    request.headers = own_headers;
    if (http::parse_url(request.url).origin() == access_.origin)
      request.headers.insert(request.headers.end(), access_.headers.begin(), access_.headers.end());
    auto response = http::send_with_retries(client_, request, access_.retries, surroundings_);
    if (!is_redirect(response.status)) return response;
    const std::string target = target_of(request.url, response.header("location"));
    if (target.empty() || redirects == kMostRedirects) return response;
    // After 301 to 303 clients ask with GET, as browsers do; 307 and 308 keep the method.
    if (response.status <= 303 && request.method == "POST") {
      request.method = "GET";
      request.body.clear();
    }
    request.url = target;
  }
}

void ArchiveClient::check(const http::Response& response, const std::string& address) {
  if (response.ok()) return;
  Error error(code_of(response.status), fmt::format("{} refuses the request", address));
  error.cause(reason_of(response));
  if (const auto hint = hint_of(response.status); !hint.empty()) error.hint(hint);
  throw error;
}

std::string ArchiveClient::get_text(const std::string& path) {
  http::Request request;
  request.url = web_address(path);
  request.headers = {{"Accept", "application/geo+json, application/json"}};
  auto response = send(std::move(request));
  check(response, web_address(path));
  return std::move(response.body);
}

JsonDocument ArchiveClient::get(const std::string& path) {
  return JsonDocument(get_text(path), web_address(path));
}

std::string ArchiveClient::post_text(const std::string& path, std::string body) {
  http::Request request;
  request.method = "POST";
  request.url = web_address(path);
  request.headers = {{"Content-Type", "application/json"},
                     {"Accept", "application/geo+json, application/json"}};
  request.body = std::move(body);
  auto response = send(std::move(request));
  check(response, web_address(path));
  return std::move(response.body);
}

}  // namespace geoloom::catalog
