// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <string_view>

#include "error/error.h"
#include "http/url.h"

namespace geoloom::http {
namespace {

struct CloseEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, CloseEasy>;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

void initialise_once() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw Error(ErrorCode::internal, "libcurl cannot be initialised");
}

template <class Value>
void set(const Easy& handle, CURLoption option, Value value) {
  const auto code = curl_easy_setopt(handle.get(), option, value);
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code != CURLE_OK)
    throw Error(ErrorCode::internal,
                fmt::format("libcurl refuses an option: {}", curl_easy_strerror(code)));
}

bool valid_header(const std::string& name, const std::string& value) {
  const auto token = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  return !name.empty() && std::all_of(name.begin(), name.end(), token) &&
         value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
}

// libcurl takes "Name: value" lines, and "Name;" for an empty value.
HeaderList header_list(const Request& request) {
  HeaderList list;
  const auto add = [&list](const std::string& line) {
    auto* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());
    list.reset(longer);
  };
  // Without this libcurl asks for leave before bodies over a megabyte, and waits for the answer.
  add("Expect:");
  for (const auto& [name, value] : request.headers) {
    if (!valid_header(name, value))
      throw Error(ErrorCode::invalid, "a header of a request holds characters that it must not")
          .hint("look for a line break in a token");
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  return list;
}

// Answers of megabytes come with fewer calls than by libcurl's 16 KiB.
constexpr long kReceivedAtATime = 128L << 10;

// What the callbacks of one request fill.
struct Exchange {
  Response response;
  size_t limit_bytes = 0;
  bool too_large = false;
  bool headers_ended = false;
  const std::atomic<bool>* cancel = nullptr;
};

constexpr size_t kLargestHeaders = size_t{256} << 10;

// Large answers need not be moved as they grow. A little room is left behind: fast parsers look a
// little beyond the end.
constexpr size_t kMostReserved = size_t{64} << 20, kRoomBehind = 64;

void make_room(Exchange& exchange) {
  const auto& length = exchange.response.header("content-length");
  size_t bytes = 0;
  std::from_chars(length.data(), length.data() + length.size(), bytes);
  if (bytes <= exchange.limit_bytes)
    exchange.response.body.reserve(std::min(bytes, kMostReserved) + kRoomBehind);
}

size_t on_body(char* bytes, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  auto& body = exchange.response.body;
  if (body.empty()) make_room(exchange);
  if (size * count > exchange.limit_bytes - body.size()) {
    exchange.too_large = true;
    return 0;
  }
  body.append(bytes, size * count);
  return size * count;
}

size_t on_header(char* bytes, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line(bytes, size * count);
  auto& headers = exchange.response.headers;
  if (line.starts_with("HTTP/")) {  // once more after an interim answer, such as 100
    headers.clear();
    exchange.headers_ended = false;
  }
  if (line == "\r\n" || line == "\n") exchange.headers_ended = true;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  if (headers.size() * 64 > kLargestHeaders) return 0;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto first = line.find_first_not_of(" \t", colon + 1);
  const auto last = line.find_last_not_of(" \t\r\n");
  headers[name] =
      first == std::string_view::npos || last < first ? "" : line.substr(first, last - first + 1);
  return line.size();
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& exchange = *static_cast<const Exchange*>(user);
  return exchange.cancel != nullptr && exchange.cancel->load() ? 1 : 0;
}

Error error_of(CURLcode code, const Exchange& exchange, const Url& url, const Request& request) {
  const auto host = url.origin();
  if (exchange.too_large)
    return Error(ErrorCode::corrupt, fmt::format("{} answers with more than {} bytes", host,
                                                 request.largest_answer_bytes));
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Error(ErrorCode::cancelled, fmt::format("the request to {} was cancelled", host));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return Error(ErrorCode::denied,
                   fmt::format("{} shows a certificate that is not trusted", host))
          .hint("name the authority's certificates in GEOLOOM_CA_FILE, or use the right host name");
    case CURLE_COULDNT_RESOLVE_HOST:
      return Error(ErrorCode::unavailable, fmt::format("the name of {} is not known", host))
          .hint("check the spelling and the network");
    case CURLE_COULDNT_CONNECT:
      return Error(ErrorCode::unavailable, fmt::format("{} takes no connection", host))
          .hint("is the service running, and is this its port?");
    case CURLE_OPERATION_TIMEDOUT:
      return Error(ErrorCode::unavailable, fmt::format("{} did not answer in time", host));
    default:
      return Error(ErrorCode::unavailable, fmt::format("the request to {} failed", host))
          .cause(curl_easy_strerror(code));
  }
}

void set_body(const Easy& handle, const Request& request) {
  if (request.method == "HEAD") {
    set(handle, CURLOPT_NOBODY, 1L);
    return;
  }
  const bool has_body = !request.body.empty() || request.method == "POST" ||
                        request.method == "PUT" || request.method == "PATCH";
  if (has_body) {
    set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(handle, CURLOPT_POSTFIELDS, request.body.data());
  }
  set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_limits(const Easy& handle, const Timeouts& timeouts) {
  set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeouts.connect.count()));
  set(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(timeouts.total.count()));
  if (timeouts.stall.count() > 0) {
    set(handle, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(timeouts.slowest_bytes_per_second));
    set(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(timeouts.stall.count()));
  }
}

}  // namespace

// Handles not in use. Each keeps its connections; the one used last is taken first, so that a quiet
// client ends with few.
struct Client::Connections {
  std::mutex mutex;
  std::vector<Easy> idle;

  Easy lease() {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        auto handle = std::move(idle.back());
        idle.pop_back();
        return handle;
      }
    }
    Easy handle(curl_easy_init());
    if (!handle) throw std::bad_alloc();
    return handle;
  }
  void give_back(Easy handle) {
    curl_easy_reset(handle.get());  // options only: connections stay
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(handle));
  }
};

// How many requests are on their way, by host.
class Client::Turns {
 public:
  explicit Turns(size_t most) : most_(most) {}

  class Turn {
   public:
    Turn(Turns& turns, std::string host, const std::atomic<bool>* cancel)
        : turns_(turns), host_(std::move(host)) {
      turns_.take(host_, cancel);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { turns_.give_back(host_); }

   private:
    Turns& turns_;
    std::string host_;
  };

 private:
  void take(const std::string& host, const std::atomic<bool>* cancel) {
    if (most_ == 0) return;
    std::unique_lock lock(mutex_);
    // Woken by time as well: nobody notifies of a cancellation.
    while (in_flight_[host] >= most_) {
      if (cancel && cancel->load())
        throw Error(ErrorCode::cancelled, fmt::format("the request to {} was cancelled", host));
      returned_.wait_for(lock, std::chrono::milliseconds(100));
    }
    ++in_flight_[host];
  }
  void give_back(const std::string& host) {
    if (most_ == 0) return;
    {
      const std::lock_guard lock(mutex_);
      --in_flight_[host];
    }
    returned_.notify_all();
  }

  const size_t most_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::map<std::string, size_t> in_flight_;
};

Client::Client(ClientOptions options)
    : connections_(std::make_unique<Connections>()),
      turns_(std::make_unique<Turns>(options.most_in_flight_per_host)),
      options_(std::move(options)) {
  initialise_once();
}

Client::~Client() = default;

const std::string& Response::header(const std::string& name) const {
  static const std::string none;
  const auto found = headers.find(name);
  return found == headers.end() ? none : found->second;
}

Response Client::send(const Request& request, const std::atomic<bool>* cancel) {
  const auto url = parse_url(request.url);
  const auto headers = header_list(request);
  Exchange exchange;
  exchange.limit_bytes = request.largest_answer_bytes;
  exchange.cancel = cancel;
  const Turns::Turn turn(*turns_, url.origin(), cancel);
  auto handle = connections_->lease();
  set(handle, CURLOPT_URL, url.text.c_str());
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_BUFFERSIZE, kReceivedAtATime);
  set(handle, CURLOPT_TCP_NODELAY, 1L);
  set(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  set(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.certificate_authorities.empty())
    set(handle, CURLOPT_CAINFO, options_.certificate_authorities.c_str());
  set(handle, CURLOPT_USERAGENT, "geoloom");
  set(handle, CURLOPT_HTTPHEADER, headers.get());
  set_body(handle, request);
  set_limits(handle, request.timeouts);
  set(handle, CURLOPT_WRITEFUNCTION, &on_body);
  set(handle, CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  set(handle, CURLOPT_HEADERFUNCTION, &on_header);
  set(handle, CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
  set(handle, CURLOPT_NOPROGRESS, 0L);
  set(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(handle, CURLOPT_XFERINFODATA, static_cast<void*>(&exchange));
  const auto code = curl_easy_perform(handle.get());
  if (code != CURLE_OK) throw error_of(code, exchange, url, request);
  // libcurl takes a connection that ends within the headers for an answer.
  if (!exchange.headers_ended)
    throw Error(ErrorCode::unavailable, fmt::format("the answer of {} is cut", url.origin()));
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(handle.get(), CURLINFO_TOTAL_TIME, &exchange.response.seconds);
  exchange.response.status = static_cast<int>(status);
  connections_->give_back(std::move(handle));
  return std::move(exchange.response);
}

}  // namespace geoloom::http
