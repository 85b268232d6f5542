// SPDX-License-Identifier: Apache-2.0
// Requests to HTTP services: workers, Pub/Sub, token servers. One client serves any number of
// threads; connections are kept and used again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace geoloom::http {

struct Timeouts {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds total{60'000};  // of the whole request; 0 = none
  // Nothing at all has been received or sent for that long, waiting for the answer included, so it
  // must be longer than a worker computes; whole seconds, 0 = none.
  std::chrono::seconds stall{0};
  size_t slowest_bytes_per_second = 1;  // less than that on average counts as nothing at all
};

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Timeouts timeouts;
  size_t largest_answer_bytes = size_t{16} << 20;
};

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; a repeated one: the last
  std::string body;
  double seconds = 0;

  bool ok() const { return status >= 200 && status < 300; }
  // The header's value, empty when there is none. `name` in lower case.
  const std::string& header(const std::string& name) const;
};

struct ClientOptions {
  // PEM file of certificates to trust instead of the system's; empty = the system's.
  std::string certificate_authorities;
  // Requests to one host and port that are on their way at a time; others wait for their turn.
  // 0 = any number.
  size_t most_in_flight_per_host = 0;
};

class Client {
 public:
  explicit Client(ClientOptions options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // Any status that the server sends is an answer, not an error. Redirects are not followed: a
  // request carries tokens, and its receiver was named by the user. TLS certificates are verified.
  // `cancel`, when given, ends the request soon after it is set.
  //
  // Throws Error: invalid (address, header), unavailable (no connection, no answer in time, a cut
  // answer), denied (a certificate that is not trusted), corrupt (an answer above the limit),
  // cancelled. Messages name the host, never the query, headers or body.
  Response send(const Request& request, const std::atomic<bool>* cancel = nullptr);

 private:
  struct Connections;
  class Turns;
  std::unique_ptr<Connections> connections_;
  std::unique_ptr<Turns> turns_;
  ClientOptions options_;
};

}  // namespace geoloom::http
