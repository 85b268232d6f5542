// SPDX-License-Identifier: Apache-2.0
// An HTTP server on loopback that answers as a test tells it: how refusals and outages are read.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace geoloom::gdal {

class TestServer {
 public:
  struct Request {
    std::string method, target, range;
  };
  struct Answer {
    int status = 200;
    std::string body;
    std::string headers;  // whole lines
  };
  using Handler = std::function<Answer(const Request&)>;

  explicit TestServer(Handler handler)
      : handler_(std::move(handler)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    void* any = &address;
    socklen_t size = sizeof address;
    if (::bind(socket_, static_cast<sockaddr*>(any), size) != 0 || ::listen(socket_, 16) != 0 ||
        ::getsockname(socket_, static_cast<sockaddr*>(any), &size) != 0)
      throw std::runtime_error("no loopback socket");
    host_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() {
    ::shutdown(socket_, SHUT_RDWR);
    ::close(socket_);
    thread_.join();
  }
  const std::string& host() const { return host_; }

  // A file with ranges, as object stores serve it.
  static Answer file(const Request& request, const std::string& bytes) {
    size_t first = 0;
    size_t last = bytes.size() - 1;
    Answer answer;
    if (request.range.starts_with("bytes=")) {
      first = std::strtoull(request.range.c_str() + 6, nullptr, 10);
      last = std::min<size_t>(
          last, std::strtoull(request.range.c_str() + request.range.find('-') + 1, nullptr, 10));
      if (first >= bytes.size()) return {416, "", ""};
      answer.status = 206;
      answer.headers = "Content-Range: bytes " + std::to_string(first) + "-" +
                       std::to_string(last) + "/" + std::to_string(bytes.size()) + "\r\n";
    }
    answer.headers += "ETag: \"abc\"\r\nAccept-Ranges: bytes\r\n";
    answer.body = bytes.substr(first, last - first + 1);
    return answer;
  }

 private:
  void serve() {
    for (;;) {
      const int client = ::accept(socket_, nullptr, nullptr);
      if (client < 0) return;
      converse(client);
      ::close(client);
    }
  }
  void converse(int client) const {
    std::string text;
    char buffer[4096];
    size_t head = std::string::npos;
    while (head == std::string::npos || text.size() < head + 4 + body_size(text)) {
      const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      text.append(buffer, static_cast<size_t>(got));
      if (head == std::string::npos && text.find("\r\nExpect: 100") != std::string::npos)
        send_all(client, "HTTP/1.1 100 Continue\r\n\r\n");
      head = text.find("\r\n\r\n");
    }
    Request request;
    request.method = text.substr(0, text.find(' '));
    request.target =
        text.substr(request.method.size() + 1,
                    text.find(' ', request.method.size() + 1) - request.method.size() - 1);
    request.range = header(text, "Range");
    const Answer answer = handler_(request);
    std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " Answer\r\n" + answer.headers +
                      "Content-Length: " + std::to_string(answer.body.size()) +
                      "\r\nConnection: close\r\n\r\n";
    if (request.method != "HEAD") out += answer.body;
    send_all(client, out);
  }
  static void send_all(int client, const std::string& out) {
    for (size_t sent = 0; sent < out.size();) {
      const ssize_t n = ::send(client, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<size_t>(n);
    }
  }
  static std::string header(const std::string& text, const std::string& name) {
    const size_t at = text.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const size_t value = at + name.size() + 4;
    return text.substr(value, text.find("\r\n", value) - value);
  }
  static size_t body_size(const std::string& text) {
    return std::strtoull(header(text, "Content-Length").c_str(), nullptr, 10);
  }

  Handler handler_;
  int socket_;
  std::string host_;
  std::thread thread_;
};

}  // namespace geoloom::gdal
