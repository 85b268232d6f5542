// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "error/error.h"
#include "http/client.h"

namespace geoloom::http {
namespace {

using namespace std::chrono_literals;

// A client that sends any bytes it likes.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    void* any = &address;
    if (::connect(socket_, static_cast<sockaddr*>(any), sizeof address) != 0)
      throw std::runtime_error("no connection");
    timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { ::close(socket_); }
  bool send(const std::string& bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // Everything until the server closes.
  std::string rest() const {
    std::string all;
    char bytes[4096];
    for (;;) {
      const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
      if (count <= 0) return all;
      all.append(bytes, static_cast<size_t>(count));
    }
  }

 private:
  int socket_;
};

void echo(IncomingRequest request, const Server::Respond& respond) {
  respond({200, "text/plain", request.method + " " + request.path + " " + request.body, {}});
}

std::string url_of(const Server& server, const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + path;
}

TEST(Server, AnswersRequestsOfOneConnection) {
  const Server server("127.0.0.1", 0, {}, {}, echo);
  Client client;
  for (int i = 0; i < 3; ++i) {
    Request request;
    request.method = "POST";
    request.url = url_of(server, "/a?b=c");
    request.body = std::string(100'000, 'x');
    const auto response = client.send(request);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "POST /a " + request.body);
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Server, AnswersLaterFromOtherThreads) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  {
    const Server server("127.0.0.1", 0, {}, {}, [&](IncomingRequest request, Server::Respond r) {
      const std::lock_guard lock(mutex);
      threads.emplace_back([request = std::move(request), respond = std::move(r)] {
        std::this_thread::sleep_for(20ms);
        respond({204, "", "", {{"X-Path", request.path}}});
        respond({500, "", "a second answer", {}});
      });
    });
    std::vector<std::thread> callers;
    std::atomic<int> good{0};
    for (int i = 0; i < 20; ++i)
      callers.emplace_back([&, i] {
        Client client;
        Request request;
        request.url = url_of(server, "/" + std::to_string(i));
        const auto response = client.send(request);
        good += response.status == 204 && response.header("x-path") == "/" + std::to_string(i);
      });
    for (auto& caller : callers) caller.join();
    EXPECT_EQ(good.load(), 20);
    for (auto& thread : threads) thread.join();
  }
}

TEST(Server, ARequestThatIsDroppedOrThrowsIsAnswered) {
  const Server server("127.0.0.1", 0, {}, {}, [](const IncomingRequest& request, Server::Respond) {
    if (request.path == "/throw") throw std::runtime_error("secret");
  });
  Client client;
  for (const auto* path : {"/throw", "/drop"}) {
    Request request;
    request.url = url_of(server, path);
    const auto response = client.send(request);
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
  }
}

TEST(Server, RefusesBeforeTheBodyIsRead) {
  std::atomic<int> handled{0};
  const Server server(
      "127.0.0.1", 0, {},
      [](const IncomingRequest& head) -> std::optional<Answer> {
        if (head.header("authorization") == "Bearer x") return std::nullopt;
        return Answer{401, "", "", {}};
      },
      [&](IncomingRequest request, const Server::Respond& respond) {
        ++handled;
        echo(std::move(request), respond);
      });
  const RawClient client(server.port());
  // The body never comes.
  client.send("POST /t HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_TRUE(client.rest().starts_with("HTTP/1.1 401 "));
  EXPECT_EQ(handled.load(), 0);
}

TEST(Server, BoundsWhatIsSent) {
  ServerLimits limits;
  limits.header_bytes = 2000;
  limits.body_bytes = 1000;
  const Server server("127.0.0.1", 0, limits, {}, echo);
  const auto answer_to = [&](const std::string& bytes) {
    const RawClient client(server.port());
    client.send(bytes);
    return client.rest().substr(0, 13);
  };
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  EXPECT_EQ(answer_to(head + "Content-Length: 5\r\n\r\nhello"), "HTTP/1.1 200 ");
  EXPECT_EQ(answer_to(head + "X: " + std::string(4000, 'x') + "\r\n\r\n"), "HTTP/1.1 431 ");
  EXPECT_EQ(answer_to(head + "Content-Length: 1001\r\n\r\n"), "HTTP/1.1 413 ");
  EXPECT_EQ(answer_to(head + "Transfer-Encoding: chunked\r\n\r\n600\r\n" + std::string(0x600, 'x') +
                      "\r\n0\r\n\r\n"),
            "HTTP/1.1 413 ");
  EXPECT_EQ(answer_to("rubbish\r\n\r\n"), "HTTP/1.1 400 ");
  EXPECT_EQ(answer_to(head + "Content-Length: -1\r\n\r\n"), "HTTP/1.1 400 ");
  // Two lengths would let a proxy and this server see different requests.
  EXPECT_EQ(answer_to(head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "HTTP/1.1 400 ");
}

TEST(Server, SlowClientsAreLeftAndKeepNobodyWaiting) {
  ServerLimits limits;
  limits.header_time = 1s;
  limits.body_time = 1s;
  const Server server("127.0.0.1", 0, limits, {}, echo);
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<RawClient>(server.port()));
    slow.back()->send(i % 2 ? "GET / HT"
                            : "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab");
  }
  Client client;
  Request request;
  request.url = url_of(server, "/quick");
  EXPECT_EQ(client.send(request).status, 200);
  // A byte now and then does not extend the time.
  for (int i = 0; i < 8; ++i) {
    std::this_thread::sleep_for(250ms);
    slow.front()->send("c");
  }
  EXPECT_TRUE(slow.back()->rest().find(" 200 ") == std::string::npos);
  EXPECT_TRUE(slow.front()->rest().find(" 200 ") == std::string::npos);
}

TEST(Server, ConnectionsAboveTheLimitAreClosed) {
  ServerLimits limits;
  limits.connections = 2;
  const Server server("127.0.0.1", 0, limits, {}, echo);
  const RawClient a(server.port()), b(server.port());
  while (server.connections() < 2) std::this_thread::sleep_for(5ms);
  const RawClient c(server.port());
  EXPECT_EQ(c.rest(), "");
}

TEST(Server, StoppingLetsTheAnswerUnderWayThrough) {
  std::mutex mutex;
  std::vector<Server::Respond> waiting;
  Server server("127.0.0.1", 0, {}, {}, [&](const IncomingRequest&, Server::Respond respond) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(respond));
  });
  const RawClient idle(server.port()), busy(server.port());
  busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto arrived = [&] {
    const std::lock_guard lock(mutex);
    return waiting.size();
  };
  while (arrived() < 1) std::this_thread::sleep_for(5ms);
  server.stop_accepting();
  waiting.front()({204, "", "", {}});
  EXPECT_TRUE(busy.rest().starts_with("HTTP/1.1 204 "));
  // The socket is closed by a thread of the server, soon.
  const auto until = std::chrono::steady_clock::now() + 30s;
  const auto refused = [&] {
    try {
      const RawClient late(server.port());
      return false;
    } catch (const std::runtime_error&) {
      return true;
    }
  };
  bool closed = refused();
  while (!closed && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(5ms);
    closed = refused();
  }
  EXPECT_TRUE(closed);
}

TEST(Server, SaysWhyItCannotListen) {
  const Server server("127.0.0.1", 0, {}, {}, echo);
  EXPECT_THROW(Server("127.0.0.1", server.port(), {}, {}, echo), Error);
  EXPECT_THROW(Server("somewhere", 0, {}, {}, echo), Error);
}

}  // namespace
}  // namespace geoloom::http
