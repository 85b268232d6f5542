// SPDX-License-Identifier: Apache-2.0
// The transport over Pub/Sub: publishes one message per item, and waits for receipts. Who executes
// them is up to the topic's subscriptions: push workers, as a rule.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/runner.h"
#include "engine/task_message.h"
#include "http/pubsub.h"

namespace geoloom::engine {

// The task as JSON; the attributes run, step, item and "deduplication" = run/step/item tell
// duplicates apart, and let a dead letter be read without its body.
http::PubSubMessage pubsub_message(const TaskMessage& task);

class PubSubTransport final : public Transport {
 public:
  struct Options {
    std::chrono::milliseconds poll{2000};
    // Gives up when no receipt has come for that long; what has none then has failed.
    std::chrono::milliseconds patience{1'800'000};
  };
  PubSubTransport(http::PubSub& service, http::PubSubName topic, Options options)
      : service_(service), topic_(std::move(topic)), options_(options) {}

  void carry_out(RunSession& session, size_t step, RunProgress& progress) override;
  const char* name() const override { return "pubsub"; }
  bool elsewhere() const override { return true; }

  // Publishes these items, whether they have receipts or not.
  void publish(RunSession& session, size_t step, const std::vector<size_t>& items);
  // Reports items as their receipts come, and as failed when patience ends.
  void wait(RunSession& session, size_t step, std::vector<size_t> items, RunProgress& progress);

 private:
  // Tells what workers logged of items that have no receipt.
  void note_failures(RunSession& session, size_t step, const std::vector<size_t>& items,
                     RunProgress& progress);

  http::PubSub& service_;
  const http::PubSubName topic_;
  const Options options_;
  std::optional<AttemptReader> attempts_;  // since the last publishing
  std::set<std::string> given_up_;         // items of that step
};

}  // namespace geoloom::engine
