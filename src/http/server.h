// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server for services of this program. A connection costs no thread, so slow and idle
// clients keep nobody else waiting; everything a client may send is bounded in size and time.
// Encryption is left to what stands in front of it (an ingress, a load balancer, Cloud Run).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace geoloom::http {

struct IncomingRequest {
  std::string method;                          // "POST"
  std::string path;                            // "/tasks", as sent, without the query
  std::string query;                           // without '?'
  std::map<std::string, std::string> headers;  // names in lower case; repeated ones: the last
  std::string body;
  std::string peer;  // address of the other end

  const std::string& header(const std::string& name) const;  // lower case; empty when absent
};

struct Answer {
  int status = 200;
  std::string content_type;  // none when empty
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct ServerLimits {
  size_t header_bytes = size_t{16} << 10;  // request line and headers
  size_t body_bytes = size_t{16} << 20;
  size_t connections = 1024;  // those above are closed at once
  std::chrono::seconds header_time{10};
  std::chrono::seconds body_time{30};
  std::chrono::seconds idle_time{75};  // between two requests of a connection
  std::chrono::seconds write_time{30};
};

class Server {
 public:
  // Answers one request; may be called later, from any thread. Calls after the first do nothing. A
  // request whose last copy of this is destroyed without a call is answered 500.
  using Respond = std::function<void(Answer)>;
  // Runs on a thread of the server and must not block. What it throws is answered 500.
  using Handler = std::function<void(IncomingRequest, Respond)>;
  // Sees a request without its body, before the body is read; an Answer refuses it.
  using Admission = std::function<std::optional<Answer>(const IncomingRequest&)>;

  // Listens when this returns. `port` 0 takes any free one. Throws Error: invalid (address), denied
  // or unavailable (the port is taken).
  Server(const std::string& address, uint16_t port, const ServerLimits& limits, Admission admit,
         Handler handle);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // Closes all connections. Every Respond must have been called or destroyed before.
  ~Server();

  uint16_t port() const;
  size_t connections() const;
  // No new connections; those that are open end with the answer under way, idle ones at once.
  void stop_accepting();

 private:
  class Listener;
  class Connection;
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

// "Bad Request" for 400.
std::string reason_of(int status);

}  // namespace geoloom::http
