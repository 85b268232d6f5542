// SPDX-License-Identifier: Apache-2.0
#include "http/pubsub.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "error/error.h"
#include "http/base64.h"
#include "http/json_member.h"
#include "http/url.h"

namespace geoloom::http {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kScheme = "pubsub://";
constexpr const char* kScope = "https://www.googleapis.com/auth/pubsub";

// The names that the service takes: 3 to 255 characters, a letter first.
bool valid_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_.~+%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  return name.size() >= 3 && name.size() <= 255 &&
         std::isalpha(static_cast<unsigned char>(name[0])) != 0 &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::string emulator() {
  const char* host = std::getenv("PUBSUB_EMULATOR_HOST");
  return host ? host : "";
}

std::string endpoint_of_environment() {
  const auto host = emulator();
  if (host.empty()) return "https://pubsub.googleapis.com";
  return host.find("://") == std::string::npos ? "http://" + host : host;
}

Json to_json(const PubSubMessage& message) {
  Json json{{"data", encode_base64(message.data, Base64::standard)}};
  if (!message.attributes.empty()) json["attributes"] = message.attributes;
  return json;
}

PulledMessage pulled(const Json& json) {
  PulledMessage result;
  result.ack_id = text_member(json, "ackId");
  result.delivery_attempt = json.value("deliveryAttempt", 0);
  const auto& message = json.at("message");
  result.id = text_member(message, "messageId");
  result.publish_time = text_member(message, "publishTime");
  result.message.data = decode_base64(text_member(message, "data"), Base64::standard).value_or("");
  if (message.contains("attributes"))
    for (const auto& [name, value] : message["attributes"].items())
      if (value.is_string()) result.message.attributes[name] = value.get<std::string>();
  return result;
}

ErrorCode code_of(int status) {
  if (status == 404) return ErrorCode::missing;
  switch (verdict_of(status)) {
    case Verdict::denied:
      return ErrorCode::denied;
    case Verdict::permanent:
      return ErrorCode::invalid;
    default:
      return ErrorCode::unavailable;
  }
}

}  // namespace

bool is_pubsub(const std::string& address) {
  return address.starts_with(kScheme);
}

PubSubName parse_pubsub(const std::string& address) {
  const auto rest = is_pubsub(address) ? address.substr(kScheme.size()) : std::string();
  const auto slash = rest.find('/');
  PubSubName name;
  if (slash != std::string::npos) name = {rest.substr(0, slash), rest.substr(slash + 1)};
  if (!valid_name(name.project) || !valid_name(name.name) || name.name.starts_with("goog"))
    throw Error(ErrorCode::invalid, fmt::format("'{}' names no topic or subscription", address))
        .hint("write pubsub://PROJECT/NAME; names have 3 to 255 letters, digits and -_.~+%");
  return name;
}

PubSub::PubSub(RetryRules rules, Surroundings surroundings)
    : PubSub(endpoint_of_environment(),
             emulator().empty() ? google_credentials(kScope) : no_credentials(), rules,
             std::move(surroundings)) {}

PubSub::PubSub(std::string endpoint, std::unique_ptr<GoogleCredentials> credentials,
               RetryRules rules, Surroundings surroundings, PublishLimits limits)
    : endpoint_(std::move(endpoint)),
      credentials_(std::move(credentials)),
      rules_(rules),
      surroundings_(std::move(surroundings)),
      limits_(limits) {}

Response PubSub::call(const std::string& method, const std::string& path, const std::string& body) {
  Request request;
  request.method = method;
  request.url = endpoint_ + "/v1/" + path;
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.body = body;
  request.timeouts.total = std::chrono::milliseconds(120'000);
  if (const auto token = credentials_->token(client_, surroundings_); !token.empty())
    request.headers.emplace_back("Authorization", "Bearer " + token);
  return send_with_retries(client_, request, rules_, surroundings_);
}

Json PubSub::checked(const Response& response, const std::string& what) const {
  const auto json = Json::parse(response.body, nullptr, false);
  if (response.ok() && (json.is_object() || response.body.empty()))
    return json.is_object() ? json : Json::object();
  if (response.ok())
    throw Error(ErrorCode::corrupt, "Pub/Sub: " + what + ": the answer is not JSON");
  Error error(code_of(response.status),
              fmt::format("Pub/Sub: {} (status {})", what, response.status));
  const auto found = json.is_object() ? json.find("error") : json.end();
  if (json.is_object() && found != json.end() && found->is_object())
    error.cause(text_member(*found, "message"));
  if (response.status == 404) error.hint("check the names, or make them with `geoloom up`");
  if (response.status == 403 || response.status == 401)
    error.hint("the account needs the role Pub/Sub publisher (or editor, for up and down)");
  throw error;
}

std::vector<std::string> PubSub::publish(const PubSubName& topic,
                                         const std::vector<PubSubMessage>& messages) {
  std::vector<std::string> ids;
  const auto flush = [&](std::string& batch, size_t count) {
    if (count == 0) return;
    const auto answer =
        checked(call("POST", topic.topic() + ":publish", "{\"messages\":[" + batch + "]}"),
                fmt::format("cannot publish to {}; {} of {} messages are published", topic.url(),
                            ids.size(), messages.size()));
    const auto given = answer.value("messageIds", Json::array());
    if (!given.is_array() || given.size() != count)
      throw Error(ErrorCode::corrupt,
                  fmt::format("Pub/Sub confirms {} of {} messages", given.size(), count));
    for (const auto& id : given) ids.push_back(id.is_string() ? id.get<std::string>() : id.dump());
    batch.clear();
  };
  std::string batch;
  size_t count = 0;
  for (const auto& message : messages) {
    const auto text = to_json(message).dump();
    if (text.size() > limits_.bytes)
      throw Error(ErrorCode::invalid, "a message is larger than Pub/Sub takes");
    if (count == limits_.messages || batch.size() + text.size() + 1 > limits_.bytes) {
      flush(batch, count);
      count = 0;
    }
    if (count++ > 0) batch += ',';
    batch += text;
  }
  flush(batch, count);
  return ids;
}

std::vector<PulledMessage> PubSub::pull(const PubSubName& subscription, size_t count) {
  const Json body{{"maxMessages", count}, {"returnImmediately", true}};
  const auto answer = checked(call("POST", subscription.subscription() + ":pull", body.dump()),
                              fmt::format("cannot read {}", subscription.url()));
  std::vector<PulledMessage> messages;
  for (const auto& json : answer.value("receivedMessages", Json::array())) {
    if (!json.is_object() || !json.contains("message") || !json["message"].is_object())
      throw Error(ErrorCode::corrupt, "Pub/Sub sends a message that is none");
    messages.push_back(pulled(json));
  }
  return messages;
}

void PubSub::acknowledge(const PubSubName& subscription, const std::vector<std::string>& ack_ids) {
  if (ack_ids.empty()) return;
  checked(
      call("POST", subscription.subscription() + ":acknowledge", Json{{"ackIds", ack_ids}}.dump()),
      fmt::format("cannot acknowledge messages of {}", subscription.url()));
}

void PubSub::release(const PubSubName& subscription, const std::vector<std::string>& ack_ids) {
  if (ack_ids.empty()) return;
  checked(call("POST", subscription.subscription() + ":modifyAckDeadline",
               Json{{"ackIds", ack_ids}, {"ackDeadlineSeconds", 0}}.dump()),
          fmt::format("cannot give messages back to {}", subscription.url()));
}

std::optional<Json> PubSub::find(const std::string& resource) {
  const auto response = call("GET", resource, "");
  if (response.status == 404) return std::nullopt;
  return checked(response, fmt::format("cannot look at {}", resource));
}

bool PubSub::has_subscription(const std::string& topic) {
  const auto answer = checked(call("GET", topic + "/subscriptions", ""),
                              fmt::format("cannot list the subscriptions of {}", topic));
  return !answer.value("subscriptions", Json::array()).empty();
}

void PubSub::create(const std::string& resource, const Json& description) {
  checked(call("PUT", resource, description.dump()), fmt::format("cannot make {}", resource));
}

bool PubSub::remove(const std::string& resource) {
  const auto response = call("DELETE", resource, "");
  if (response.status == 404) return false;
  checked(response, fmt::format("cannot remove {}", resource));
  return true;
}

}  // namespace geoloom::http
