// SPDX-License-Identifier: Apache-2.0
// A loopback server for tests of the client, which sends exactly the bytes it is told, so that
// broken answers can be made. Connections are kept and counted.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace geoloom::http {

class TestServer {
 public:
  struct Received {
    std::string head;  // request line and headers
    std::string body;
  };
  struct Reply {
    std::string bytes;  // the answer as it goes over the wire
    std::chrono::milliseconds wait_before{0};
    std::chrono::milliseconds wait_after{0};
    bool close = false;
  };
  using Handler = std::function<Reply(const Received&)>;

  static Reply answer(int status, const std::string& body, const std::string& headers = {}) {
    return {"HTTP/1.1 " + std::to_string(status) + " x\r\n" + headers +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
            {},
            {},
            false};
  }

  explicit TestServer(Handler handler)
      : handler_(std::move(handler)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    void* any = &address;
    socklen_t size = sizeof address;
    if (::bind(socket_, static_cast<sockaddr*>(any), size) != 0 || ::listen(socket_, 64) != 0 ||
        ::getsockname(socket_, static_cast<sockaddr*>(any), &size) != 0)
      throw std::runtime_error("no loopback socket");
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    acceptor_ = std::thread([this] { accept_all(); });
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() {
    stopping_.store(true);
    ::shutdown(socket_, SHUT_RDWR);
    ::close(socket_);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int open : open_) ::shutdown(open, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
  }
  const std::string& url() const { return url_; }
  int connections() const { return connections_.load(); }

 private:
  void accept_all() {
    for (;;) {
      const int connection = ::accept(socket_, nullptr, nullptr);
      if (connection < 0) return;
      ++connections_;
      const std::lock_guard lock(mutex_);
      open_.push_back(connection);
      threads_.emplace_back([this, connection] { serve(connection); });
    }
  }

  void serve(int connection) {
    std::string buffer;
    Received received;
    while (receive(connection, buffer, received)) {
      const auto reply = handler_(received);
      pause(reply.wait_before);
      if (::send(connection, reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL) < 0) break;
      pause(reply.wait_after);
      if (reply.close) break;
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, connection);
    ::close(connection);
  }

  void pause(std::chrono::milliseconds time) const {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until && !stopping_.load())
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  static bool receive(int connection, std::string& buffer, Received& received) {
    const auto more = [&] {
      char bytes[8192];
      const auto count = ::recv(connection, bytes, sizeof bytes, 0);
      if (count > 0) buffer.append(bytes, static_cast<size_t>(count));
      return count > 0;
    };
    while (buffer.find("\r\n\r\n") == std::string::npos)
      if (!more()) return false;
    received.head = buffer.substr(0, buffer.find("\r\n\r\n") + 4);
    buffer.erase(0, received.head.size());
    const auto length = received.head.find("Content-Length: ");
    const size_t size =
        length == std::string::npos ? 0 : std::stoul(received.head.substr(length + 16));
    while (buffer.size() < size)
      if (!more()) return false;
    received.body = buffer.substr(0, size);
    buffer.erase(0, size);
    return true;
  }

  Handler handler_;
  int socket_;
  std::string url_;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace geoloom::http
