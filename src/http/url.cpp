// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>

#include "error/error.h"

namespace geoloom::http {
namespace {

struct CloseUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeText {
  void operator()(char* text) const { curl_free(text); }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, FreeText> owner(text);
  return owner.get();
}

Error wrong(const std::string& why) {
  return Error(ErrorCode::invalid, "not an address of an HTTP service: " + why)
      .hint("write it as https://host[:port]/path");
}

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::string Url::origin() const {
  const bool usual = port == (scheme == "https" ? 443 : 80);
  return usual ? fmt::format("{}://{}", scheme, host)
               : fmt::format("{}://{}:{}", scheme, host, port);
}

bool Url::loopback() const {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

Url parse_url(const std::string& text) {
  if (!printable(text)) throw wrong("it holds a space, a control character or one beyond ASCII");
  // libcurl takes the first part of a path for the host here.
  if (text.find(":///") != std::string::npos) throw wrong("it names no host");
  const std::unique_ptr<CURLU, CloseUrl> parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  if (curl_url_set(parsed.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    throw wrong("it cannot be taken apart");
  Url url;
  url.text = text;
  url.scheme = part(parsed.get(), CURLUPART_SCHEME);
  url.host = part(parsed.get(), CURLUPART_HOST);
  std::transform(url.host.begin(), url.host.end(), url.host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  url.port = std::atoi(part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT).c_str());
  if (url.scheme != "http" && url.scheme != "https") throw wrong("it is neither http nor https");
  if (url.host.empty()) throw wrong("it names no host");
  if (!part(parsed.get(), CURLUPART_USER).empty() ||
      !part(parsed.get(), CURLUPART_PASSWORD).empty())
    throw wrong("it holds a user name or a password").hint("give tokens by the environment");
  if (!part(parsed.get(), CURLUPART_FRAGMENT).empty()) throw wrong("it holds a #fragment");
  return url;
}

std::string percent_encode(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    if (letter || (byte >= '0' && byte <= '9') || c == '-' || c == '.' || c == '_' || c == '~')
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

}  // namespace geoloom::http
