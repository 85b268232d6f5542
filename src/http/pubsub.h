// SPDX-License-Identifier: Apache-2.0
// Google Cloud Pub/Sub over its REST interface (v1): what a dispatcher, and the set-up of a push
// subscription, need of it. PUBSUB_EMULATOR_HOST is honoured.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "http/client.h"
#include "http/google_credentials.h"
#include "http/retry.h"

namespace geoloom::http {

// "pubsub://PROJECT/NAME" of a topic or a subscription.
struct PubSubName {
  std::string project, name;

  std::string topic() const { return "projects/" + project + "/topics/" + name; }
  std::string subscription() const { return "projects/" + project + "/subscriptions/" + name; }
  std::string url() const { return "pubsub://" + project + "/" + name; }
};
bool is_pubsub(const std::string& address);
// Throws Error(invalid).
PubSubName parse_pubsub(const std::string& address);

struct PubSubMessage {
  std::string data;  // bytes
  std::map<std::string, std::string> attributes;
};

struct PulledMessage {
  std::string ack_id, id, publish_time;
  PubSubMessage message;
  int delivery_attempt = 0;  // 0: the subscription has no dead-letter policy
};

// What the service accepts in one request; batches stay below.
struct PublishLimits {
  size_t messages = 1000;
  size_t bytes = size_t{9} << 20;  // of the request; the service's own limit is 10 MB
};

class PubSub {
 public:
  using Json = nlohmann::json;
  // Credentials and emulator from the environment.
  explicit PubSub(RetryRules rules = {}, Surroundings surroundings = real_surroundings());
  // `endpoint` is an address without path.
  PubSub(std::string endpoint, std::unique_ptr<GoogleCredentials> credentials, RetryRules rules,
         Surroundings surroundings, PublishLimits limits = {});

  // Returns the service's id of every message, in order: then it is kept there. Requests that fail
  // are repeated, so that a message may be there twice. Throws Error: missing (no such topic),
  // denied, unavailable, invalid (a message above the limit); the message says how many were
  // published.
  std::vector<std::string> publish(const PubSubName& topic,
                                   const std::vector<PubSubMessage>& messages);

  // At most `count` messages, none when there are none now.
  std::vector<PulledMessage> pull(const PubSubName& subscription, size_t count);
  void acknowledge(const PubSubName& subscription, const std::vector<std::string>& ack_ids);
  // Gives messages back, to be delivered again.
  void release(const PubSubName& subscription, const std::vector<std::string>& ack_ids);

  // `resource` is "projects/P/topics/T" or "projects/P/subscriptions/S".
  std::optional<Json> find(const std::string& resource);  // nullopt: there is none
  // Whether somebody reads the topic, "projects/P/topics/T".
  bool has_subscription(const std::string& topic);
  void create(const std::string& resource, const Json& description);
  bool remove(const std::string& resource);  // false: there was none

 private:
  Response call(const std::string& method, const std::string& path, const std::string& body);
  Json checked(const Response& response, const std::string& what) const;

  std::string endpoint_;
  std::unique_ptr<GoogleCredentials> credentials_;
  RetryRules rules_;
  Surroundings surroundings_;
  PublishLimits limits_;
  Client client_;
};

}  // namespace geoloom::http
