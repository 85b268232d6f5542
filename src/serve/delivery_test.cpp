// SPDX-License-Identifier: Apache-2.0
#include "serve/delivery.h"

#include <gtest/gtest.h>

#include "error/error.h"
#include "http/base64.h"

namespace geoloom::serve {
namespace {

std::string encoded(const std::string& payload) {
  return http::encode_base64(payload, http::Base64::standard);
}

TEST(Deliveries, BothSpellingsAndAsItIs) {
  const auto camel = read_delivery(
      R"({"message": {"data": ")" + encoded(R"({"a": 1})") +
      R"(", "messageId": "17", "publishTime": "2031-01-01T00:00:00Z", "attributes": {"run": "r1"},
      "orderingKey": "k", "new": []}, "subscription": "projects/p/subscriptions/s",
      "deliveryAttempt": 2})");
  EXPECT_TRUE(camel.wrapped);
  EXPECT_EQ(camel.payload.at("a"), 1);
  EXPECT_EQ(camel.message_id, "17");
  EXPECT_EQ(camel.publish_time, "2031-01-01T00:00:00Z");
  EXPECT_EQ(camel.attributes.at("run"), "r1");
  EXPECT_EQ(camel.subscription, "projects/p/subscriptions/s");
  EXPECT_EQ(camel.attempt, 2);

  const auto snake = read_delivery(R"({"message": {"data": ")" + encoded("{}") +
                                   R"(", "message_id": "18", "publish_time": "t"}})");
  EXPECT_EQ(snake.message_id, "18");
  EXPECT_EQ(snake.publish_time, "t");
  EXPECT_EQ(snake.attempt, 0);

  const auto raw = read_delivery(R"({"window": [0, 0, 1, 1]})");
  EXPECT_FALSE(raw.wrapped);
  EXPECT_EQ(raw.payload.at("window").size(), 4U);
}

TEST(Deliveries, BadOnesAreRefused) {
  const std::string deep(10000, '[');
  for (const std::string& body :
       {std::string(), std::string("x"), std::string("[]"), std::string("17"), deep,
        "{\"a\": " + deep, std::string(R"({"message": 5})"), std::string(R"({"message": {}})"),
        std::string(R"({"message": {"data": 5}})"), std::string(R"({"message": {"data": "%%%"}})"),
        R"({"message": {"data": ")" + encoded("no json") + "\"}}",
        R"({"message": {"data": ")" + encoded("[1]") + "\"}}"})
    try {
      (void)read_delivery(body);
      ADD_FAILURE() << body.substr(0, 60);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid);
    }
}

}  // namespace
}  // namespace geoloom::serve
