// SPDX-License-Identifier: Apache-2.0
#include "gdal/web_file.h"

#include <cpl_conv.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "error/message_log.h"
#include "gdal/access_hints.h"
#include "gdal/handles.h"
#include "gdal/interruption.h"
#include "gdal/web_access.h"
#include "http/client.h"
#include "http/retry.h"
#include "http/url.h"

namespace geoloom::gdal {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kPrefix = "/vsicurl/";
// Beyond these, answers are longer than parts should be: error pages, whole files.
constexpr size_t kLongestRefusal = size_t{64} << 10;
// First answers are kept for so many files and so long: from when a run is created until its scenes
// are read for the first time.
constexpr size_t kMostKept = 512;
constexpr auto kKeptFor = 5min;
constexpr size_t kRangesAtOnce = 4;

// Who sets one of these wants GDAL's way.
constexpr std::array<const char*, 20> kOnlyForGdal{"GDAL_HTTP_HEADERS",
                                                   "GDAL_HTTP_HEADER_FILE",
                                                   "GDAL_HTTP_USERPWD",
                                                   "GDAL_HTTP_AUTH",
                                                   "GDAL_HTTP_BEARER",
                                                   "GDAL_HTTP_NETRC_FILE",
                                                   "GDAL_HTTP_COOKIE",
                                                   "GDAL_HTTP_COOKIEFILE",
                                                   "GDAL_HTTP_COOKIEJAR",
                                                   "GDAL_HTTP_PROXY",
                                                   "GDAL_HTTPS_PROXY",
                                                   "GDAL_HTTP_PROXYUSERPWD",
                                                   "GDAL_PROXY_AUTH",
                                                   "GDAL_HTTP_UNSAFESSL",
                                                   "GDAL_HTTP_SSLCERT",
                                                   "GDAL_HTTP_SSLKEY",
                                                   "GDAL_CURL_CA_BUNDLE",
                                                   "CPL_VSIL_CURL_ALLOWED_EXTENSIONS",
                                                   "CPL_VSIL_CURL_ALLOWED_FILENAME",
                                                   "CPL_VSIL_CURL_USE_CACHE"};

double number_option(const char* name, double otherwise) {
  const char* text = CPLGetConfigOption(name, nullptr);
  if (text == nullptr) return otherwise;
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  return end != text && value >= 0 && value < 1e6 ? value : otherwise;
}

std::chrono::milliseconds milliseconds_option(const char* name, double otherwise_s) {
  return std::chrono::milliseconds(static_cast<int64_t>(number_option(name, otherwise_s) * 1000));
}

http::Timeouts timeouts() {
  http::Timeouts out;
  out.connect = milliseconds_option("GDAL_HTTP_CONNECTTIMEOUT", 10);
  out.total = milliseconds_option("GDAL_HTTP_TIMEOUT", 120);
  out.stall =
      std::chrono::seconds(static_cast<int64_t>(number_option("GDAL_HTTP_LOW_SPEED_TIME", 30)));
  out.slowest_bytes_per_second =
      static_cast<size_t>(number_option("GDAL_HTTP_LOW_SPEED_LIMIT", 1000));
  return out;
}

http::RetryRules retry_rules() {
  http::RetryRules rules;
  rules.attempts = 1 + static_cast<int>(number_option("GDAL_HTTP_MAX_RETRY", 3));
  rules.backoff.first = milliseconds_option("GDAL_HTTP_RETRY_DELAY", 0.5);
  rules.give_up_after =
      std::min<std::chrono::milliseconds>(30s, milliseconds_option("GDAL_HTTP_TIMEOUT", 120));
  return rules;
}

http::Client& client() {
  static http::Client shared([] {
    http::ClientOptions options;
    options.most_in_flight_per_host =
        static_cast<size_t>(number_option("GEOLOOM_REQUESTS_PER_HOST", 64));
    for (const char* const name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"})
      if (const char* file = CPLGetConfigOption(name, nullptr))
        options.certificate_authorities = file;
    return options;
  }());
  return shared;
}

// The address behind a path, where this is how to read it.
std::optional<std::string> address_of(const std::string& path) {
  if (!path.starts_with(kPrefix)) return std::nullopt;
  for (const char* const name : kOnlyForGdal)
    if (CPLGetConfigOption(name, nullptr) != nullptr) return std::nullopt;
  try {
    return http::parse_url(path.substr(kPrefix.size())).text;
  } catch (const Error&) {
    return std::nullopt;  // characters that GDAL escapes, a user name
  }
}

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// "bytes 0-99/1234"
struct ContentRange {
  uint64_t first = 0, last = 0, size = 0;
};
std::optional<ContentRange> content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const size_t dash = text.find('-'), slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash)
    return std::nullopt;
  const auto first = number_of(text.substr(0, dash));
  const auto last = number_of(text.substr(dash + 1, slash - dash - 1));
  const auto size = number_of(text.substr(slash + 1));
  if (!first || !last || !size || *last < *first || *last >= *size) return std::nullopt;
  return ContentRange{*first, *last, *size};
}

std::string version_of(const http::Response& answer, uint64_t size) {
  const auto& tag = answer.header("etag");
  return fmt::format("{}:{}", tag.empty() ? answer.header("last-modified") : tag, size);
}

struct Answer {
  http::Response response;
  ContentRange range;
};

[[noreturn]] void throw_refused(const std::string& path, int status) {
  const auto code = code_of_status(status).value_or(ErrorCode::corrupt);
  const auto answer = fmt::format("HTTP {}", status);
  throw Error(code, "the file cannot be read")
      .at({.file = path})
      .cause(answer)
      .hint(access_hint(path, code, answer));
}

[[noreturn]] void throw_corrupt(const std::string& path, const std::string& message,
                                const std::string& hint) {
  throw Error(ErrorCode::corrupt, message).at({.file = path}).hint(hint);
}

// Asks for `bytes` bytes from `offset` on; what comes is that part, or up to the file's end.
Answer fetch(const std::string& path, const std::string& url, uint64_t offset, size_t bytes) {
  static const auto surroundings = http::real_surroundings();
  const auto access = web_access_of(path);
  http::Request request;
  request.url = access && access->sign ? access->sign(url, false) : url;
  request.headers = {{"Range", fmt::format("bytes={}-{}", offset, offset + bytes - 1)},
                     {"Accept-Encoding", "identity"}};
  if (access)
    request.headers.insert(request.headers.end(), access->headers.begin(), access->headers.end());
  request.timeouts = timeouts();
  request.largest_answer_bytes = std::max(bytes, kLongestRefusal);
  constexpr const char* kHint =
      "the server has to answer range requests (HTTP 206); copy the file, or use another server";
  Answer answer;
  try {
    answer.response =
        http::send_with_retries(client(), request, retry_rules(), surroundings, interruption());
    // A signature may have ended: once more with a new one.
    const int status = answer.response.status;
    if (access && access->sign && (status == 401 || status == 403)) {
      request.url = access->sign(url, true);
      answer.response =
          http::send_with_retries(client(), request, retry_rules(), surroundings, interruption());
    }
  } catch (Error& error) {
    if (error.code() == ErrorCode::corrupt)
      throw_corrupt(path, "the server sends more than the part that was asked for", kHint);
    error.at({.file = path});
    throw;
  }
  const auto& response = answer.response;
  if (response.status != 206 && response.status != 200) return answer;
  const auto& encoding = response.header("content-encoding");
  if (!encoding.empty() && encoding != "identity")
    throw_corrupt(path, fmt::format("the server sends its bytes encoded ({})", encoding), kHint);
  if (response.status == 200) {  // the whole file, which is fine where it is that small
    if (response.body.empty()) throw_corrupt(path, "the file is empty", "");
    answer.range = {0, response.body.size() - 1, response.body.size()};
  } else if (const auto range = content_range(response.header("content-range"))) {
    answer.range = *range;
  } else {
    throw_corrupt(path,
                  fmt::format("the server does not say which part it sends ('{}')",
                              response.header("content-range")),
                  kHint);
  }
  const uint64_t wanted_last = std::min<uint64_t>(offset + bytes, answer.range.size) - 1;
  if (answer.range.first != offset || answer.range.last != wanted_last)
    throw_corrupt(path,
                  fmt::format("the server sends bytes {}-{} instead of {}-{}", answer.range.first,
                              answer.range.last, offset, wanted_last),
                  kHint);
  if (response.body.size() != answer.range.last - answer.range.first + 1)
    throw Error(ErrorCode::unavailable, "the server's answer is cut").at({.file = path});
  return answer;
}

// First answers by path, the last used in front.
class KeptFiles {
 public:
  std::shared_ptr<const WebFile> find(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return nullptr;
    if (Clock::now() - found->second->since > kKeptFor) {
      remove(found);
      return nullptr;
    }
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->file;
  }
  void keep(const std::string& path, std::shared_ptr<const WebFile> file) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_path_.find(path); found != by_path_.end()) remove(found);
    recent_.push_front({path, std::move(file), Clock::now()});
    by_path_[path] = recent_.begin();
    if (recent_.size() > kMostKept) remove(by_path_.find(recent_.back().path));
  }
  void forget(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_path_.find(path); found != by_path_.end()) remove(found);
  }

 private:
  struct Kept {
    std::string path;
    std::shared_ptr<const WebFile> file;
    Clock::time_point since;
  };
  using ByPath = std::map<std::string, std::list<Kept>::iterator>;
  void remove(ByPath::iterator at) {
    recent_.erase(at->second);
    by_path_.erase(at);
  }

  std::mutex mutex_;
  std::list<Kept> recent_;
  ByPath by_path_;
};

KeptFiles& kept_files() {
  static KeptFiles files;
  return files;
}

}  // namespace

std::shared_ptr<const WebFile> WebFile::open(const std::string& path) {
  const auto url = address_of(path);
  if (!url) return nullptr;
  if (auto kept = kept_files().find(path)) return kept;
  const auto bytes = static_cast<size_t>(
      std::clamp(number_option("GDAL_INGESTED_BYTES_AT_OPEN", 32768), 1024.0, 1048576.0));
  const auto answer = fetch(path, *url, 0, bytes);
  const int status = answer.response.status;
  const bool refused = status == 401 || status == 403 || status == 407;
  if (refused && web_access_of(path)) throw_refused(path, status);
  // GDAL follows, and may know who we are (.netrc); it also says best what is wrong otherwise.
  if ((status >= 300 && status < 400) || refused) return nullptr;
  if (status == 416) throw_corrupt(path, "the file is empty", "");
  if (status != 200 && status != 206) throw_refused(path, status);
  std::shared_ptr<WebFile> file(new WebFile());
  file->path_ = path;
  file->url_ = *url;
  file->size_ = answer.range.size;
  file->version_ = version_of(answer.response, answer.range.size);
  const auto* const body = reinterpret_cast<const std::byte*>(answer.response.body.data());
  file->start_.assign(body, body + answer.response.body.size());
  kept_files().keep(path, file);
  return file;
}

void WebFile::read(const ByteRange& range) const {
  if (range.bytes == 0) return;
  if (range.offset + range.bytes <= start_.size()) {
    std::memcpy(range.to, start_.data() + range.offset, range.bytes);
    return;
  }
  const auto answer = fetch(path_, url_, range.offset, range.bytes);
  const int status = answer.response.status;
  const bool part = status == 200 || status == 206;
  if (!part || version_of(answer.response, answer.range.size) != version_)
    kept_files().forget(path_);
  if (!part) throw_refused(path_, status);
  if (version_of(answer.response, answer.range.size) != version_)
    throw_corrupt(path_, "the file changed on its server while it was read", "create a new run");
  std::memcpy(range.to, answer.response.body.data(), range.bytes);
}

void WebFile::read(std::span<const ByteRange> ranges) const {
  std::vector<std::exception_ptr> errors(ranges.size());
  for (size_t first = 0; first < ranges.size(); first += kRangesAtOnce) {
    const size_t end = std::min(ranges.size(), first + kRangesAtOnce);
    const auto read_one = [&, stop = interruption(), messages = MessageLog::current()](size_t i) {
      const Interruptible reads(stop);
      const MessageScope scope(messages);
      try {
        read(ranges[i]);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    };
    std::vector<std::jthread> others;
    for (size_t i = first + 1; i < end; ++i) others.emplace_back(read_one, i);
    read_one(first);
    others.clear();
    for (size_t i = first; i < end; ++i)
      if (errors[i]) std::rethrow_exception(errors[i]);
  }
}

}  // namespace geoloom::gdal
