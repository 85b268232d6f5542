// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <gtest/gtest.h>

#include <thread>

#include "error/error.h"
#include "http/test_server.h"

namespace geoloom::http {
namespace {

using std::chrono::milliseconds;

ErrorCode code_of(Client& client, const Request& request,
                  const std::atomic<bool>* cancel = nullptr) {
  try {
    static_cast<void>(client.send(request, cancel));
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("geheim"), std::string::npos) << error.what();
    return error.code();
  }
  ADD_FAILURE() << "the request succeeded";
  return ErrorCode::internal;
}

Request request_to(const std::string& url, const std::string& method = "GET") {
  Request request;
  request.method = method;
  request.url = url;
  return request;
}

TEST(Client, SendsMethodHeadersAndBody) {
  std::string head, body;
  TestServer server([&](const TestServer::Received& received) {
    head = received.head;
    body = received.body;
    return TestServer::answer(201, "made", "X-Thing:  a b \r\nEmpty:\r\n");
  });
  Client client;
  auto request = request_to(server.url() + "/tasks?q=1", "POST");
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  request.body = std::string("{}\0x", 4);
  const auto response = client.send(request);
  EXPECT_EQ(response.status, 201);
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.body, "made");
  EXPECT_EQ(response.header("x-thing"), "a b");
  EXPECT_EQ(response.header("empty"), "");
  EXPECT_EQ(response.header("absent"), "");
  EXPECT_GT(response.seconds, 0);
  EXPECT_TRUE(head.starts_with("POST /tasks?q=1 HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(head.find("X-Empty:"), std::string::npos);
  EXPECT_EQ(head.find("Expect:"), std::string::npos);
  EXPECT_EQ(body, request.body);
}

TEST(Client, SendsEveryMethod) {
  std::string line;
  TestServer server([&](const TestServer::Received& received) {
    line = received.head.substr(0, received.head.find("\r\n"));
    return line.starts_with("HEAD")
               ? TestServer::Reply{"HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n", {}, {}, false}
               : TestServer::answer(200, "");
  });
  Client client;
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"}) {
    EXPECT_EQ(client.send(request_to(server.url() + "/", method)).status, 200);
    EXPECT_EQ(line, std::string(method) + " / HTTP/1.1");
  }
}

TEST(Client, AnyStatusIsAnAnswerAndRedirectsAreNotFollowed) {
  int status = 0;
  TestServer server([&](const TestServer::Received&) {
    return TestServer::answer(status, "b", "Location: http://127.0.0.1:1/\r\n");
  });
  Client client;
  for (const int wanted : {200, 204, 302, 307, 400, 401, 404, 429, 500, 503}) {
    status = wanted;
    if (wanted == 204) continue;
    const auto response = client.send(request_to(server.url()));
    EXPECT_EQ(response.status, wanted);
    EXPECT_EQ(response.ok(), wanted == 200);
  }
  EXPECT_EQ(server.connections(), 1) << "one connection serves all";
}

TEST(Client, ServesManyThreads) {
  std::atomic<int> served{0};
  TestServer server([&](const TestServer::Received& received) {
    ++served;
    return TestServer::answer(200, received.body);
  });
  Client client;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        auto request = request_to(server.url(), "POST");
        request.body = std::to_string(t * 1000 + i);
        if (client.send(request).body == request.body) ++right;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right.load(), 200);
  EXPECT_EQ(served.load(), 200);
  EXPECT_LE(server.connections(), 8);
}

TEST(Client, TimesOut) {
  TestServer silent([](const TestServer::Received&) {
    return TestServer::Reply{"", milliseconds(60'000), {}, false};
  });
  Client client;
  auto request = request_to(silent.url() + "/?sig=geheim");
  request.timeouts.total = milliseconds(150);
  EXPECT_EQ(code_of(client, request), ErrorCode::unavailable);
  TestServer stalling([](const TestServer::Received&) {
    return TestServer::Reply{
        "HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nabc", {}, milliseconds(60'000), false};
  });
  request = request_to(stalling.url());
  request.timeouts.total = milliseconds(0);
  request.timeouts.stall = std::chrono::seconds(1);
  EXPECT_EQ(code_of(client, request), ErrorCode::unavailable);
}

TEST(Client, BrokenAnswersAreUnavailable) {
  std::string bytes;
  TestServer server([&](const TestServer::Received&) {
    return TestServer::Reply{bytes, {}, {}, true};
  });
  Client client;
  for (const char* broken : {"", "HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nabc",
                             "HTTP/1.1 200 x\r\nContent-Le", "nonsense\r\n\r\n"}) {
    bytes = broken;
    EXPECT_EQ(code_of(client, request_to(server.url() + "/?sig=geheim")), ErrorCode::unavailable)
        << broken;
  }
  bytes = "HTTP/1.1 100 Continue\r\nA: 1\r\n\r\nHTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\nok";
  const auto response = client.send(request_to(server.url()));
  EXPECT_EQ(response.body, "ok");
  EXPECT_EQ(response.header("a"), "");
}

TEST(Client, LimitsTheAnswer) {
  TestServer server(
      [&](const TestServer::Received&) { return TestServer::answer(200, std::string(1001, 'x')); });
  Client client;
  auto request = request_to(server.url());
  request.largest_answer_bytes = 1001;
  EXPECT_EQ(client.send(request).body.size(), 1001U);
  request.largest_answer_bytes = 1000;
  EXPECT_EQ(code_of(client, request), ErrorCode::corrupt);
}

TEST(Client, RefusesWhatWouldInjectHeaders) {
  Client client;
  auto request = request_to("http://127.0.0.1:1/");
  request.headers = {{"Authorization", "Bearer geheim\r\nX: y"}};
  EXPECT_EQ(code_of(client, request), ErrorCode::invalid);
  request.headers = {{"A b", "c"}};
  EXPECT_EQ(code_of(client, request), ErrorCode::invalid);
  EXPECT_EQ(code_of(client, request_to("file:///etc/passwd")), ErrorCode::invalid);
}

TEST(Client, CanBeCancelled) {
  TestServer silent([](const TestServer::Received&) {
    return TestServer::Reply{"", milliseconds(60'000), {}, false};
  });
  Client client;
  std::atomic<bool> cancel{false};
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(50));
    cancel.store(true);
  });
  EXPECT_EQ(code_of(client, request_to(silent.url()), &cancel), ErrorCode::cancelled);
  later.join();
}

TEST(Client, NobodyListens) {
  std::string url;
  {
    TestServer gone([](const TestServer::Received&) { return TestServer::answer(200, ""); });
    url = gone.url();
  }
  Client client;
  EXPECT_EQ(code_of(client, request_to(url + "/?sig=geheim")), ErrorCode::unavailable);
}

}  // namespace
}  // namespace geoloom::http
