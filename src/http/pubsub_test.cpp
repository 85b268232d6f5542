// SPDX-License-Identifier: Apache-2.0
#include "http/pubsub.h"

#include <gtest/gtest.h>

#include <mutex>

#include "error/error.h"
#include "http/base64.h"
#include "http/test_server.h"

namespace geoloom::http {
namespace {

using Json = nlohmann::json;

Surroundings without_waiting() {
  auto surroundings = real_surroundings();
  surroundings.sleep = [](std::chrono::milliseconds, const std::atomic<bool>*) {};
  return surroundings;
}

// Confirms what is published with "m0", "m1" ..., and can fail first.
class Service {
 public:
  Service() : server_([this](const TestServer::Received& received) { return answer(received); }) {}
  PubSub client(PublishLimits limits = {}, RetryRules rules = {.attempts = 3}) {
    return {server_.url(), no_credentials(), rules, without_waiting(), limits};
  }
  std::vector<int> failures;       // statuses to answer first
  std::string fixed;               // an answer instead of ids
  std::vector<std::string> lines;  // request lines
  std::vector<Json> bodies;

 private:
  TestServer::Reply answer(const TestServer::Received& received) {
    lines.push_back(received.head.substr(0, received.head.find(" HTTP/")));
    if (!failures.empty()) {
      const int status = failures.front();
      failures.erase(failures.begin());
      return TestServer::answer(status, R"({"error": {"code": 1, "message": "told why"}})");
    }
    bodies.push_back(Json::parse(received.body, nullptr, false));
    if (!fixed.empty()) return TestServer::answer(200, fixed);
    auto ids = Json::array();
    if (bodies.back().is_object() && bodies.back().contains("messages"))
      for (size_t i = 0; i < bodies.back()["messages"].size(); ++i)
        ids.push_back("m" + std::to_string(next_++));
    return TestServer::answer(200, Json{{"messageIds", ids}}.dump());
  }
  int next_ = 0;
  TestServer server_;
};

const PubSubName kTopic{"project", "tasks"};

ErrorCode code_of(const std::function<void()>& action, const char* wanted_text = "") {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(wanted_text), std::string::npos) << error.what();
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::internal;
}

TEST(PubSubName, IsTakenApart) {
  const auto name = parse_pubsub("pubsub://my-project/be.big_data");
  EXPECT_EQ(name.topic(), "projects/my-project/topics/be.big_data");
  EXPECT_EQ(name.subscription(), "projects/my-project/subscriptions/be.big_data");
  EXPECT_EQ(name.url(), "pubsub://my-project/be.big_data");
  for (const char* text :
       {"pubsub://", "pubsub://p", "pubsub://pro/", "pubsub:///top", "pubsub://pro/a/b",
        "pubsub://pro/ab", "pubsub://pro/1bc", "pubsub://pro/top?x", "pubsub://../top",
        "https://pro/top", "pubsub://pro/google"})
    EXPECT_EQ(code_of([&] { parse_pubsub(text); }), ErrorCode::invalid) << text;
}

TEST(PubSub, PublishesWithAttributesAndIsConfirmed) {
  Service service;
  auto client = service.client();
  const auto ids =
      client.publish(kTopic, {{"one\n", {{"run", "r1"}}}, {std::string("\0\xff", 2), {}}});
  EXPECT_EQ(ids, (std::vector<std::string>{"m0", "m1"}));
  ASSERT_EQ(service.lines,
            (std::vector<std::string>{"POST /v1/projects/project/topics/tasks:publish"}));
  const auto& messages = service.bodies[0]["messages"];
  EXPECT_EQ(decode_base64(messages[0]["data"].get<std::string>(), Base64::standard), "one\n");
  EXPECT_EQ(messages[0]["attributes"]["run"], "r1");
  EXPECT_EQ(messages[1]["data"], "AP8=");
}

TEST(PubSub, BatchesByCountAndBytes) {
  const std::vector<PubSubMessage> messages(25, PubSubMessage{std::string(100, 'x'), {}});
  for (const auto& [limits, batches] :
       {std::pair{PublishLimits{10, 1 << 20}, 3}, {PublishLimits{1000, 500}, 9}}) {
    Service service;
    auto client = service.client(limits);
    const auto ids = client.publish(kTopic, messages);
    EXPECT_EQ(ids.size(), 25U);
    EXPECT_EQ(ids.back(), "m24");
    EXPECT_EQ(service.bodies.size(), static_cast<size_t>(batches));
    for (const auto& body : service.bodies) {
      EXPECT_LE(body["messages"].size(), limits.messages);
      EXPECT_LE(body.dump().size(), limits.bytes + 20);
    }
  }
  Service service;
  auto client = service.client({10, 100});
  EXPECT_EQ(code_of([&] { client.publish(kTopic, messages); }), ErrorCode::invalid);
  EXPECT_TRUE(client.publish(kTopic, {}).empty());
  EXPECT_TRUE(service.lines.empty());
}

TEST(PubSub, EveryPublishIsRetriedAndConfirmed) {
  Service service;
  auto client = service.client();
  service.failures = {503, 500, 429, 502};
  EXPECT_EQ(client.publish(kTopic, {{"x", {}}}).size(), 1U);
  EXPECT_EQ(service.lines.size(), 5U);
  service.failures = {500, 500, 500};
  EXPECT_EQ(code_of(
                [&] {
                  client.publish(kTopic, {{"x", {}}});
                },
                "told why"),
            ErrorCode::unavailable);
  service.failures = {403};
  EXPECT_EQ(code_of([&] { client.publish(kTopic, {{"x", {}}}); }, "0 of 1"), ErrorCode::denied);
  service.failures = {404};
  EXPECT_EQ(code_of([&] { client.publish(kTopic, {{"x", {}}}); }), ErrorCode::missing);
  service.fixed = R"({"messageIds": ["a"]})";
  EXPECT_EQ(code_of([&] { client.publish(kTopic, {{"x", {}}, {"y", {}}}); }), ErrorCode::corrupt);
  service.fixed = "<html>";
  EXPECT_EQ(code_of([&] { client.publish(kTopic, {{"x", {}}}); }), ErrorCode::corrupt);
}

TEST(PubSub, PullsAndAcknowledges) {
  Service service;
  auto client = service.client();
  service.fixed =
      R"({"receivedMessages": [{"ackId": "a1", "deliveryAttempt": 5, "message": {"data": "eA==",
      "messageId": "7", "publishTime": "2031-01-01T00:00:00Z", "attributes": {"run": "r"}}}]})";
  const auto messages = client.pull({"project", "dead"}, 10);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].message.data, "x");
  EXPECT_EQ(messages[0].ack_id, "a1");
  EXPECT_EQ(messages[0].delivery_attempt, 5);
  EXPECT_EQ(messages[0].message.attributes.at("run"), "r");
  service.fixed = "{}";
  EXPECT_TRUE(client.pull({"project", "dead"}, 10).empty());
  client.acknowledge({"project", "dead"}, {"a1"});
  client.release({"project", "dead"}, {"a1"});
  EXPECT_EQ(service.lines[2], "POST /v1/projects/project/subscriptions/dead:acknowledge");
  EXPECT_EQ(service.bodies[3], (Json{{"ackIds", {"a1"}}, {"ackDeadlineSeconds", 0}}));
  service.fixed = R"({"receivedMessages": [{"ackId": "a1"}]})";
  EXPECT_EQ(code_of([&] { client.pull({"project", "dead"}, 10); }), ErrorCode::corrupt);
}

TEST(PubSub, FindsMakesAndRemoves) {
  Service service;
  auto client = service.client();
  service.failures = {404};
  EXPECT_EQ(client.find(kTopic.topic()), std::nullopt);
  service.fixed = R"({"name": "t"})";
  EXPECT_EQ(client.find(kTopic.topic())->at("name"), "t");
  client.create(kTopic.topic(), Json::object());
  EXPECT_EQ(service.lines.back(), "PUT /v1/projects/project/topics/tasks");
  EXPECT_TRUE(client.remove(kTopic.topic()));
  service.failures = {404};
  EXPECT_FALSE(client.remove(kTopic.topic()));
}

}  // namespace
}  // namespace geoloom::http
