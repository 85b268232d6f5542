// SPDX-License-Identifier: Apache-2.0
// The arguments of commands that send items to workers elsewhere.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "engine/dispatcher.h"
#include "engine/pubsub_transport.h"

namespace geoloom::cli {

struct TransportArguments {
  std::vector<std::string> targets;  // of --via or --to: workers, or one topic
  unsigned in_flight = 16;
  int attempts = 5;
  double request_timeout_s = 900;
  double patience_s = 1800;
  double poll_s = 2;
  bool token_in_plain_http = false;

  // `option` is "--via" or "--to".
  void add_to(CLI::App& command, const std::string& option, const std::string& help);
  bool given() const { return !targets.empty(); }
  bool by_pubsub() const;
  // The token comes from GEOLOOM_TOKEN: a command line can be read by every user of the machine.
  engine::DispatchOptions dispatch_options() const;
  engine::PubSubTransport::Options pubsub_options() const;
};

// A transport and what it stands on.
class OpenedTransport {
 public:
  explicit OpenedTransport(const TransportArguments& arguments);
  engine::Transport& transport();
  engine::Dispatcher* by_http() { return dispatcher_.get(); }
  engine::PubSubTransport* by_pubsub() { return pubsub_.get(); }

 private:
  std::unique_ptr<engine::Dispatcher> dispatcher_;
  std::unique_ptr<http::PubSub> service_;
  std::unique_ptr<engine::PubSubTransport> pubsub_;
};

// Asks before many tasks are sent.
struct ConsentArguments {
  size_t ask_above = 1000;
  bool yes = false;
  double cost_per_task = 0, cost_per_gib = 0;  // 0: not stated

  void add_to(CLI::App& command);
};

// What sending some items comes to.
struct TaskEstimate {
  size_t tasks = 0;
  double read_bytes = 0;  // of scene files, once
  void add(const workflow::StepRun& step, size_t item);
};
std::string estimate_text(const TaskEstimate& estimate, const ConsentArguments& consent);
// Prints the estimate and asks on the terminal when there are more tasks than `ask_above`. Throws
// Error: cancelled (the answer was no), invalid (nobody can be asked, and --yes is not given).
void ask_for_consent(const TaskEstimate& estimate, const ConsentArguments& consent);

}  // namespace geoloom::cli
