// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_delivery.h"

#include <fmt/format.h>

#include <cstdlib>
#include <iostream>

#include "error/error.h"
#include "http/client.h"
#include "http/pubsub.h"
#include "workflow/schema_json.h"

namespace geoloom::cli {
namespace {

using Json = http::PubSub::Json;

// "10s", "3.5s".
double seconds_of(const Json& policy, const char* name, double otherwise) {
  const auto text = policy.value(name, std::string());
  return text.empty() ? otherwise : std::strtod(text.c_str(), nullptr);
}

void read_subscription(http::PubSub& service, const http::PubSubName& name,
                       DeliverySettings& settings, std::vector<Finding>& found) {
  const auto told = service.find(name.subscription());
  if (!told)
    throw Error(ErrorCode::missing, fmt::format("there is no subscription {}", name.url()))
        .hint("`geoloom up` makes one");
  settings.ack_deadline_s = told->value("ackDeadlineSeconds", 10.0);
  if (told->contains("retryPolicy"))
    settings.backoff = Backoff{seconds_of((*told)["retryPolicy"], "minimumBackoff", 10),
                               seconds_of((*told)["retryPolicy"], "maximumBackoff", 600)};
  if (told->contains("deadLetterPolicy")) {
    const auto& policy = (*told)["deadLetterPolicy"];
    settings.attempts = policy.value("maxDeliveryAttempts", 5);
    const auto topic = policy.value("deadLetterTopic", std::string());
    if (!service.find(topic))
      found.push_back({true, fmt::format("the topic for dead letters, {}, does not exist", topic),
                       "make it, with a subscription"});
    else
      settings.dead_letters_read = service.has_subscription(topic);
  }
  if (!told->contains("pushConfig") || !(*told)["pushConfig"].contains("pushEndpoint"))
    found.push_back({false, "the subscription pushes to nobody", "set its push address"});
  else if (!(*told)["pushConfig"].contains("oidcToken"))
    found.push_back({false, "deliveries are not signed, so the worker must take them from anybody",
                     "set a push account, and --push-keys at the worker"});
}

void ask_worker(const std::string& address, std::vector<Finding>& found) {
  auto base = address;
  while (base.ends_with('/')) base.pop_back();
  http::Client client;
  http::Request request;
  request.url = base + "/readyz";
  request.timeouts.total = std::chrono::milliseconds(10'000);
  try {
    const auto answer = client.send(request);
    if (!answer.ok())
      found.push_back({true, fmt::format("the worker answers {} to /readyz", answer.status),
                       "look at its log"});
  } catch (const Error& error) {
    if (error.code() == ErrorCode::invalid) throw;
    found.push_back({true, error.message(), error.hint()});
  }
}

}  // namespace

void DeliveryArguments::add_to(CLI::App& command) {
  command.add_option("--pubsub", subscription,
                     "Look at a push subscription, pubsub://PROJECT/SUBSCRIPTION");
  command.add_option("--worker", worker, "Ask a worker whether it is ready, http(s)://host[:port]");
  command.add_option("--task-seconds", settings.task_s, "99 of 100 tasks take less; default 60")
      ->check(CLI::Range(0.001, 86400.0));
  command.add_option("--tasks", settings.tasks, "Tasks published together; default 1000");
  command.add_option("--instances", settings.instances, "Workers at most; default 50")
      ->check(CLI::Range(1, 1000000));
  command.add_option("--per-instance", settings.per_instance, "Tasks at once of each; default 1")
      ->check(CLI::Range(1, 1000));
  command
      .add_option("--platform-timeout", settings.request_timeout_s,
                  "Seconds until the platform ends a request; default 300, that of Cloud Run")
      ->check(CLI::Range(1.0, 86400.0));
}

int report_delivery(const DeliveryArguments& arguments, bool json) {
  auto settings = arguments.settings;
  std::vector<Finding> found;
  if (!arguments.worker.empty()) ask_worker(arguments.worker, found);
  std::optional<int> needed;
  if (!arguments.subscription.empty()) {
    http::PubSub service;
    read_subscription(service, http::parse_pubsub(arguments.subscription), settings, found);
    for (auto& finding : check_delivery(settings)) found.push_back(std::move(finding));
    needed = attempts_needed(settings);
  }
  bool serious = false;
  auto list = workflow::OrderedJson::array();
  for (const auto& finding : found) {
    serious = serious || finding.serious;
    list.push_back(
        {{"serious", finding.serious}, {"what", finding.what}, {"change", finding.change}});
    if (!json)
      std::cout << fmt::format("{}: {}\n  change: {}\n", finding.serious ? "problem" : "advice",
                               finding.what, finding.change);
  }
  workflow::OrderedJson report{{"findings", list}};
  report["attempts_needed"] = needed ? workflow::OrderedJson(*needed) : workflow::OrderedJson();
  if (json)
    std::cout << report.dump(1) << "\n";
  else if (found.empty())
    std::cout << "attempts, deadlines and time-outs fit together\n";
  return serious ? kExitItemsFailed : kExitSuccess;
}

}  // namespace geoloom::cli
