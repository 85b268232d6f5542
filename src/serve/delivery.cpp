// SPDX-License-Identifier: Apache-2.0
#include "serve/delivery.h"

#include "error/error.h"
#include "http/base64.h"

namespace geoloom::serve {
namespace {

using workflow::Json;

constexpr int kDeepest = 16;

Json parsed(std::string_view text, const char* what) {
  // A parser that recurses is stopped before the stack ends.
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    too_deep |= depth > kDeepest;
    return !too_deep;
  };
  auto json = Json::parse(text, watch, false);
  if (too_deep) throw Error(ErrorCode::invalid, std::string(what) + " is nested too deep");
  if (json.is_discarded()) throw Error(ErrorCode::invalid, std::string(what) + " is not JSON");
  if (!json.is_object())
    throw Error(ErrorCode::invalid, std::string(what) + " is not a JSON object");
  return json;
}

std::string text_at(const Json& object, const char* camel, const char* snake) {
  for (const char* key : {camel, snake})
    if (const auto found = object.find(key); found != object.end() && found->is_string())
      return found->get<std::string>();
  return {};
}

int attempt_of(const Json& envelope) {
  for (const char* key : {"deliveryAttempt", "delivery_attempt"})
    if (const auto found = envelope.find(key);
        found != envelope.end() && found->is_number_integer()) {
      const auto attempt = found->get<int64_t>();
      return attempt >= 1 && attempt <= 1'000'000 ? static_cast<int>(attempt) : 0;
    }
  return 0;
}

}  // namespace

Delivery read_delivery(std::string_view body) {
  if (body.empty()) throw Error(ErrorCode::invalid, "the request has no body");
  auto outer = parsed(body, "the request's body");
  Delivery delivery;
  const auto message = outer.find("message");
  if (message == outer.end()) {
    delivery.payload = std::move(outer);
    return delivery;
  }
  if (!message->is_object())
    throw Error(ErrorCode::invalid, "\"message\" of the envelope is not an object");
  const auto data = message->find("data");
  if (data == message->end() || !data->is_string())
    throw Error(ErrorCode::invalid, "the envelope's message has no \"data\"");
  const auto bytes =
      http::decode_base64(data->get_ref<const std::string&>(), http::Base64::standard);
  if (!bytes) throw Error(ErrorCode::invalid, "\"data\" of the message is not base64");
  delivery.wrapped = true;
  delivery.payload = parsed(*bytes, "the message's data");
  delivery.message_id = text_at(*message, "messageId", "message_id");
  delivery.publish_time = text_at(*message, "publishTime", "publish_time");
  delivery.subscription = text_at(outer, "subscription", "subscription");
  delivery.attempt = attempt_of(outer);
  if (const auto attributes = message->find("attributes");
      attributes != message->end() && attributes->is_object())
    for (const auto& [key, value] : attributes->items())
      if (value.is_string()) delivery.attributes[key] = value.get<std::string>();
  return delivery;
}

}  // namespace geoloom::serve
