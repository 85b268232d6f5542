// SPDX-License-Identifier: Apache-2.0
// geoloom up | down: the topics and subscriptions that push tasks to workers.
#include <fmt/format.h>

#include <iostream>

#include "cli/commands.h"
#include "error/error.h"
#include "http/pubsub.h"
#include "http/url.h"
#include "workflow/schema_json.h"

namespace geoloom::cli {
namespace {

using Json = http::PubSub::Json;

// Only what carries this label is removed.
constexpr const char *kLabel = "made-by", *kLabelValue = "geoloom";

struct PushQueueArguments {
  std::string topic, endpoint, account, audience;
  int ack_deadline_s = 600, attempts = 20, shortest_s = 10, longest_s = 600;
  bool dry_run = false, yes = false;
};

struct Resource {
  std::string name, what;
  Json description;
};

Json push_subscription(const http::PubSubName& topic, const std::string& dead_topic,
                       const PushQueueArguments& arguments) {
  Json push{{"pushEndpoint", http::parse_url(arguments.endpoint).text}};
  if (!arguments.account.empty()) {
    push["oidcToken"]["serviceAccountEmail"] = arguments.account;
    if (!arguments.audience.empty()) push["oidcToken"]["audience"] = arguments.audience;
  }
  return {{"topic", topic.topic()},
          {"pushConfig", push},
          {"ackDeadlineSeconds", arguments.ack_deadline_s},
          {"expirationPolicy", Json::object()},  // never, instead of after 31 idle days
          {"retryPolicy",
           {{"minimumBackoff", fmt::format("{}s", arguments.shortest_s)},
            {"maximumBackoff", fmt::format("{}s", arguments.longest_s)}}},
          {"deadLetterPolicy",
           {{"deadLetterTopic", dead_topic}, {"maxDeliveryAttempts", arguments.attempts}}}};
}

// In the order in which they are made; names follow from the topic's.
std::vector<Resource> resources_of(const PushQueueArguments& arguments) {
  const auto topic = http::parse_pubsub(arguments.topic);
  const http::PubSubName dead{topic.project, topic.name + "-dead"};
  const http::PubSubName push{topic.project, topic.name + "-push"};
  std::vector<Resource> resources{
      {topic.topic(), "topic for tasks", Json::object()},
      {dead.topic(), "topic for dead letters", Json::object()},
      {dead.subscription(),
       "reader of the dead letters",
       {{"topic", dead.topic()}, {"ackDeadlineSeconds", 60}, {"expirationPolicy", Json::object()}}},
      {push.subscription(), "push subscription",
       arguments.endpoint.empty() ? Json() : push_subscription(topic, dead.topic(), arguments)}};
  for (auto& resource : resources)
    if (resource.description.is_object()) resource.description["labels"][kLabel] = kLabelValue;
  return resources;
}

void line(const Commands& commands, workflow::OrderedJson& json, const std::string& action,
          const Resource& resource) {
  json.push_back({{"resource", resource.name}, {"what", resource.what}, {"action", action}});
  if (!commands.json)
    std::cout << fmt::format("{:<16} {}  ({})\n", action, resource.name, resource.what);
}

void up(const PushQueueArguments& arguments, const Commands& commands) {
  const auto resources = resources_of(arguments);
  http::PubSub service;
  auto json = workflow::OrderedJson::array();
  for (const auto& resource : resources) {
    if (service.find(resource.name)) {
      line(commands, json, "is there", resource);
    } else {
      if (!arguments.dry_run) service.create(resource.name, resource.description);
      line(commands, json, arguments.dry_run ? "would be made" : "made", resource);
    }
  }
  if (commands.json) std::cout << json.dump(1) << "\n";
  std::cerr << "note: Pub/Sub's own service account needs the role publisher on the topic for dead "
               "letters, and subscriber on the push subscription\n";
}

bool ours(const Json& description) {
  return description.contains("labels") && description["labels"].value(kLabel, "") == kLabelValue;
}

void down(const PushQueueArguments& arguments, const Commands& commands) {
  auto resources = resources_of(arguments);
  http::PubSub service;
  auto json = workflow::OrderedJson::array();
  bool left = false;
  for (auto resource = resources.rbegin(); resource != resources.rend(); ++resource) {
    const auto description = service.find(resource->name);
    if (!description) continue;
    if (!ours(*description)) {
      line(commands, json, "not ours, stays", *resource);
      continue;
    }
    if (arguments.yes) service.remove(resource->name);
    left = left || !arguments.yes;
    line(commands, json, arguments.yes ? "removed" : "would go", *resource);
  }
  if (commands.json) std::cout << json.dump(1) << "\n";
  if (json.empty()) std::cerr << "nothing is there\n";
  if (left) std::cerr << "nothing was removed; messages that wait would be lost. Say --yes\n";
}

}  // namespace

void add_up(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "up", "Make a topic, a push subscription to workers, and a place for dead letters");
  const auto arguments = std::make_shared<PushQueueArguments>();
  command->add_option("TOPIC", arguments->topic, "pubsub://PROJECT/TOPIC")->required();
  command
      ->add_option("--push", arguments->endpoint,
                   "Where tasks go: https://host/tasks, or .../median for granule medians")
      ->required();
  command->add_option("--push-account", arguments->account,
                      "Service account in whose name deliveries are signed");
  command->add_option("--push-audience", arguments->audience,
                      "Audience of the signed tokens; default: the address pushed to");
  command
      ->add_option("--ack-deadline", arguments->ack_deadline_s,
                   "Seconds a worker has for one task; default 600")
      ->check(CLI::Range(10, 600));
  command
      ->add_option("--attempts", arguments->attempts,
                   "Deliveries, refusals included, before a task is a dead letter; default 20")
      ->check(CLI::Range(5, 100));
  command
      ->add_option("--shortest-backoff", arguments->shortest_s,
                   "Seconds before the second delivery; default 10")
      ->check(CLI::Range(0, 600));
  command
      ->add_option("--longest-backoff", arguments->longest_s,
                   "Seconds between later ones at most; default 600")
      ->check(CLI::Range(0, 600));
  command->add_flag("--dry-run", arguments->dry_run, "Say what would be made");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([=, &commands] { up(*arguments, commands); });
}

void add_down(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand("down", "Remove what `up` made; says what, unless --yes");
  const auto arguments = std::make_shared<PushQueueArguments>();
  command->add_option("TOPIC", arguments->topic, "pubsub://PROJECT/TOPIC")->required();
  command->add_flag("--yes", arguments->yes, "Remove it");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([=, &commands] { down(*arguments, commands); });
}

}  // namespace geoloom::cli
